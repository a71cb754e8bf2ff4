/* The outbox into Kafka: nothing lost, sent again under the same id after a crash. */
#include "kafka_world.h"

#include "outbox/relay.h"

#include "bus/bus_incoming.h"

enum { HEARD_MAX = 64 };

/* What arrived on the notifications: ids in order. */
struct heard {
    char ids[HEARD_MAX][16];
    size_t count;
};

/* One cluster and one reader, outside any group, for all tests: to open and close them takes
 * seconds. */
static rd_kafka_t *reader;

static int open_reader(void **state)
{
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(PARTITIONS);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[128];

    (void)open_kafka_world(state);
    rd_kafka_conf_set_log_cb(conf, NULL);
    (void)rd_kafka_conf_set(conf, "bootstrap.servers", kafka.config.brokers, why, sizeof(why));
    (void)rd_kafka_conf_set(conf, "group.id", "reader", why, sizeof(why));
    (void)rd_kafka_conf_set(conf, "reconnect.backoff.max.ms", "200", why, sizeof(why));
    (void)rd_kafka_conf_set(conf, "fetch.wait.max.ms", "50", why, sizeof(why));
    reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
    assert_non_null(reader);
    for (int p = 0; p < PARTITIONS; p++)
        rd_kafka_topic_partition_list_add(all, mu_topic_name(MU_TOPIC_NOTIFICATIONS), p)->offset =
                RD_KAFKA_OFFSET_BEGINNING;
    assert_int_equal(rd_kafka_assign(reader, all), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(all);
    return 0;
}

static int close_reader(void **state)
{
    rd_kafka_destroy(reader);
    return close_kafka_world(state);
}

/* The next `count` messages. */
static void hear(struct heard *heard, size_t count)
{
    uint64_t deadline = mu_monotonic_ms() + WAIT_MS;

    heard->count = 0;
    while (heard->count < count && mu_monotonic_ms() < deadline) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 100);
        struct mu_incoming incoming;

        if (message && !message->err && bus_incoming_fill(&incoming, message)) {
            (void)snprintf(heard->ids[heard->count++], sizeof(heard->ids[0]), "%s",
                           incoming.envelope.id);
            bus_incoming_release(&incoming);
        } else if (message) {
            rd_kafka_message_destroy(message);
        }
    }
    assert_int_equal(heard->count, count);
}

/* Messages id0, id1, ... in the outbox; one key, so that their order can be seen. */
static void fill_outbox(int count)
{
    char sql[400];

    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO outbox (topic, key, ce_id, ce_type, ce_source, ce_time, payload) "
                   "SELECT 'muster.notifications', 'k', 'id' || n, 'muster.notification.v1', "
                   "'/muster/inventory', now(), '{}' FROM generate_series(0, %d) n ORDER BY n",
                   count - 1);
    free(world_sql(&w, sql));
}

