/*
 * fuzz_source: any bytes as a body of a kind must come to messages, or to quarantine: never to a
 * failure, since a sender would send them for ever.
 */
#ifndef FUZZ_SOURCE_H
#define FUZZ_SOURCE_H

#include "delivery/outbound.h"
#include "source/source.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_check_message(const struct mu_outgoing *message)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(16 << 20);
    static union {
        struct mu_registry_event registry;
        struct mu_workload_event workload;
        struct mu_quarantine_record record;
    } decoded;
    struct mu_error err;

    if (message->value_len > MU_MSG_MAX_BYTES || !message->key || !message->envelope.id)
        abort();
    if (mu_msg_decode(message->envelope.type, message->value, message->value_len, arena, &decoded,
                      &err) != MU_OK)
        abort(); /* what we send must keep its own schema */
}

static inline void fuzz_body(const char *kind, const char *content_type, const uint8_t *data,
                             size_t size, const char *(*header)(void *opaque, const char *name),
                             void *opaque)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(64 << 20);
    struct source_alias_pair alias = {"r", "registry.example"};
    struct source_config source = {.name = "fuzz",
                                   .registry = "registry.example",
                                   .kind = source_kind_find(kind),
                                   .cluster = "c",
                                   .aliases = &alias,
                                   .alias_count = 1};
    char *body = malloc(size + 1); /* exactly as large as said, and a NUL */
    struct source_input input = {.source = &source,
                                 .content_type = content_type,
                                 .header = header,
                                 .opaque = opaque,
                                 .body = body,
                                 .len = size,
                                 .received_at_us = 1795564800000000,
                                 .arena = arena};
    struct source_events events = {.arena = arena};
    struct mu_outgoing *messages = NULL;
    struct mu_error err;

    if (!body)
        return;
    if (size > 0)
        memcpy(body, data, size);
    body[size] = '\0';
    if (source_decode(&input, &events, &err) != MU_OK ||
        outbound_make(&input, &events, NULL, &messages, &err) != MU_OK)
        abort();
    for (size_t i = 0; i < events.count; i++)
        fuzz_check_message(&messages[i]);
    free(body);
}

#endif
