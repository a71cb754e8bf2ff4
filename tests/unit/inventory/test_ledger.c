/* The ledger in months, its equation, who may write a partition, and what may go. */
#include "one_world.h"

#include "ledger/ledger_command.h"
#include "ledger/retention_command.h"
#include "ledger/upkeep.h"
#include "query/instants.h"
#include "store/metrics.h"

#include <pthread.h>

/* ---- equation ---- */

static int ledger_says(const char *wanted)
{
    struct ledger_config config = {.postgres = w.conninfo, .format = "json", .exact = true};
    int code = -1;
    char *text = captured(ledger_command, &config, 0, NULL, &code);

    if (!strstr(text, wanted))
        fail_msg("%s", text);
    free(text);
    return code;
}

static void everything_received_is_applied_quarantined_or_a_duplicate(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    (void)add_raw(&w, MU_TOPIC_REGISTRY_EVENTS, "muster.registry-event.v1", "bad", "{");
    world_apply(&w);
    assert_int_equal(ledger_says("\"unexplained\":\"0\""), 0);
    assert_sql(&w, "SELECT ledger_balance()::text", "(3,1,1,1,0)");
    add_push(&w, "bad", "1.1", digest_of('b'), T(1)); /* now it is understood */
    world_apply(&w);
    assert_int_equal(ledger_says("\"unexplained\":\"0\""), 0);
    assert_sql(&w, "SELECT ledger_balance()::text", "(4,2,0,2,0)");
}

static void what_was_quarantined_has_a_command(void **state)
{
    struct ledger_config config = {.postgres = w.conninfo, .format = "text"};
    int code = -1;
    char *text = captured(ledger_command, &config, 0, NULL, &code);

    (void)state;
    assert_null(strstr(text, "muster-ingest"));
    free(text);
    (void)add_raw(&w, MU_TOPIC_REGISTRY_EVENTS, "muster.registry-event.v1", "bad", "{");
    world_apply(&w);
    text = captured(ledger_command, &config, 0, NULL, &code);
    assert_int_equal(code, 0);
    assert_non_null(
            strstr(text, "\nwhat was quarantined, and why: muster-ingest quarantine list "));
    free(text);
}

static void a_row_that_is_lost_is_found_by_the_exact_count(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    free(world_sql(&w, "DELETE FROM ledger"));
    assert_int_equal(ledger_says("unexplained"), 1);
    free(world_sql(&w, "UPDATE positions SET received = 2"));
    assert_int_equal(ledger_says("\"unexplained\":\"1\""), 1);
}

static void the_equation_is_a_metric(void **state)
{
    struct mu_error err;

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    assert_int_equal(upkeep_round(w.pg, &err), MU_OK);
    assert_int_equal(metric_ledger_received.value, 1);
    assert_int_equal(metric_ledger_applied.value, 1);
    assert_int_equal(metric_ledger_unexplained.value, 0);
}

/* ---- one writer per partition ---- */

static int64_t claim(const char *owner)
{
    const char *values[] = {"muster.registry-events", "0", owner};
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    struct mu_error err;

    assert_int_equal(mu_pg_execute(w.pg, READ_POSITION_CLAIM, values, &result, &err), MU_OK);
    return mu_pg_int(result, 0, 1);
}

static void a_process_that_lost_its_partition_commits_nothing(void **state)
{
    struct batch_applier *zombie = batch_applier_new(w.evidence, 0);
    struct mu_error err;

    (void)state;
    batch_applier_claim(zombie, MU_TOPIC_REGISTRY_EVENTS, 0, claim("zombie"), 0);
    batch_applier_claim(w.applier, MU_TOPIC_REGISTRY_EVENTS, 0, claim("heir"), 0);
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    assert_int_equal(batch_apply(zombie, w.pg, w.events, w.count, &err), MU_E_CONFLICT);
    assert_sql(&w,
               "SELECT (SELECT count(*) FROM ledger) + (SELECT count(*) FROM ledger_ids) + "
               "(SELECT count(*) FROM assets) + (SELECT count(*) FROM ledger_payloads)",
               "0");
    assert_true(mu_pg_alive(w.pg));
    world_apply(&w);
    assert_sql(&w, "SELECT owner || ' ' || epoch || ' ' || next_offset FROM positions", "heir 2 1");
    batch_applier_free(zombie);
}

