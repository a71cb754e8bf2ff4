/* silence: each change of a source is told once, until it is durable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "delivery_fixture.h"

#include "app/silence.h"
#include "source/source.h"

#include "base/file.h"
#include "base/log.h"

#define MINUTE INT64_C(60000000)
#define START  INT64_C(1795564800000000)

static struct delivery_fixture fixture;
static struct source_config sources[1];
static struct ingest_config config = {sources, 1};
static struct health *health;
static struct silence *silence;

static int group_setup(void **state)
{
    mu_log_init("test", MU_LOG_ERROR);
    delivery_group_setup(&fixture);
    *state = &fixture;
    return 0;
}

static int group_teardown(void **state)
{
    delivery_group_teardown(*state);
    return 0;
}

static int setup(void **state)
{
    struct outcome outcome = {0};

    delivery_setup(*state);
    assert_int_equal(send_one(fixture.producer, "first", &outcome, &fixture.err), MU_OK);
    assert_int_equal(mu_producer_flush(fixture.producer, WAIT_MS, &fixture.err), MU_OK);
    assert_true(wait_connected(fixture.producer, true));
    sources[0] = (struct source_config){
            .name = "main", .kind = source_kind_find("harbor"), .silent_after_ms = 60000};
    config.source_count = 1;
    assert_int_equal(health_open(NULL, START, &health, &fixture.err), MU_OK);
    health_watch(health, &config, START);
    silence = silence_new(health, fixture.delivery, fixture.folder.path);
    kafka_reader_mark(&fixture.reader, MU_TOPIC_REGISTRY_EVENTS);
    return 0;
}

static int teardown(void **state)
{
    delivery_teardown(*state);
    silence_free(silence);
    health_free(health);
    return 0;
}

static bool told_silent(void)
{
    struct health_row row;

    assert_true(health_row_at(health, 0, START, &row));
    return row.told_silent;
}

static void note_state(void *opaque, rd_kafka_message_t *message)
{
    static const char *const words[] = {"", "silent ", "speaking ", "removed "};
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct mu_source_health told;

    assert_string_equal(arrived_header(message, "ce_type"), "muster.source-health.v1");
    assert_string_equal(arrived_header(message, "ce_source"), "/muster/ingest/main");
    assert_int_equal(mu_msg_decode(MU_MSG_SOURCE_HEALTH, message->payload, message->len, arena,
                                   &told, &fixture.err),
                     MU_OK);
    mu_buf_puts(opaque, words[told.state]);
}

static void assert_told(size_t count, const char *expected)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf states;

    mu_buf_init(&states, 1024);
    read_messages(&fixture.reader, MU_TOPIC_REGISTRY_EVENTS, count, note_state, &states);
    assert_string_equal(states.data, expected);
}

static void silence_and_its_end_are_told_once_each(void **state)
{
    (void)state;
    silence_check(silence, START + MINUTE);
    assert_false(told_silent());
    for (int i = 0; i < 3; i++) {
        silence_check(silence, START + 2 * MINUTE);
        WAIT_FOR(told_silent());
    }
    source_health_heard(sources[0].health, START + 3 * MINUTE, 1, MU_TIME_NONE);
    for (int i = 0; i < 3; i++) {
        silence_check(silence, START + 3 * MINUTE);
        WAIT_FOR(!told_silent());
    }
    assert_told(2, "silent speaking ");
}

static void a_silent_source_that_is_removed_is_told_so(void **state)
{
    (void)state;
    silence_check(silence, START + 2 * MINUTE);
    WAIT_FOR(told_silent());
    config.source_count = 0;
    health_watch(health, &config, START + 2 * MINUTE);
    silence_check(silence, START + 3 * MINUTE);
    WAIT_FOR(!told_silent());
    assert_told(2, "silent removed ");
}

static void leave_pods(const char *lines)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/known-main.jsonl", fixture.folder.path);
    assert_int_equal(mu_file_write_atomic(path, lines, strlen(lines), &fixture.err), MU_OK);
}

static void a_removed_source_is_silent_until_its_pods_are_retired(void **state)
{
    (void)state;
    leave_pods("{\"pod\":{\"metadata\":{\"uid\":\"a\"}}}\n");
    config.source_count = 0;
    health_watch(health, &config, START);
    for (int i = 0; i < 2; i++) {
        silence_check(silence, START + MINUTE);
        WAIT_FOR(told_silent());
    }
    leave_pods("");
    silence_check(silence, START + 2 * MINUTE);
    WAIT_FOR(!told_silent());
    assert_told(2, "silent removed ");
}

static void what_was_told_before_a_restart_is_not_told_again(void **state)
{
    (void)state;
    health_set_told(health, 0, true);
    silence_check(silence, START + 2 * MINUTE);
    source_health_heard(sources[0].health, START + 3 * MINUTE, 1, MU_TIME_NONE);
    silence_check(silence, START + 3 * MINUTE);
    WAIT_FOR(!told_silent());
    assert_told(1, "speaking ");
}

static void with_kafka_away_the_spool_keeps_it(void **state)
{
    broker_down(*state);
    silence_check(silence, START + 2 * MINUTE);
    WAIT_FOR(told_silent());
    assert_true(spool_bytes(fixture.spool) > 0);
}

#define SILENCE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            SILENCE_TEST(silence_and_its_end_are_told_once_each),
            SILENCE_TEST(a_silent_source_that_is_removed_is_told_so),
            SILENCE_TEST(a_removed_source_is_silent_until_its_pods_are_retired),
            SILENCE_TEST(what_was_told_before_a_restart_is_not_told_again),
            SILENCE_TEST(with_kafka_away_the_spool_keeps_it),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
