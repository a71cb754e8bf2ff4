/* health: what is learnt of a source, when it counts as silent, what a restart keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "health/health.h"
#include "source/source.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define START  INT64_C(1795564800000000)

static struct source_config sources[2];
static struct ingest_config config = {.sources = sources, .source_count = 2};
static struct health *health;
static struct mu_error err;
static char folder[64], path[128];

static void open_health(int64_t now_us)
{
    if (health_open(path, now_us, &health, &err) != MU_OK)
        fail_msg("%s", err.message);
    health_watch(health, &config, now_us);
}

static int setup(void **state)
{
    (void)state;
    sources[0] = (struct source_config){.name = "main", .kind = source_kind_find("distribution")};
    sources[1] = (struct source_config){.name = "other", .kind = source_kind_find("harbor")};
    config.source_count = 2;
    (void)snprintf(folder, sizeof(folder), "/tmp/muster-health-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/health.json", folder);
    open_health(START);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    health_free(health);
    health = NULL;
    (void)unlink(path);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static struct health_row row_of(size_t index, int64_t now_us)
{
    struct health_row row;

    assert_true(health_row_at(health, index, now_us, &row));
    return row;
}

static enum health_state state_at(int64_t now_us)
{
    return row_of(0, now_us).state;
}

/* So many events, one each `every_us`, the first at `from_us`; when the last came. */
static int64_t speak(int64_t from_us, int64_t every_us, size_t count)
{
    for (size_t i = 0; i < count; i++)
        source_health_heard(sources[0].health, from_us + (int64_t)i * every_us, 1, MU_TIME_NONE);
    return from_us + (int64_t)(count - 1) * every_us;
}

/* ---- states ---- */

static void a_source_that_never_spoke_is_never_and_may_wait(void **state)
{
    (void)state;
    assert_int_equal(state_at(START + 365 * DAY), HEALTH_NEVER);
    assert_int_equal(row_of(0, START).last_event_at_us, MU_TIME_NONE);
}

static void before_enough_is_known_nobody_is_silent(void **state)
{
    int64_t last_us = speak(START, HOUR, 8);

    (void)state;
    assert_int_equal(state_at(last_us + 300 * DAY), HEALTH_OK);
    assert_int_equal(row_of(0, last_us).usual_interval_us, 0);
}

static void the_usual_interval_is_learnt_and_what_is_beyond_it_is_silent(void **state)
{
    int64_t last_us = speak(START, HOUR, 40);
    struct health_row row = row_of(0, last_us);

    (void)state;
    assert_int_equal(row.usual_interval_us, HOUR);
    assert_int_equal(row.silent_after_us, 8 * HOUR);
    assert_int_equal(state_at(last_us + 4 * HOUR), HEALTH_OK);
    assert_int_equal(state_at(last_us + 4 * HOUR + 1), HEALTH_LATE);
    assert_int_equal(state_at(last_us + 8 * HOUR), HEALTH_LATE);
    assert_int_equal(state_at(last_us + 8 * HOUR + 1), HEALTH_SILENT);
    source_health_heard(sources[0].health, last_us + 9 * HOUR, 1, MU_TIME_NONE);
    assert_int_equal(state_at(last_us + 9 * HOUR), HEALTH_OK);
}

static void a_burst_is_one_visit(void **state)
{
    int64_t last_us = START;

    (void)state;
    for (int64_t i = 0; i < 20; i++)
        last_us = speak(START + i * DAY, SECOND, 30);
    assert_true(row_of(0, last_us).silent_after_us >= 8 * DAY - HOUR);
}

static void a_busy_source_is_missed_after_a_quarter_of_an_hour(void **state)
{
    int64_t last_us = speak(START, SECOND / 2, 4000);

    (void)state;
    assert_int_equal(row_of(0, last_us).silent_after_us, 15 * MINUTE);
    assert_int_equal(state_at(last_us + 15 * MINUTE + 1), HEALTH_SILENT);
}

static void a_quiet_weekend_is_remembered_until_the_next(void **state)
{
    int64_t at_us = START;

    (void)state;
    for (int week = 0; week < 2; week++)
        at_us = speak(at_us + 64 * HOUR, 10 * MINUTE, 5 * 24 * 6 - 16 * 6);
    assert_int_not_equal(state_at(at_us + 64 * HOUR), HEALTH_SILENT);
}

static void the_configuration_says_it_instead(void **state)
{
    (void)state;
    sources[0].silent_after_ms = 60 * 1000;
    sources[1].silent_after_ms = SOURCE_NEVER_SILENT;
    health_watch(health, &config, START);
    assert_int_equal(state_at(START + MINUTE), HEALTH_NEVER);
    assert_int_equal(state_at(START + MINUTE + 1), HEALTH_SILENT); /* one that never spoke, too */
    source_health_heard(sources[1].health, START, 1, MU_TIME_NONE);
    assert_int_equal(row_of(1, START + 365 * DAY).state, HEALTH_OK);
    assert_int_equal(row_of(1, START).silent_after_us, 0);
}

