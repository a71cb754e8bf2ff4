/* A review writes down what it decides, and how many decisions could not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate/gate_review.h"

#include "base/memory.h"

#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 20000, ARENA_BYTES = 1 << 20, MOST = 100000, THREADS = 4, EACH = 2000 };

/* Nothing is known without a cache: the scope decides, and lets pods start unrecorded. */
static const char rules[] = "scopes:\n"
                            "  - {name: open, mode: enforce, unavailable: allow}\n";

static char folder[64];
static struct gate_config *gate;
static struct cache_slot slot;
static struct decision_log *decisions;

static int open_folder(void **state)
{
    struct decision_log_config config = {.folder = folder,
                                         .name = "gate-a",
                                         .max_bytes = 1 << 16,
                                         .segment_bytes = 4096,
                                         .queue_bytes = 1 << 14,
                                         .sync_ms = 1};
    struct mu_error err;

    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/muster-review-XXXXXX");
    assert_non_null(mkdtemp(folder));
    if (gate_config_parse("test", rules, strlen(rules), &gate, &err) != MU_OK ||
        decision_log_open(&config, &decisions, &err) != MU_OK)
        fail_msg("%s", err.message);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static int close_folder(void **state)
{
    (void)state;
    decision_log_close(decisions);
    decisions = NULL;
    gate_config_free(gate);
    gate = NULL;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Whether it was written down; it is allowed either way. `user` stands in each text of who asks. */
static bool ask(const char *user)
{
    struct mu_arena *arena = mu_arena_new(ARENA_BYTES);
    struct gate_review review = {.config = gate,
                                 .slot = &slot,
                                 .log = decisions,
                                 .arena = arena,
                                 .asker = {.source = "api",
                                           .cluster = "c",
                                           .namespace_name = "n",
                                           .kind = user,
                                           .object = user,
                                           .user = user,
                                           .operation = user,
                                           .uid = user,
                                           .at_us = 1}};
    struct mu_error err;
    bool written;

    gate_review_begin(&review);
    if (gate_review_image(&review, "", "registry.example/app:1", NULL, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_true(review.allowed);
    written = review.last > 0;
    gate_review_done(&review);
    mu_arena_free(arena);
    return written;
}

struct told {
    uint64_t records, lost, last_lost; /* last_lost: of the last record */
};

static enum mu_status read_record(void *opaque, const struct decision_frame *frame,
                                  struct mu_error *err)
{
    static const char member[] = "\"lost_before\":";
    struct told *told = opaque;
    char payload[DECISION_MAX_BYTES + 1];
    const char *at;

    (void)err;
    memcpy(payload, frame->payload, frame->payload_len);
    payload[frame->payload_len] = '\0';
    at = strstr(payload, member);
    assert_non_null(at);
    told->records++;
    told->last_lost = strtoull(at + strlen(member), NULL, 10);
    told->lost += told->last_lost;
    return MU_OK;
}

/* What the records tell from there on. */
static struct told read_from(uint64_t from)
{
    struct decision_log_state log = {0};
    struct told told = {0};
    struct mu_error err;
    uint64_t next = 0, until;

    decision_log_state(decisions, &log);
    until = log.next;
    for (int i = 0; i < WAIT_MS && log.synced + 1 < until; i++) {
        (void)poll(NULL, 0, 1);
        decision_log_state(decisions, &log);
    }
    assert_true(log.synced + 1 >= until);
    if (decision_log_read(decisions, from, MOST, read_record, &told, &next, &err) != MU_OK)
        fail_msg("%s", err.message);
    return told;
}

static uint64_t lost(void)
{
    struct decision_log_state log;

    decision_log_state(decisions, &log);
    return log.lost;
}

/* Fills the log, then loses so many; gives how many were written. */
static uint64_t lose(uint64_t count)
{
    uint64_t written = 0;

    for (int i = 0; i < MOST && lost() < count; i++)
        if (ask("ann"))
            (void)decision_log_wait(decisions, ++written, WAIT_MS * INT64_C(1000));
    assert_int_equal(lost(), count);
    return written;
}

static void the_record_after_the_losses_tells_how_many_there_were(void **state)
{
    uint64_t written;
    struct told told;

    (void)state;
    written = lose(1000);
    told = read_from(1);
    assert_int_equal(told.records, written);
    assert_int_equal(told.lost, 0);
    decision_log_forget(decisions, written + 1);
    assert_true(ask("ann"));
    assert_true(ask("ann"));
    told = read_from(written + 1);
    assert_int_equal(told.records, 2);
    assert_int_equal(told.lost, 1000);
    assert_int_equal(told.last_lost, 0);
}

static void a_decision_that_is_too_large_to_be_written_is_told_too(void **state)
{
    char user[1024] = "";
    struct told told;

    (void)state;
    memset(user, '\001', sizeof(user) - 1); /* six bytes each in JSON */
    for (int i = 0; i < 3; i++)
        assert_false(ask(user));
    assert_true(ask("ann"));
    told = read_from(1);
    assert_int_equal(told.records, 1);
    assert_int_equal(told.lost, 3);
}

static void *ask_on(void *opaque)
{
    uint64_t *written = opaque;

    for (int i = 0; i < EACH; i++)
        *written += ask("ann");
    return NULL;
}

static void threads_that_lose_and_write_at_once_lose_no_count(void **state)
{
    uint64_t written[THREADS] = {0}, sum = 0;
    pthread_t threads[THREADS];
    struct told told;

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_on, &written[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        sum += written[i];
    told = read_from(1);
    assert_int_equal(told.records, sum);
    assert_int_equal(told.lost + lost() + sum, THREADS * EACH);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(the_record_after_the_losses_tells_how_many_there_were),
            CASE(a_decision_that_is_too_large_to_be_written_is_told_too),
            CASE(threads_that_lose_and_write_at_once_lose_no_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