/* ---- what Kafka lost ---- */

#define LOST                                                                              \
    "SELECT string_agg(source || ' ' || code || ' ' || left(message, 55), '; ' ORDER BY " \
    "known_at, "                                                                          \
    "message) FROM detection_failures"

static void push_at_offset(const char *id, int64_t offset)
{
    w.offset = offset;
    add_push(&w, id, id, digest_of('a'), T(1));
}

static void events_that_kafka_lost_are_a_failure_until_a_person_closes_it(void **state)
{
    int64_t lost = metric_events_lost.value;

    (void)state;
    batch_applier_claim(w.applier, MU_TOPIC_REGISTRY_EVENTS, 0, claim("us"), -1);
    push_at_offset("e1", 7); /* of what came before there was an inventory nothing is missed */
    push_at_offset("e2", 8);
    world_apply(&w);
    assert_sql(&w, LOST, "");
    assert_int_equal(ledger_says("\"unexplained\":\"0\""), 0);
    push_at_offset("e3", 12);
    push_at_offset("e4", 13);
    push_at_offset("e5", 15);
    world_apply(&w);
    assert_sql(&w, LOST,
               "kafka/muster.registry-events/0 events_lost "
               "1 events of muster.registry-events, partition 0, offset; "
               "kafka/muster.registry-events/0 events_lost "
               "3 events of muster.registry-events, partition 0, offset");
    assert_sql(&w, "SELECT count(*) FROM notifications WHERE kind = 'detection_failure'", "2");
    assert_sql(&w, "SELECT next_offset FROM positions", "16");
    assert_int_equal(metric_events_lost.value, lost + 4);
    assert_int_equal(ledger_says("\"unexplained\":\"0\""), 1);
    assert_sql(
            &w,
            "SELECT bool_and(failure_acknowledge(failure_id::text, 'Ann', 'listed anew') IS NULL) "
            "FROM detection_failures",
            "t");
    assert_sql(&w, "SELECT count(*) FROM list_failures(now(), 'infinity') WHERE state = 'closed'",
               "2");
    assert_int_equal(ledger_says("\"unexplained\":\"0\""), 0);
}

static void a_batch_that_is_tried_again_tells_once_what_was_lost(void **state)
{
    (void)state;
    free(world_sql(&w, "CREATE SEQUENCE again; CREATE FUNCTION once() RETURNS trigger LANGUAGE "
                       "plpgsql AS 'BEGIN IF nextval(''again'') <= 1 THEN RAISE EXCEPTION USING "
                       "ERRCODE = ''40P01''; END IF; RETURN NULL; END'; CREATE TRIGGER once AFTER "
                       "INSERT ON positions EXECUTE FUNCTION once()"));
    batch_applier_claim(w.applier, MU_TOPIC_REGISTRY_EVENTS, 0, -1, 5);
    push_at_offset("e1", 9);
    world_apply(&w);
    push_at_offset("e2", 10);
    world_apply(&w);
    free(world_sql(&w, "DROP TRIGGER once ON positions; DROP FUNCTION once; DROP SEQUENCE again"));
    assert_sql(&w, "SELECT count(*) FROM detection_failures", "1");
}

/* Else what comes below the old position would be skipped by the next process. */
static void a_topic_that_begins_anew_takes_its_position_back(void **state)
{
    (void)state;
    batch_applier_claim(w.applier, MU_TOPIC_REGISTRY_EVENTS, 0, claim("us"), -1);
    push_at_offset("e1", 20);
    world_apply(&w);
    push_at_offset("e2", 0);
    world_apply(&w);
    assert_sql(&w, "SELECT code FROM detection_failures", "topic_recreated");
    assert_sql(&w, "SELECT next_offset FROM positions", "1");
    assert_int_equal(ledger_says("\"unexplained\":\"0\""), 1);
}

