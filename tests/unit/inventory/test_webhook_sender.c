/* Webhooks over a real database and a peer that says what a test wants: once, again, given up. */
#include "world.h"

#include "http_peer.h"

#include "notify/notifications_command.h"
#include "notify/webhook_sender.h"

#define OK_REPLY            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define REPLY(status, more) "HTTP/1.1 " status "\r\nContent-Length: 0\r\n" more "\r\n"

static struct world w;
static struct http_peer peer;
static struct webhook_config *webhooks;
static struct webhook_sender *sender;
static char config_path[96];

/* A sender that tells one target, `more` being further members of it. */
static void make_sender(const char *more)
{
    char secret[96], text[1024];
    struct webhook_sender_config config = {.conninfo = w.conninfo, .max_attempts = 3};
    struct mu_error err;
    FILE *file;

    (void)snprintf(config_path, sizeof(config_path), "%s/hooks", w.folder);
    (void)snprintf(secret, sizeof(secret), "%s/secret", w.folder);
    (void)snprintf(
            text, sizeof(text),
            "{\"schema\":\"muster.webhooks.v1\",\"allowed_origins\":[\"http://127.0.0.1:%d\"],"
            "\"targets\":[{\"name\":\"ops\",\"url\":\"http://127.0.0.1:%d/in\",\"secret_file\":"
            "\"%s\"%s}]}",
            peer.port, peer.port, secret, more);
    file = fopen(config_path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
    file = fopen(secret, "w");
    assert_non_null(file);
    assert_true(fputs("a secret of some length", file) >= 0 && fclose(file) == 0);
    if (webhook_config_load(config_path, &webhooks, &err) != MU_OK)
        fail_msg("%s", err.message);
    config.webhooks = webhooks;
    assert_int_equal(webhook_sender_new(&config, &sender, &err), MU_OK);
}

static int open_world(void **state)
{
    (void)state;
    world_open(&w);
    peer = (struct http_peer){0};
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    webhook_sender_free(sender);
    webhook_config_free(webhooks);
    sender = NULL;
    webhooks = NULL;
    world_close(&w);
    return 0;
}

static void run_round(void)
{
    struct mu_error err;
    bool busy = false;

    if (webhook_sender_round(sender, &busy, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static void notify(const char *kind, const char *severity)
{
    free(world_sql(
            &w, mu_arena_printf(w.arena,
                                "INSERT INTO notifications VALUES (gen_random_uuid(), '%s', '%s', "
                                "'r.example/a:1', 'a message', '2026-11-01', ledger_tick())",
                                kind, severity)));
}

static void end_wait(void)
{
    free(world_sql(&w, "UPDATE webhook_deliveries SET next_try_at = now() - interval '1 s'"));
    free(world_sql(&w, "UPDATE webhook_targets SET paused_until = '-infinity'"));
}

#define DELIVERIES                                                                                \
    "SELECT string_agg(concat_ws(' ', d.state, d.attempts, d.status), ', ' ORDER BY n.known_at) " \
    "FROM webhook_deliveries d JOIN notifications n USING (notification_id)"

static void what_comes_after_the_target_is_told_signed(void **state)
{
    char *id;
    const char *signature;

    (void)state;
    peer.replies[0].bytes = OK_REPLY;
    http_peer_start(&peer);
    make_sender("");
    notify("old", "info"); /* nobody is flooded with what was before */
    run_round();
    notify("scan_expired", "critical");
    run_round();
    run_round();
    http_peer_stop(&peer);
    assert_int_equal(peer.request_count, 1);
    assert_sql(&w, DELIVERIES, "delivered 1 200");
    id = world_sql(&w, "SELECT delivery_id FROM webhook_deliveries");
    assert_non_null(strstr(peer.requests[0], id));
    signature = strstr(peer.requests[0], "webhook-signature: v1,");
    assert_non_null(signature);
    assert_non_null(strstr(peer.requests[0], "webhook-timestamp: "));
    assert_non_null(strstr(peer.requests[0], "\"kind\":\"scan_expired\""));
    free(id);
}

static void a_failure_is_tried_again_under_the_same_id(void **state)
{
    char *id;

    (void)state;
    peer.replies[0].bytes = REPLY("503 Busy", "Retry-After: 30\r\n");
    peer.replies[1].bytes = OK_REPLY;
    http_peer_start(&peer);
    make_sender("");
    run_round();
    notify("scan_expired", "critical");
    run_round();
    assert_sql(&w, DELIVERIES, "pending 1 503");
    assert_sql(&w, "SELECT next_try_at > now() + interval '25 s' FROM webhook_deliveries", "t");
    run_round();
    assert_sql(&w, DELIVERIES, "pending 1 503");
    end_wait();
    run_round();
    http_peer_stop(&peer);
    assert_sql(&w, DELIVERIES, "delivered 2 200");
    id = world_sql(&w, "SELECT delivery_id FROM webhook_deliveries");
    assert_non_null(strstr(peer.requests[0], id));
    assert_non_null(strstr(peer.requests[1], id));
    free(id);
}

static void after_the_last_try_it_waits_for_people(void **state)
{
    struct notifications_config config = {
            .postgres = w.conninfo, .kind = "", .state = "", .format = "text", .limit = 10};
    char retry[] = "retry", name[] = "ops", *argv[] = {retry, name, NULL}, *text;
    int code = -1;

    (void)state;
    for (int i = 0; i < 3; i++)
        peer.replies[i].bytes = REPLY("404 None", "");
    peer.replies[3].bytes = OK_REPLY;
    http_peer_start(&peer);
    make_sender("");
    run_round();
    notify("scan_expired", "critical");
    for (int i = 0; i < 4; i++) {
        run_round();
        end_wait();
    }
    assert_sql(&w, DELIVERIES, "failed 3 404");
    text = captured(notifications_command, &config, 2, argv, &code);
    assert_string_equal(text, "1 deliveries are due again\n");
    assert_int_equal(code, 0);
    free(text);
    run_round();
    http_peer_stop(&peer);
    assert_sql(&w, DELIVERIES, "delivered 1 200");
}

/* The process died with the lease taken. */
static void a_delivery_whose_sender_died_is_sent_again(void **state)
{
    (void)state;
    peer.replies[0].bytes = OK_REPLY;
    http_peer_start(&peer);
    make_sender("");
    run_round();
    notify("scan_expired", "critical");
    free(world_sql(&w, "SELECT webhook_enqueue('ops', NULL, 'info', 10)"));
    free(world_sql(&w, "SELECT * FROM webhook_take('ops', '1 hour')"));
    run_round();
    assert_sql(&w, DELIVERIES, "pending 1");
    free(world_sql(&w, "UPDATE webhook_deliveries SET lease_until = now() - interval '1 s'"));
    run_round();
    http_peer_stop(&peer);
    assert_sql(&w, DELIVERIES, "delivered 2 200");
}

static void a_redirect_is_not_followed(void **state)
{
    (void)state;
    peer.replies[0].bytes = REPLY("302 Found", "Location: /elsewhere\r\n");
    peer.replies[1].bytes = OK_REPLY;
    http_peer_start(&peer);
    make_sender("");
    run_round();
    notify("scan_expired", "critical");
    run_round();
    http_peer_stop(&peer);
    assert_int_equal(peer.request_count, 1);
    assert_sql(&w, "SELECT state || ' ' || attempts FROM webhook_deliveries", "pending 1");
}

static void a_target_is_told_only_what_it_asked_for(void **state)
{
    (void)state;
    peer.replies[0].bytes = OK_REPLY;
    http_peer_start(&peer);
    make_sender(",\"kinds\":[\"scan_expired\"],\"min_severity\":\"warning\",\"template\":\"text\"");
    run_round();
    notify("scan_expired", "info");
    notify("tag_moved", "critical");
    notify("scan_expired", "warning");
    run_round();
    http_peer_stop(&peer);
    assert_int_equal(peer.request_count, 1);
    assert_non_null(strstr(peer.requests[0], "warning scan_expired: r.example/a:1\n"));
}

static void no_more_than_allowed_wait_for_a_target(void **state)
{
    (void)state;
    free(world_sql(&w, "SELECT webhook_enqueue('ops', NULL, 'info', 2)"));
    for (int i = 0; i < 5; i++)
        notify("scan_expired", "info");
    free(world_sql(&w, "SELECT webhook_enqueue('ops', NULL, 'info', 2)"));
    assert_sql(&w,
               "SELECT string_agg(state || ' ' || count, ', ' ORDER BY state) FROM (SELECT state, "
               "count(*) FROM webhook_deliveries GROUP BY state) s",
               "dropped 3, pending 2");
}

static void a_test_message_shows_whether_a_target_takes_it(void **state)
{
    struct notifications_config config = {.webhooks = config_path, .format = "text"};
    char test[] = "test", name[] = "ops", other[] = "none", *text;
    char *good[] = {test, name, NULL}, *bad[] = {test, other, NULL};
    int code = -1;

    (void)state;
    peer.replies[0].bytes = OK_REPLY;
    peer.replies[1].bytes = REPLY("403 No", "");
    http_peer_start(&peer);
    make_sender("");
    text = captured(notifications_command, &config, 2, good, &code);
    assert_string_equal(text, "ops took it: 200\n");
    assert_int_equal(code, 0);
    free(text);
    free(captured(notifications_command, &config, 2, good, &code));
    assert_int_equal(code, 1);
    free(captured(notifications_command, &config, 2, bad, &code));
    assert_int_equal(code, 2);
    http_peer_stop(&peer);
}

static void the_list_shows_what_was_told_to_whom(void **state)
{
    struct notifications_config config = {.postgres = w.conninfo,
                                          .kind = "scan_expired",
                                          .state = "pending",
                                          .format = "json",
                                          .limit = 10};
    char list[] = "list", *argv[] = {list, NULL}, *text;
    int code = -1;

    (void)state;
    free(world_sql(&w, "SELECT webhook_enqueue('ops', NULL, 'info', 10)"));
    notify("scan_expired", "critical");
    notify("other", "critical");
    free(world_sql(&w, "SELECT webhook_enqueue('ops', NULL, 'info', 10)"));
    text = captured(notifications_command, &config, 1, argv, &code);
    assert_int_equal(code, 0);
    assert_non_null(strstr(text, "\"target\" : \"ops\""));
    assert_null(strstr(text, "other"));
    free(text);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(what_comes_after_the_target_is_told_signed),
            CASE(a_failure_is_tried_again_under_the_same_id),
            CASE(after_the_last_try_it_waits_for_people),
            CASE(a_delivery_whose_sender_died_is_sent_again),
            CASE(a_redirect_is_not_followed),
            CASE(a_target_is_told_only_what_it_asked_for),
            CASE(no_more_than_allowed_wait_for_a_target),
            CASE(a_test_message_shows_whether_a_target_takes_it),
            CASE(the_list_shows_what_was_told_to_whom),
    };

    return pg_server_group(&world_server, tests);
}
