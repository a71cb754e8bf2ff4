/* Silent sources as detection failures, whatever comes first. */
#include "one_world.h"

static void add_health(const char *id, int state, int64_t at)
{
    struct mu_source_health health = {.source = "main",
                                      .source_kind = "distribution",
                                      .state = state,
                                      .observed_at_us = at,
                                      .last_event_at_us = T(0),
                                      .silent_after_seconds = 3600,
                                      .last_error = "credentials are missing or wrong"};

    add_message(&w, MU_TOPIC_REGISTRY_EVENTS, MU_MSG_SOURCE_HEALTH, id, &health);
}

#define OPEN   "SELECT count(*) FROM detection_failures WHERE closed_at IS NULL"
#define CLOSED "SELECT closed_at FROM detection_failures"

static void a_silent_source_is_an_open_failure_and_one_notification(void **state)
{
    (void)state;
    add_health("h1", MU_SOURCE_SILENT, T(100));
    add_health("h1", MU_SOURCE_SILENT, T(100));
    world_apply(&w);
    assert_sql(&w, "SELECT source || ' ' || code || ' ' || opened_at FROM detection_failures",
               "main source_silent 2026-11-01 01:40:00+00");
    assert_sql(&w, "SELECT count(*) FROM notifications", "1");
    assert_sql(&w, "SELECT severity || ' ' || subject || ': ' || message FROM notifications",
               "critical main: the source (distribution) has sent nothing since "
               "2026-11-01T00:00:00.000000Z, and may be silent for 3600 s: images may be pushed or "
               "run unseen; check its sender");
    assert_sql(&w, "SELECT topic FROM outbox", "muster.notifications");
    assert_sql(&w, "SELECT last_error FROM source_reports", "credentials are missing or wrong");
}

static void it_is_closed_when_the_source_speaks_or_is_removed(void **state)
{
    (void)state;
    add_health("h1", MU_SOURCE_SILENT, T(100));
    world_apply(&w);
    add_health("h2", MU_SOURCE_SPEAKING, T(130));
    world_apply(&w);
    assert_sql(&w, OPEN, "0");
    assert_sql(&w, CLOSED, "2026-11-01 02:10:00+00");
    add_health("h3", MU_SOURCE_SILENT, T(200));
    world_apply(&w);
    assert_sql(&w, OPEN, "1");
    add_health("h4", MU_SOURCE_REMOVED, T(210));
    world_apply(&w);
    assert_sql(&w, OPEN, "0");
}

static void the_order_of_arrival_does_not_matter(void **state)
{
    static const char *const orders[] = {"0123", "3210", "1302", "2031"};
    static const int states[] = {MU_SOURCE_SILENT, MU_SOURCE_SPEAKING, MU_SOURCE_SILENT,
                                 MU_SOURCE_SPEAKING};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        world_empty(&w);
        for (size_t j = 0; j < 4; j++) {
            int which = orders[i][j] - '0';

            add_health(mu_arena_printf(w.arena, "h%d", which), states[which], T(100 + which));
            world_apply(&w);
        }
        assert_sql(&w,
                   "SELECT string_agg(opened_at || '/' || closed_at, ' ' ORDER BY opened_at) FROM "
                   "detection_failures",
                   "2026-11-01 01:40:00+00/2026-11-01 01:41:00+00 "
                   "2026-11-01 01:42:00+00/2026-11-01 01:43:00+00");
    }
}

static void other_sources_failures_stay(void **state)
{
    struct mu_source_health other = {.source = "other",
                                     .source_kind = "harbor",
                                     .state = MU_SOURCE_SILENT,
                                     .observed_at_us = T(100),
                                     .last_event_at_us = MU_TIME_NONE};

    (void)state;
    add_message(&w, MU_TOPIC_REGISTRY_EVENTS, MU_MSG_SOURCE_HEALTH, "o1", &other);
    add_health("h1", MU_SOURCE_SILENT, T(100));
    add_health("h2", MU_SOURCE_SPEAKING, T(101));
    world_apply(&w);
    assert_sql(&w, "SELECT string_agg(source, ' ') FROM detection_failures WHERE closed_at IS NULL",
               "other");
    assert_sql(&w, "SELECT count(*) FROM notifications WHERE message LIKE '%sent nothing, ever,%'",
               "1");
}

static void the_dump_names_a_source_that_is_silent(void **state)
{
    char *dump;

    (void)state;
    add_health("h1", MU_SOURCE_SILENT, T(100));
    world_apply(&w);
    dump = world_dump(&w);
    assert_non_null(strstr(dump, "detection_failure main source_silent"));
    free(dump);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(a_silent_source_is_an_open_failure_and_one_notification),
            WORLD_TEST(it_is_closed_when_the_source_speaks_or_is_removed),
            WORLD_TEST(the_order_of_arrival_does_not_matter),
            WORLD_TEST(other_sources_failures_stay),
            WORLD_TEST(the_dump_names_a_source_that_is_silent),
    };

    return pg_server_group(&world_server, tests);
}
