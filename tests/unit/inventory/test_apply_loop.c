/* From Kafka into the database, whatever goes away in between. */
#include "kafka_world.h"

#include "apply/apply_loop.h"

static atomic_bool ready;

static struct apply_config config_of(void)
{
    return (struct apply_config){
            .bus = &kafka.config, .conninfo = w.conninfo, .evidence = w.evidence, .ready = &ready};
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

static char *count_ledger(void)
{
    return world_sql(&w, "SELECT count(*) FROM ledger");
}

/* Steps, also failing ones, until the ledger has that many. */
static void step_until(struct apply_loop *loop, const char *count)
{
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;
    bool there = false;

    while (!there && mu_monotonic_ms() < deadline) {
        struct mu_error err;
        char *found;

        (void)!apply_loop_step(loop, &err);
        found = count_ledger();
        there = mu_text_equal(found, count);
        free(found);
    }
    assert_true(there);
}

static void events_from_kafka_are_applied_in_order(void **state)
{
    struct apply_config config = config_of();
    MU_AUTO(apply_loop) struct apply_loop *loop = apply_loop_new(&config);

    (void)state;
    send_pushes(0, 5);
    step_until(loop, "5");
    assert_sql(&w, "SELECT sum(next_offset) || ' ' || sum(received) FROM positions", "5 5");
}

static void a_new_process_goes_on_where_the_database_says(void **state)
{
    struct apply_config config = config_of();
    struct apply_loop *loop = apply_loop_new(&config);

    (void)state;
    send_pushes(0, 3);
    step_until(loop, "3");
    apply_loop_free(loop);
    send_pushes(3, 2);
    loop = apply_loop_new(&config);
    step_until(loop, "5");
    apply_loop_free(loop);
    assert_sql(&w, "SELECT sum(duplicates) FROM positions", "0");
}

/* Kafka's offsets are a hint: with the positions of the database gone all is read again, and counts
 * once. */
static void positions_of_the_database_win_over_kafkas(void **state)
{
    struct apply_config config = config_of();
    struct apply_loop *loop = apply_loop_new(&config);

    (void)state;
    send_pushes(0, 3);
    step_until(loop, "3");
    apply_loop_free(loop);
    free(world_sql(&w, "UPDATE positions SET next_offset = 0"));
    send_pushes(3, 1);
    loop = apply_loop_new(&config);
    step_until(loop, "4");
    apply_loop_free(loop);
    assert_sql(&w, "SELECT sum(duplicates) FROM positions", "3");
}

/* The batch fails, and so does going back; what was fetched must come before what follows. */
static void a_database_lost_in_the_middle_of_a_batch_loses_no_event(void **state)
{
    struct apply_config config = config_of();
    MU_AUTO(apply_loop) struct apply_loop *loop = apply_loop_new(&config);
    struct mu_error err;
    enum mu_status st = MU_OK;

    (void)state;
    send_pushes(0, 2);
    step_until(loop, "2");
    free(world_sql(&w, "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS "
                       "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'; "
                       "CREATE TRIGGER cut BEFORE INSERT ON positions EXECUTE FUNCTION cut()"));
    send_pushes(2, 2);
    for (uint64_t deadline = mu_monotonic_ms() + WAIT_MS;
         st == MU_OK && mu_monotonic_ms() < deadline;)
        st = apply_loop_step(loop, &err);
    assert_int_equal(st, MU_E_UNAVAILABLE);
    pg_server_end(&world_server, SIGKILL);
    assert_int_equal(apply_loop_step(loop, &err), MU_E_UNAVAILABLE);
    pg_server_run(&world_server);
    free(world_sql(&w, "DROP TRIGGER cut ON positions; DROP FUNCTION cut"));
    send_pushes(4, 2);
    step_until(loop, "6");
    assert_sql(&w, "SELECT string_agg(ce_id, ' ' ORDER BY ce_id) FROM ledger", "e0 e1 e2 e3 e4 e5");
    assert_sql(&w, "SELECT sum(received) FROM positions", "6");
}

static void a_broker_that_comes_back_is_read_on(void **state)
{
    struct apply_config config = config_of();
    MU_AUTO(apply_loop) struct apply_loop *loop = apply_loop_new(&config);

    (void)state;
    send_pushes(0, 2);
    step_until(loop, "2");
    rd_kafka_mock_broker_set_down(kafka.cluster, 1);
    for (int i = 0; i < 3; i++) {
        struct mu_error err;

        (void)!apply_loop_step(loop, &err);
    }
    rd_kafka_mock_broker_set_up(kafka.cluster, 1);
    send_pushes(2, 2);
    step_until(loop, "4");
}

static void what_is_no_message_of_ours_is_quarantined(void **state)
{
    struct apply_config config = config_of();
    MU_AUTO(apply_loop) struct apply_loop *loop = apply_loop_new(&config);

    (void)state;
    (void)add_raw(&w, MU_TOPIC_REGISTRY_EVENTS, "muster.registry-event.v1", "e1", "nonsense");
    send_events();
    step_until(loop, "1");
    assert_sql(&w, "SELECT state FROM ledger", "quarantined");
    assert_sql(&w, "SELECT topic FROM outbox", "muster.quarantine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            KAFKA_TEST(events_from_kafka_are_applied_in_order),
            KAFKA_TEST(a_new_process_goes_on_where_the_database_says),
            KAFKA_TEST(positions_of_the_database_win_over_kafkas),
            KAFKA_TEST(a_database_lost_in_the_middle_of_a_batch_loses_no_event),
            KAFKA_TEST(a_broker_that_comes_back_is_read_on),
            KAFKA_TEST(what_is_no_message_of_ours_is_quarantined),
    };

    return pg_server_group(&world_server, tests);
}