/* As after a failover to a server that lacks the last batch: what it lacks must be read again. */
static void a_database_that_is_not_where_it_was_left_takes_nothing(void **state)
{
    struct mu_error err;

    (void)state;
    batch_applier_claim(w.applier, MU_TOPIC_REGISTRY_EVENTS, 0, claim("us"), -1);
    push_at_offset("e1", 0);
    world_apply(&w);
    push_at_offset("e2", 1);
    free(world_sql(&w, "UPDATE positions SET next_offset = 0"));
    assert_int_equal(batch_apply(w.applier, w.pg, w.events, w.count, &err), MU_E_CONFLICT);
    assert_sql(&w, "SELECT count(*) FROM ledger", "1");
    batch_applier_claim(w.applier, MU_TOPIC_REGISTRY_EVENTS, 0, claim("us"), 0);
    w.count = 0;
    push_at_offset("e1", 0);
    push_at_offset("e2", 1);
    world_apply(&w);
    assert_sql(&w, "SELECT next_offset || ' ' || duplicates FROM positions", "2 1");
    assert_sql(&w, "SELECT count(*) FROM detection_failures", "0");
}

/* ---- deadlocks ---- */

static void a_deadlock_or_failed_serialisation_is_tried_again(void **state)
{
    int64_t before = metric_batches_retried.value;

    (void)state;
    free(world_sql(&w, "CREATE SEQUENCE tries; CREATE FUNCTION clash() RETURNS trigger LANGUAGE "
                       "plpgsql AS 'BEGIN IF nextval(''tries'') <= 2 THEN RAISE EXCEPTION USING "
                       "ERRCODE = ''40P01''; END IF; RETURN NULL; END'; CREATE TRIGGER clash AFTER "
                       "INSERT ON assets EXECUTE FUNCTION clash()"));
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    assert_int_equal(metric_batches_retried.value, before + 2);
    assert_sql(&w, "SELECT ledger_balance()::text", "(1,1,0,0,0)");
    free(world_sql(&w, "DROP TRIGGER clash ON assets; DROP FUNCTION clash; DROP SEQUENCE tries"));
}

static void a_deadlock_that_does_not_end_is_given_back(void **state)
{
    struct mu_error err;

    (void)state;
    free(world_sql(&w, "CREATE FUNCTION clash() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE "
                       "EXCEPTION USING ERRCODE = ''40001''; END'; CREATE TRIGGER clash AFTER "
                       "INSERT ON assets EXECUTE FUNCTION clash()"));
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    assert_int_equal(batch_apply(w.applier, w.pg, w.events, w.count, &err), MU_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, "40001"));
    free(world_sql(&w, "DROP TRIGGER clash ON assets; DROP FUNCTION clash"));
    world_apply(&w);
}

/* ---- what is known ---- */

/* The instant of knowledge that is given out is one that nothing can be learned at any more. */
static void what_is_being_learned_is_not_known_yet(void **state)
{
    MU_AUTO(pg) struct mu_pg *reader = NULL;
    PGconn *writer = PQconnectdb(w.conninfo);
    struct instants instants;
    struct mu_error err;
    char *learned, sql[128];
    PGresult *tick;

    (void)state;
    PQclear(PQexec(writer, "SET TimeZone = UTC; BEGIN"));
    tick = PQexec(writer, "SELECT ledger_tick()");
    learned = strdup(PQgetvalue(tick, 0, 0));
    PQclear(tick);
    assert_int_equal(inventory_query_open(w.conninfo, "test", &reader, &err), MU_OK);
    if (instants_ask(reader, NULL, NULL, &instants, &err) != MU_OK)
        fail_msg("%s", err.message);
    (void)snprintf(sql, sizeof(sql), "SELECT timestamptz '%s' < '%s'", instants.known_at, learned);
    assert_sql(&w, sql, "t");
    PQclear(PQexec(writer, "COMMIT"));
    assert_int_equal(instants_ask(reader, NULL, NULL, &instants, &err), MU_OK);
    (void)snprintf(sql, sizeof(sql), "SELECT timestamptz '%s' = '%s'", instants.known_at, learned);
    assert_sql(&w, sql, "t");
    PQfinish(writer);
    free(learned);
}

enum { LEARNERS = 3, TICKS = 150, LOOKS = 60 };

