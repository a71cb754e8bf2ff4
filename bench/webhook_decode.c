/*
 * What ingest does with one webhook between the HTTP server and Kafka's client: reading the body,
 * making the messages. Prints the CPU time of one; no network.
 *
 *   bench_webhook_decode KIND FILE [COUNT]
 *
 * FILE holds a body of that kind of source. Under `valgrind --tool=callgrind` a small COUNT tells
 * the instructions of each part.
 */
#include "delivery/outbound.h"
#include "source/source.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ARENA_MAX_BYTES = 64 * 1024 * 1024, DEFAULT_COUNT = 200000 };

static _Noreturn void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_webhook_decode: %s: %s\n", what, why);
    exit(1);
}

static size_t decode_once(const struct source_config *source, const struct mu_buf *body,
                          struct mu_arena *arena)
{
    struct source_input input = {.source = source,
                                 .body = body->data,
                                 .len = body->len,
                                 .content_type = "application/json",
                                 .received_at_us = mu_now_us(),
                                 .arena = arena};
    struct source_events events = {.arena = arena};
    struct mu_outgoing *messages;
    struct mu_error err;

    if (source_decode(&input, &events, &err) != MU_OK ||
        outbound_make(&input, &events, NULL, &messages, &err) != MU_OK)
        die("body", err.message);
    return events.count;
}

static double cpu_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_MAX_BYTES);
    struct source_config source = {.name = "bench", .registry = "registry.example"};
    uint64_t count = DEFAULT_COUNT;
    size_t messages = 0;
    struct mu_error err;
    double began_us;

    mu_buf_init(&body, SOURCE_MAX_BODY_BYTES);
    if (argc < 3 || !(source.kind = source_kind_find(argv[1])))
        die("usage", "bench_webhook_decode KIND FILE [COUNT]");
    if (mu_file_read(argv[2], &body, &err) != MU_OK ||
        (argc > 3 && mu_text_to_u64(argv[3], "COUNT", &count, &err) != MU_OK))
        die("usage", err.message);
    began_us = cpu_us();
    for (uint64_t i = 0; i < count; i++) {
        messages += decode_once(&source, &body, arena);
        mu_arena_reset(arena);
    }
    (void)printf("%s: %zu bytes, %.2f messages, %.2f us of CPU each\n", argv[1], body.len,
                 (double)messages / (double)count, (cpu_us() - began_us) / (double)count);
    return 0;
}
