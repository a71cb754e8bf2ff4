/* From Kafka into the database, whatever goes away in between. */
#include "kafka_world.h"

#include "apply/apply_loop.h"
#include "store/metrics.h"

static atomic_bool ready;

/* One group and one loop for all tests, which go on where the one before ended: to join takes
 * seconds. */
static struct apply_config config;
static struct apply_loop *loop;

static int open_loop(void **state)
{
    (void)open_kafka_world(state);
    config = (struct apply_config){
            .bus = &kafka.config, .conninfo = w.conninfo, .evidence = w.evidence, .ready = &ready};
    loop = apply_loop_new(&config);
    return 0;
}

static int close_loop(void **state)
{
    apply_loop_free(loop);
    return close_kafka_world(state);
}

/* Puts the world's prepared events into Kafka. */
static void send_events(void)
{
    struct outcome outcome = {.calls = 0};
    struct mu_error err;

    for (size_t i = 0; i < w.count; i++) {
        struct mu_outgoing message = {.topic = w.events[i].topic,
                                      .key = "k",
                                      .envelope = w.events[i].envelope,
                                      .value = w.events[i].value,
                                      .value_len = w.events[i].value_len};

        assert_int_equal(mu_producer_send(producer, &message, note_outcome, &outcome, &err), MU_OK);
        assert_int_equal(mu_producer_flush(producer, WAIT_MS, &err), MU_OK);
    }
    w.count = 0;
}

static void send_pushes(int from, int count)
{
    static char ids[WORLD_EVENTS][16];

    for (int i = from; i < from + count; i++) {
        (void)snprintf(ids[i], sizeof(ids[i]), "e%d", i);
        add_push(&w, ids[i], ids[i], digest_of('a'), T(i));
    }
    send_events();
}

static bool is_ledger(const char *count)
{
    char *found = world_sql(&w, "SELECT count(*) FROM ledger");
    bool is = mu_text_equal(found, count);

    free(found);
    return is;
}

/* Steps, also failing ones, until the ledger has that many. */
static void step_until(const char *count)
{
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;
    bool there = false;

    while (!there && mu_monotonic_ms() < deadline) {
        struct mu_error err;

        (void)!apply_loop_step(loop, &err);
        there = is_ledger(count);
    }
    assert_true(there);
}

static void events_from_kafka_are_applied(void **state)
{
    (void)state;
    send_pushes(0, 4);
    (void)add_raw(&w, MU_TOPIC_REGISTRY_EVENTS, "muster.registry-event.v1", "bad", "nonsense");
    send_events();
    step_until("5");
    assert_sql(&w, "SELECT sum(next_offset) || ' ' || sum(received) FROM positions", "5 5");
    assert_sql(&w, "SELECT topic FROM outbox", "muster.quarantine");
}

static void a_broker_that_comes_back_is_read_on(void **state)
{
    struct mu_error err;

    (void)state;
    rd_kafka_mock_broker_set_down(kafka.cluster, 1);
    (void)!apply_loop_step(loop, &err);
    rd_kafka_mock_broker_set_up(kafka.cluster, 1);
    send_pushes(4, 2);
    step_until("7");
}

/* The batch fails, and so does going back; what was fetched must come before what follows. */
static void a_database_lost_in_the_middle_of_a_batch_loses_no_event(void **state)
{
    enum mu_status st = MU_OK;
    struct mu_error err;

    (void)state;
    free(world_sql(&w, "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS "
                       "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'; "
                       "CREATE TRIGGER cut BEFORE INSERT ON positions EXECUTE FUNCTION cut()"));
    send_pushes(6, 2);
    for (uint64_t deadline = mu_monotonic_ms() + WAIT_MS;
         st == MU_OK && mu_monotonic_ms() < deadline;)
        st = apply_loop_step(loop, &err);
    assert_int_equal(st, MU_E_UNAVAILABLE);
    pg_server_end(&world_server, SIGKILL);
    assert_int_equal(apply_loop_step(loop, &err), MU_E_UNAVAILABLE);
    pg_server_run(&world_server);
    free(world_sql(&w, "DROP TRIGGER cut ON positions; DROP FUNCTION cut"));
    send_pushes(8, 2);
    step_until("11");
    assert_sql(&w, "SELECT string_agg(ce_id, ' ' ORDER BY ce_id) FROM ledger",
               "bad e0 e1 e2 e3 e4 e5 e6 e7 e8 e9");
    assert_sql(&w, "SELECT sum(received) FROM positions", "11");
}

/* Kafka's offsets are a hint: with those of the database at the beginning all is read again, and
 * counts once. */
static void a_new_process_goes_on_where_the_database_says(void **state)
{
    (void)state;
    apply_loop_free(loop);
    free(world_sql(&w, "UPDATE positions SET next_offset = 0"));
    send_pushes(10, 1);
    loop = apply_loop_new(&config);
    step_until("12");
    assert_sql(&w, "SELECT sum(duplicates) FROM positions", "11");
}

/* As after a long sleep: what was read meanwhile is not committed; the loop joins the group again.
 */