static void what_concerns_nobody_is_a_sign_of_life_but_no_event(void **state)
{
    (void)state;
    sources[0].silent_after_ms = 60 * 1000;
    health_watch(health, &config, START);
    source_health_heard(sources[0].health, START + 50 * SECOND, 0, MU_TIME_NONE);
    assert_int_equal(state_at(START + 70 * SECOND), HEALTH_OK);
    assert_int_equal(row_of(0, START).last_event_at_us, MU_TIME_NONE);
    assert_int_equal(row_of(0, START).events_total, 0);
}

static void a_clock_set_back_does_no_harm(void **state)
{
    (void)state;
    (void)speak(START, HOUR, 20);
    source_health_heard(sources[0].health, START - DAY, 1, START);
    assert_int_equal(state_at(START - DAY), HEALTH_OK);
    assert_int_equal(row_of(0, START).lag_us, 0);
}

/* ---- rows ---- */

static void events_are_counted_by_the_hour_and_in_all(void **state)
{
    (void)state;
    source_health_heard(sources[0].health, START, 10, START - 3 * SECOND);
    source_health_heard(sources[0].health, START + 30 * MINUTE, 5, START + 30 * MINUTE - SECOND);
    assert_int_equal(row_of(0, START + 30 * MINUTE).events_last_hour, 15);
    assert_int_equal(row_of(0, START + 30 * MINUTE).events_last_5_minutes, 5);
    assert_int_equal(row_of(0, START + 61 * MINUTE).events_last_hour, 5);
    assert_int_equal(row_of(0, START + 100 * MINUTE).events_last_hour, 0);
    assert_int_equal(row_of(0, START + 100 * MINUTE).events_total, 15);
    assert_int_equal(row_of(0, START).lag_us, SECOND);
}

static void the_last_error_is_kept_and_cut_within_its_size(void **state)
{
    char longest[2 * HEALTH_ERROR_SIZE];

    (void)state;
    memset(longest, 'x', sizeof(longest) - 1);
    memcpy(longest + HEALTH_ERROR_SIZE - 2, "\xc3\xa4", 2); /* cut in two */
    longest[sizeof(longest) - 1] = '\0';
    source_health_failed(sources[0].health, START + SECOND, longest);
    assert_int_equal(row_of(0, START).errors_total, 1);
    assert_int_equal(row_of(0, START).last_error_at_us, START + SECOND);
    assert_int_equal(strlen(row_of(0, START).last_error), HEALTH_ERROR_SIZE - 1);
    assert_int_equal(row_of(0, START).last_error[HEALTH_ERROR_SIZE - 2], '?');
}

static void a_source_nobody_watches_is_fine(void **state)
{
    (void)state;
    source_health_heard(NULL, START, 1, START);
    source_health_failed(NULL, START, "why");
}

static void a_source_that_is_gone_keeps_its_row_and_comes_back_to_it(void **state)
{
    struct source_health *before = sources[0].health;
    struct source_config kept = sources[0];

    (void)state;
    source_health_heard(before, START, 7, START);
    sources[0] = sources[1];
    config.source_count = 1;
    health_watch(health, &config, START);
    assert_null(row_of(0, START).kind);
    source_health_heard(before, START + SECOND, 1, START); /* a request still under way */
    sources[1] = kept;
    sources[1].health = NULL;
    config.source_count = 2;
    health_watch(health, &config, START);
    assert_ptr_equal(sources[1].health, before);
    assert_int_equal(row_of(0, START).events_total, 8);
}

static void rows_are_json_and_metrics(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    (void)state;
    mu_buf_init(&text, 1 << 20);
    source_health_heard(sources[0].health, START, 3, START - SECOND);
    source_health_failed(sources[0].health, START, "a \"quoted\" reason");
    assert_int_equal(health_to_json(health, START, &text, &err), MU_OK);
    assert_non_null(strstr(text.data, "\"lag_seconds\":1.0,"));
    assert_non_null(strstr(text.data, "\"last_error\":\"a \\\"quoted\\\" reason\""));
    assert_non_null(strstr(text.data, "\"name\":\"other\",\"silent_after_seconds\":null,\"state\":"
                                      "\"never\""));
    mu_buf_reset(&text);
    health_render(health, START, &text);
    assert_non_null(strstr(text.data, "# HELP muster_ingest_source_events_total "));
    assert_non_null(strstr(text.data, "# TYPE muster_ingest_source_events_total counter\n"));
    assert_non_null(strstr(text.data, "muster_ingest_source_events_total{source=\"main\",kind="
                                      "\"distribution\"} 3\n"));
    assert_non_null(strstr(text.data, "muster_ingest_source_last_event_timestamp_seconds{source="
                                      "\"main\",kind=\"distribution\"} 1795564800\n"));
}