/* A process that learns: ticks, writes with that time, commits; now and then it gives up. */
static void *learn(void *opaque)
{
    PGconn *connection = PQconnectdb(w.conninfo);

    for (int i = 0; i < TICKS; i++) {
        PQclear(PQexec(connection, "BEGIN"));
        PQclear(PQexec(connection, "INSERT INTO ledger_transactions SELECT ledger_tick(), now()"));
        PQclear(PQexec(connection, i % 5 ? "COMMIT" : "ROLLBACK"));
    }
    PQfinish(connection);
    return opaque;
}

/* What everything derived from facts relies on (0001_ledger.sql), with several processes. */
static void what_the_clock_shows_is_there_and_nothing_comes_before_it(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf wrong;
    pthread_t learners[LEARNERS];

    (void)state;
    mu_buf_init(&wrong, 64 * 1024);
    mu_buf_puts(&wrong, "SELECT count(*) FROM (VALUES (timestamptz 'infinity', 0)");
    for (int i = 0; i < LEARNERS; i++)
        assert_int_equal(pthread_create(&learners[i], NULL, learn, NULL), 0);
    for (int i = 0; i < LOOKS; i++) {
        char *clock = world_sql(&w, "SELECT known_at FROM ledger_clock");
        char *count = world_sql(&w, mu_arena_printf(w.arena,
                                                    "SELECT count(*) FROM ledger_transactions "
                                                    "WHERE known_at <= '%s'",
                                                    clock));

        mu_buf_printf(&wrong, ", ('%s', %s)", clock, count);
        free(clock), free(count);
    }
    for (int i = 0; i < LEARNERS; i++)
        assert_int_equal(pthread_join(learners[i], NULL), 0);
    mu_buf_printf(&wrong,
                  ") s (clock, seen) WHERE clock < (SELECT max(known_at) FROM ledger_transactions) "
                  "AND seen <> (SELECT count(*) FROM ledger_transactions t WHERE t.known_at <= "
                  "clock)");
    assert_sql(&w, wrong.data, "0");
    assert_sql(&w, "SELECT count(*) FROM ledger_transactions", "360");
}

/* ---- months ---- */

static void rows_lie_in_the_month_they_were_learned_in(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM ledger_default", "0");
    assert_sql(&w,
               "SELECT tableoid::regclass::text = to_char(now(), '\"ledger_\"YYYY\"_\"MM') "
               "FROM ledger",
               "t");
    assert_sql(&w,
               "SELECT tableoid::regclass::text = to_char(now(), "
               "'\"ledger_payloads_\"YYYY\"_\"MM') FROM ledger_payloads",
               "t");
}

static void months_are_made_ahead_of_time_and_once(void **state)
{
    struct mu_error err;

    (void)state;
    free(world_sql(&w, "DO $$ BEGIN EXECUTE format('DROP TABLE ledger_%s', "
                       "to_char(now() + interval '2 months', 'YYYY_MM')); END $$"));
    assert_int_equal(upkeep_round(w.pg, &err), MU_OK);
    assert_sql(&w,
               "SELECT to_regclass('ledger_' || to_char(now() + interval '2 months', "
               "'YYYY_MM')) IS NOT NULL",
               "t");
    assert_sql(&w, "SELECT ledger_make_partitions(now() + interval '3 months')", "0");
}

/* ---- retention ---- */

/* Months long ago, each with a row of the ledger and a payload. */
static void make_old_months(void)
{
    free(world_sql(
            &w,
            "DO $$ DECLARE m timestamptz; BEGIN FOR m IN VALUES "
            "(timestamptz '2024-01-01Z'), ('2024-02-01Z') LOOP "
            "EXECUTE format('CREATE TABLE IF NOT EXISTS ledger_%s PARTITION OF ledger FOR VALUES "
            "FROM (%L) TO (%L)', to_char(m, 'YYYY_MM'), m, m + interval '1 month'); "
            "EXECUTE format('CREATE TABLE IF NOT EXISTS ledger_payloads_%s PARTITION OF "
            "ledger_payloads FOR VALUES FROM (%L) TO (%L)', to_char(m, 'YYYY_MM'), m, "
            "m + interval '1 month'); "
            "INSERT INTO ledger SELECT gen_random_uuid(), '/s', 'e' || m, 't', 'applied', "
            "NULL, NULL, m, m, m, 'muster.registry-events', 0, 0, NULL; "
            "INSERT INTO ledger_payloads VALUES (m, 1, ''); "
            "INSERT INTO ledger_transactions VALUES (m, m + interval '1 day'); "
            "END LOOP; "
            "INSERT INTO ledger_ids SELECT event_id, known_at FROM ledger; "
            "INSERT INTO positions VALUES ('muster.registry-events', 0, 2, 2, 0, now(), 2); "
            "END $$"));
}