static void a_loop_whose_partition_was_taken_commits_nothing_until_it_has_claimed_anew(void **state)
{
    int64_t fenced = metric_batches_fenced.value;
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;
    enum mu_status st = MU_OK;
    struct mu_error err;
    char rows[16];
    int sent = 11; /* and "bad" */

    (void)state;
    while (st != MU_E_CONFLICT && mu_monotonic_ms() < deadline) {
        bool applied = false; /* the group was joined again meanwhile: taken once more */

        free(world_sql(&w, "UPDATE positions SET epoch = epoch + 1, owner = 'another'"));
        send_pushes(sent++, 1);
        (void)snprintf(rows, sizeof(rows), "%d", sent + 1);
        while (st != MU_E_CONFLICT && !applied && mu_monotonic_ms() < deadline) {
            st = apply_loop_step(loop, &err);
            applied = is_ledger(rows);
        }
    }
    assert_int_equal(st, MU_E_CONFLICT);
    assert_false(is_ledger(rows));
    assert_int_equal(metric_batches_fenced.value, fenced + 1);
    step_until(rows);
    assert_sql(&w, "SELECT unexplained FROM ledger_balance()", "0");
    assert_sql(&w, "SELECT count(*) FROM positions WHERE owner = 'another'", "0");
}

/* ---- what Kafka no longer has ---- */

enum { LARGE = 60000, LARGE_EVENTS = 100, API_LIST_OFFSETS = 2 };

#define TOLD "SELECT COALESCE(string_agg(code, ', ' ORDER BY known_at), '') FROM detection_failures"

/* A new process, which goes on where the database says, until it has told that. */
static void begin_again_until_told(const char *sql, const char *codes)
{
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;
    bool told = false;

    apply_loop_free(loop);
    free(world_sql(&w, sql));
    loop = apply_loop_new(&config);
    while (!told && mu_monotonic_ms() < deadline) {
        struct mu_error err;
        char *found;

        (void)!apply_loop_step(loop, &err);
        found = world_sql(&w, TOLD);
        told = mu_text_equal(found, codes);
        free(found);
    }
    assert_true(told);
}

static void step_until_applied(const char *id)
{
    char sql[128];
    bool there = false;

    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM ledger WHERE ce_id = '%s'", id);
    for (uint64_t deadline = mu_monotonic_ms() + WAIT_MS; !there && mu_monotonic_ms() < deadline;) {
        struct mu_error err;
        char *count;

        (void)!apply_loop_step(loop, &err);
        count = world_sql(&w, sql);
        there = mu_text_equal(count, "1");
        free(count);
    }
    assert_true(there);
}

static void a_topic_made_anew_is_read_from_its_beginning(void **state)
{
    (void)state;
    begin_again_until_told("UPDATE positions SET next_offset = 1000 WHERE next_offset > 0",
                           "topic_recreated");
    send_pushes(40, 1);
    step_until_applied("e40");
    assert_sql(&w, "SELECT next_offset < 1000 FROM positions WHERE next_offset > 0", "t");
    assert_sql(&w, TOLD, "topic_recreated");
}

/* The mock holds 5 MB of a partition. */
static void what_kafka_let_go_while_nobody_read_is_told(void **state)
{
    static char ids[LARGE_EVENTS][16], large[LARGE + 1];

    (void)state;
    memset(large, 'x', LARGE);
    for (int i = 0; i < LARGE_EVENTS; i++) {
        (void)snprintf(ids[i], sizeof(ids[i]), "large%d", i);
        (void)add_raw(&w, MU_TOPIC_REGISTRY_EVENTS, "muster.registry-event.v1", ids[i], large);
    }
    send_events();
    begin_again_until_told("SELECT 1", "topic_recreated, events_lost");
    step_until_applied("large99");
    assert_sql(&w, "SELECT count(*) > 0 FROM ledger WHERE ce_id = 'large0'", "f");
    assert_sql(&w, TOLD, "topic_recreated, events_lost");
}

/* Then what is read does not follow on what was. */
static void it_is_told_too_when_the_broker_does_not_say_what_it_holds(void **state)
{
    (void)state;
    rd_kafka_mock_push_request_errors(kafka.cluster, API_LIST_OFFSETS, 2,
                                      RD_KAFKA_RESP_ERR_INVALID_REQUEST,
                                      RD_KAFKA_RESP_ERR_INVALID_REQUEST);
    begin_again_until_told("UPDATE positions SET next_offset = 1 WHERE next_offset > 0",
                           "topic_recreated, events_lost, events_lost");
    assert_sql(&w, "SELECT unexplained FROM ledger_balance()", "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup(events_from_kafka_are_applied, open_loop),
            cmocka_unit_test(a_broker_that_comes_back_is_read_on),
            cmocka_unit_test(a_database_lost_in_the_middle_of_a_batch_loses_no_event),
            cmocka_unit_test(a_new_process_goes_on_where_the_database_says),
            cmocka_unit_test(
                    a_loop_whose_partition_was_taken_commits_nothing_until_it_has_claimed_anew),
            cmocka_unit_test(a_topic_made_anew_is_read_from_its_beginning),
            cmocka_unit_test(what_kafka_let_go_while_nobody_read_is_told),
            cmocka_unit_test_teardown(it_is_told_too_when_the_broker_does_not_say_what_it_holds,
                                      close_loop),
    };

    return pg_server_group(&world_server, tests);
}