static void a_list_too_large_for_its_buffer_is_a_limit(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    (void)state;
    mu_buf_init(&text, 20);
    assert_int_equal(health_to_json(health, START, &text, &err), MU_E_LIMIT);
}

/* ---- over restarts ---- */

static void restart(int64_t saved_us, int64_t opened_us)
{
    if (health_save(health, saved_us, &err) != MU_OK)
        fail_msg("%s", err.message);
    health_free(health);
    open_health(opened_us);
}

static void a_restart_forgets_nothing_and_its_own_absence_is_no_silence(void **state)
{
    int64_t last_us = speak(START, HOUR, 40);

    (void)state;
    health_set_told(health, 0, true);
    restart(last_us + HOUR, last_us + 100 * HOUR);
    assert_int_equal(row_of(0, last_us + 100 * HOUR).usual_interval_us, HOUR);
    assert_int_equal(row_of(0, last_us).events_total, 40);
    assert_int_equal(row_of(0, last_us).last_event_at_us, last_us);
    assert_true(row_of(0, last_us).told_silent);
    assert_int_equal(state_at(last_us + 100 * HOUR), HEALTH_OK); /* heard an hour before the stop */
    assert_int_equal(state_at(last_us + 107 * HOUR), HEALTH_LATE);
    assert_int_equal(state_at(last_us + 107 * HOUR + 1), HEALTH_SILENT);
}

static void without_a_file_nothing_is_kept(void **state)
{
    struct health *unkept = NULL;

    (void)state;
    assert_int_equal(health_open(NULL, START, &unkept, &err), MU_OK);
    assert_int_equal(health_save(unkept, START, &err), MU_OK);
    health_free(unkept);
}

static void a_damaged_file_is_invalid_by_name(void **state)
{
    struct health *untouched = (struct health *)&err;

    (void)state;
    assert_int_equal(mu_file_write_atomic(path, "{\"saved_at\": 7}", 15, &err), MU_OK);
    assert_int_equal(health_open(path, START, &untouched, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, path));
    assert_ptr_equal(untouched, &err);
}

static void a_folder_that_is_gone_makes_saving_unavailable(void **state)
{
    struct health *homeless = NULL;

    (void)state;
    assert_int_equal(health_open("/nowhere/at/all.json", START, &homeless, &err), MU_OK);
    assert_int_equal(health_save(homeless, START, &err), MU_E_UNAVAILABLE);
    health_free(homeless);
}

static void rows_beyond_the_bound_are_not_watched(void **state)
{
    static char names[SOURCES_MAX][16];
    static struct source_config many[SOURCES_MAX];
    struct ingest_config all = {many, SOURCES_MAX};

    (void)state;
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < SOURCES_MAX; i++) {
            (void)snprintf(names[i], sizeof(names[i]), "s%d-%zu", round, i);
            many[i] = (struct source_config){.name = names[i], .kind = sources[0].kind};
        }
        health_watch(health, &all, START);
    }
    assert_null(many[SOURCES_MAX - 1].health);
    source_health_heard(many[SOURCES_MAX - 1].health, START, 1, START);
}

#define HEALTH_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            HEALTH_TEST(a_source_that_never_spoke_is_never_and_may_wait),
            HEALTH_TEST(before_enough_is_known_nobody_is_silent),
            HEALTH_TEST(the_usual_interval_is_learnt_and_what_is_beyond_it_is_silent),
            HEALTH_TEST(a_burst_is_one_visit),
            HEALTH_TEST(a_busy_source_is_missed_after_a_quarter_of_an_hour),
            HEALTH_TEST(a_quiet_weekend_is_remembered_until_the_next),
            HEALTH_TEST(the_configuration_says_it_instead),
            HEALTH_TEST(what_concerns_nobody_is_a_sign_of_life_but_no_event),
            HEALTH_TEST(a_clock_set_back_does_no_harm),
            HEALTH_TEST(events_are_counted_by_the_hour_and_in_all),
            HEALTH_TEST(the_last_error_is_kept_and_cut_within_its_size),
            HEALTH_TEST(a_source_nobody_watches_is_fine),
            HEALTH_TEST(a_source_that_is_gone_keeps_its_row_and_comes_back_to_it),
            HEALTH_TEST(rows_are_json_and_metrics),
            HEALTH_TEST(a_list_too_large_for_its_buffer_is_a_limit),
            HEALTH_TEST(a_restart_forgets_nothing_and_its_own_absence_is_no_silence),
            HEALTH_TEST(without_a_file_nothing_is_kept),
            HEALTH_TEST(a_damaged_file_is_invalid_by_name),
            HEALTH_TEST(a_folder_that_is_gone_makes_saving_unavailable),
            HEALTH_TEST(rows_beyond_the_bound_are_not_watched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