static void a_committed_message_arrives_and_leaves_the_outbox(void **state)
{
    struct relay_config config = {producer, w.conninfo};
    MU_AUTO(relay) struct relay *relay = relay_new(&config);
    struct heard heard;
    struct mu_error err;

    (void)state;
    fill_outbox(3);
    assert_int_equal(relay_round(relay, &err), MU_OK);
    assert_sql(&w, "SELECT count(*) FROM outbox", "0");
    hear(&heard, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(heard.ids[i], ((const char *[]){"id0", "id1", "id2"})[i]);
    assert_int_equal(relay_round(relay, &err), MU_END);
}

static void a_crash_between_send_and_mark_sends_the_same_id_again(void **state)
{
    struct relay_config config = {producer, w.conninfo};
    MU_AUTO(relay) struct relay *relay = relay_new(&config);
    struct heard heard;
    struct mu_error err;

    (void)state;
    fill_outbox(1);
    free(world_sql(&w, "CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS "
                       "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'; "
                       "CREATE TRIGGER crash BEFORE DELETE ON outbox EXECUTE FUNCTION crash()"));
    assert_int_equal(relay_round(relay, &err), MU_E_UNAVAILABLE);
    free(world_sql(&w, "DROP TRIGGER crash ON outbox; DROP FUNCTION crash"));
    assert_sql(&w, "SELECT count(*) FROM outbox", "1");
    assert_int_equal(relay_round(relay, &err), MU_OK);
    assert_sql(&w, "SELECT count(*) FROM outbox", "0");
    hear(&heard, 2);
    assert_string_equal(heard.ids[0], heard.ids[1]);
}

static void while_the_broker_is_away_messages_stay(void **state)
{
    struct relay_config config = {producer, w.conninfo};
    MU_AUTO(relay) struct relay *relay = relay_new(&config);
    struct heard heard;
    struct mu_error err;

    (void)state;
    fill_outbox(2);
    rd_kafka_mock_broker_set_down(kafka.cluster, 1);
    assert_int_equal(relay_round(relay, &err), MU_E_UNAVAILABLE);
    assert_sql(&w, "SELECT count(*) FROM outbox", "2");
    rd_kafka_mock_broker_set_up(kafka.cluster, 1);
    while (relay_round(relay, &err) != MU_END)
        continue;
    assert_sql(&w, "SELECT count(*) FROM outbox", "0");
    hear(&heard, 2);
}

static void what_kafka_refuses_for_good_does_not_block_the_rest(void **state)
{
    struct relay_config config = {producer, w.conninfo};
    MU_AUTO(relay) struct relay *relay = relay_new(&config);
    struct heard heard;
    struct mu_error err;

    (void)state;
    fill_outbox(2);
    rd_kafka_mock_push_request_errors(kafka.cluster, API_PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    assert_int_equal(relay_round(relay, &err), MU_OK);
    fill_outbox(1);
    assert_int_equal(relay_round(relay, &err), MU_OK);
    assert_sql(&w, "SELECT count(*) FROM outbox", "0");
    hear(&heard, 1);
}

/* Another process holds the lock, as long as its transaction lasts. */
static void of_two_relays_one_sends_and_the_other_takes_over(void **state)
{
    struct relay_config config = {producer, w.conninfo};
    MU_AUTO(relay) struct relay *second = relay_new(&config);
    PGconn *first = PQconnectdb(w.conninfo);
    struct heard heard;
    struct mu_error err;

    (void)state;
    PQclear(PQexec(first, "BEGIN; SELECT pg_advisory_xact_lock(x'6d75737465727278'::bigint)"));
    fill_outbox(1);
    assert_int_equal(relay_round(second, &err), MU_END);
    assert_sql(&w, "SELECT count(*) FROM outbox", "1");
    PQclear(PQexec(first, "COMMIT"));
    PQfinish(first);
    assert_int_equal(relay_round(second, &err), MU_OK);
    assert_sql(&w, "SELECT count(*) FROM outbox", "0");
    hear(&heard, 1);
}

static void a_lost_database_is_connected_again(void **state)
{
    struct relay_config config = {producer, w.conninfo};
    MU_AUTO(relay) struct relay *relay = relay_new(&config);
    struct heard heard;
    struct mu_error err;

    (void)state;
    assert_int_equal(relay_round(relay, &err), MU_END);
    free(world_sql(&w, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                       "WHERE application_name = 'muster-inventory outbox'"));
    fill_outbox(1);
    assert_int_equal(relay_round(relay, &err), MU_E_UNAVAILABLE);
    assert_int_equal(relay_round(relay, &err), MU_OK);
    assert_sql(&w, "SELECT count(*) FROM outbox", "0");
    hear(&heard, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup(a_committed_message_arrives_and_leaves_the_outbox, open_reader),
            cmocka_unit_test(a_crash_between_send_and_mark_sends_the_same_id_again),
            cmocka_unit_test(what_kafka_refuses_for_good_does_not_block_the_rest),
            cmocka_unit_test(of_two_relays_one_sends_and_the_other_takes_over),
            cmocka_unit_test(a_lost_database_is_connected_again),
            cmocka_unit_test_teardown(while_the_broker_is_away_messages_stay, close_reader),
    };

    return pg_server_group(&world_server, tests);
}