#define AGE(days) ((days)*INT64_C(24) * 3600 * 1000)

static char *retain(struct retention_config config)
{
    int64_t *const ages[] = {&config.payloads_ms, &config.ledger_ms, &config.audit_ms,
                             &config.gate_ms,     &config.policy_ms, &config.notifications_ms};
    int code = -1;
    char *text;

    for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++)
        *ages[i] = *ages[i] ? *ages[i] : AGE(36500);
    config.postgres = w.conninfo;
    config.format = "text";
    text = captured(retention_command, &config, 0, NULL, &code);
    assert_int_equal(code, 0);
    return text;
}

static char *retention(const char *payloads, bool apply)
{
    return retain((struct retention_config){
            .apply = apply, .ledger_ms = AGE(500), .payloads_ms = payloads ? 0 : AGE(100)});
}

static void says(char *text, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("%s", text);
    free(text);
}

static void a_month_goes_only_when_nothing_needs_it(void **state)
{
    (void)state;
    make_old_months();
    says(retention("for ever", false), "stays: its payloads are kept");
    says(retention(NULL, false), "would go");
    assert_sql(&w, "SELECT count(*) FROM ledger", "2");
    free(world_sql(&w,
                   "INSERT INTO detection_failures (failure_id, source, code, message, attempts, "
                   "opened_at, known_at) VALUES (gen_random_uuid(), 's', 'source_silent', 'm', "
                   "0, now(), '2024-01-05Z')"));
    says(retention(NULL, true), "stays: an open detection failure came from it");
    assert_sql(&w, "SELECT min(known_at) || ' ' || count(*) FROM ledger",
               "2024-01-01 00:00:00+00 1");
    assert_sql(&w, "SELECT count(*) FROM ledger_payloads", "0");
}

static void what_is_gone_still_counts_and_old_horizons_hold(void **state)
{
    (void)state;
    make_old_months();
    assert_sql(&w, "SELECT report_v1.horizon('2024-01-15Z')", "2024-01-15 00:00:00+00");
    says(retention(NULL, true), "gone");
    assert_sql(&w, "SELECT count(*) FROM ledger", "0");
    assert_sql(&w, "SELECT report_v1.horizon('2024-01-15Z')", "2024-01-15 00:00:00+00");
    assert_int_equal(ledger_says("\"unexplained\":\"0\""), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(everything_received_is_applied_quarantined_or_a_duplicate),
            TEST(what_was_quarantined_has_a_command),
            TEST(a_row_that_is_lost_is_found_by_the_exact_count),
            TEST(the_equation_is_a_metric),
            TEST(a_process_that_lost_its_partition_commits_nothing),
            TEST(events_that_kafka_lost_are_a_failure_until_a_person_closes_it),
            TEST(a_batch_that_is_tried_again_tells_once_what_was_lost),
            TEST(a_topic_that_begins_anew_takes_its_position_back),
            TEST(a_database_that_is_not_where_it_was_left_takes_nothing),
            TEST(a_deadlock_or_failed_serialisation_is_tried_again),
            TEST(a_deadlock_that_does_not_end_is_given_back),
            TEST(what_is_being_learned_is_not_known_yet),
            TEST(what_the_clock_shows_is_there_and_nothing_comes_before_it),
            TEST(rows_lie_in_the_month_they_were_learned_in),
            TEST(months_are_made_ahead_of_time_and_once),
            TEST(a_month_goes_only_when_nothing_needs_it),
            TEST(what_is_gone_still_counts_and_old_horizons_hold),
    };

    return pg_server_group(&world_server, tests);
}
