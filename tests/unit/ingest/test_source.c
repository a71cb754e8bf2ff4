#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PUSH(id)                                                                         \
    "{\"id\":\"" id "\",\"action\":\"push\",\"timestamp\":\"2026-11-24T10:00:00Z\","     \
    "\"target\":{\"repository\":\"team/app\",\"tag\":\"v1\",\"digest\":\"" DIGEST "\"}," \
    "\"request\":{\"host\":\"registry.example\"}}"

static void begin_text(struct fixture *fixture, const char *kind, const char *body)
{
    fixture_begin(fixture, kind, body, strlen(body));
}

static const struct mu_quarantine_record *record_of(const struct fixture *fixture, size_t index)
{
    assert_true(index < fixture->events.count);
    assert_int_equal(fixture->events.items[index].type, MU_MSG_QUARANTINE_RECORD);
    return fixture->events.items[index].message;
}

static void an_event_told_twice_has_one_id_and_two_traces(void **state)
{
    struct fixture first, second;

    (void)state;
    begin_text(&first, "distribution", "{\"events\":[" PUSH("e-1") "]}");
    begin_text(&second, "distribution", "{\"events\":[" PUSH("e-0") "," PUSH("e-1") "]}");
    second.input.received_at_us += 60 * 1000000;
    assert_int_equal(fixture_run(&first), MU_OK);
    assert_int_equal(fixture_run(&second), MU_OK);
    assert_string_equal(first.messages[0].envelope.id, second.messages[1].envelope.id);
    assert_string_not_equal(first.messages[0].envelope.id, second.messages[0].envelope.id);
    assert_string_not_equal(first.messages[0].envelope.traceparent,
                            second.messages[1].envelope.traceparent);
    fixture_end(&first);
    fixture_end(&second);
}

static void one_event_from_two_sources_is_two_events(void **state)
{
    struct fixture first, second;

    (void)state;
    begin_text(&first, "distribution", "{\"events\":[" PUSH("e-1") "]}");
    begin_text(&second, "distribution", "{\"events\":[" PUSH("e-1") "]}");
    second.source.name = "other";
    assert_int_equal(fixture_run(&first), MU_OK);
    assert_int_equal(fixture_run(&second), MU_OK);
    assert_string_not_equal(first.messages[0].envelope.id, second.messages[0].envelope.id);
    assert_string_equal(second.messages[0].envelope.source, "/muster/ingest/other");
    fixture_end(&first);
    fixture_end(&second);
}

static void the_senders_trace_goes_on(void **state)
{
    static const char parent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    struct fixture fixture;

    (void)state;
    begin_text(&fixture, "distribution", "{\"events\":[" PUSH("e-1") "]}");
    assert_int_equal(source_decode(&fixture.input, &fixture.events, &fixture.err), MU_OK);
    assert_int_equal(
            outbound_make(&fixture.input, &fixture.events, parent, &fixture.messages, &fixture.err),
            MU_OK);
    assert_memory_equal(fixture.messages[0].envelope.traceparent, parent, 36);
    assert_true(mu_traceparent_valid(fixture.messages[0].envelope.traceparent));
    assert_memory_not_equal(fixture.messages[0].envelope.traceparent + 36, parent + 36, 16);
    fixture_end(&fixture);
}

/* `count` good events, as one body. */
static char *body_of(size_t count)
{
    char *body = malloc(count * 300 + 64), *at = body;

    assert_non_null(body);
    at += snprintf(at, 16, "{\"events\":[");
    for (size_t i = 0; i < count; i++)
        at += snprintf(at, 300,
                       "%s{\"id\":\"%zu\",\"action\":\"push\",\"target\":{\"repository\":\"a\","
                       "\"digest\":\"" DIGEST "\"},\"request\":{\"host\":\"r.example\"}}",
                       i ? "," : "", i);
    (void)snprintf(at, 3, "]}");
    return body;
}

static void a_full_envelope_is_taken(void **state)
{
    struct fixture fixture;
    char *body = body_of(SOURCE_MAX_EVENTS);

    (void)state;
    begin_text(&fixture, "distribution", body);
    assert_int_equal(fixture_run(&fixture), MU_OK);
    assert_int_equal(fixture.events.count, SOURCE_MAX_EVENTS);
    fixture_end(&fixture);
    free(body);
}

static void one_event_too_many_quarantines_the_body(void **state)
{
    struct fixture fixture;
    char *body = body_of(SOURCE_MAX_EVENTS + 1);

    (void)state;
    begin_text(&fixture, "distribution", body);
    assert_int_equal(fixture_run(&fixture), MU_OK);
    assert_int_equal(fixture.events.count, 1);
    assert_string_equal(record_of(&fixture, 0)->reason_code, "limit");
    assert_int_equal(record_of(&fixture, 0)->payload_size_bytes, strlen(body));
    assert_true(record_of(&fixture, 0)->payload_truncated);
    fixture_end(&fixture);
    free(body);
}

/* A workload event of a valid size by members, and too large for a message. */
static void put_large_event(struct mu_buf *out, const char *id)
{
    char filler[1001];

    memset(filler, 'x', 1000);
    filler[1000] = '\0';
    mu_buf_printf(out,
                  "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"s\",\"type\":"
                  "\"muster.workload-event.v1\",\"data\":{\"source\":\"s\",\"source_kind\":\"k\","
                  "\"source_event_id\":\"i\",\"action\":\"observed\",\"occurred_at\":"
                  "\"2026-11-24T10:00:00Z\",\"received_at\":\"2026-11-24T10:00:00Z\",\"cluster\":"
                  "\"c\",\"namespace\":\"n\",\"pod\":\"p\",\"pod_uid\":\"%s\",\"containers\":[",
                  id, id);
    for (int i = 0; i < MU_WORKLOAD_MAX_CONTAINERS; i++)
        mu_buf_printf(out,
                      "%s{\"name\":\"c%d\",\"kind\":\"container\",\"state\":\"running\",\"image\":"
                      "\"%s\",\"image_id\":\"%s\"}",
                      i ? "," : "", i, filler, filler);
    mu_buf_puts(out, "]}}");
}

static void events_too_large_for_a_message_leave_one_record_and_the_others(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    struct fixture fixture;

    (void)state;
    mu_buf_init(&body, SOURCE_MAX_BODY_BYTES);
    mu_buf_puts(&body, "[");
    put_large_event(&body, "large-1");
    mu_buf_puts(&body, ",{\"specversion\":\"1.0\",\"id\":\"small\",\"source\":\"s\",\"type\":"
                       "\"muster.registry-event.v1\",\"data\":{\"source\":\"s\",\"source_kind\":"
                       "\"k\",\"source_event_id\":\"i\",\"action\":\"delete\",\"occurred_at\":"
                       "\"2026-11-24T10:00:00Z\",\"received_at\":\"2026-11-24T10:00:00Z\","
                       "\"repository\":\"r.example/a\",\"tag\":\"t\"}},");
    put_large_event(&body, "large-2");
    mu_buf_puts(&body, "]");
    assert_false(body.failed);
    fixture_begin(&fixture, "cloudevents", body.data, body.len);
    assert_int_equal(fixture_run(&fixture), MU_OK);
    assert_int_equal(fixture.events.count, 2);
    assert_int_equal(fixture.messages[0].topic, MU_TOPIC_REGISTRY_EVENTS);
    assert_int_equal(fixture.messages[1].topic, MU_TOPIC_QUARANTINE);
    assert_string_equal(record_of(&fixture, 1)->reason_code, "limit");
    assert_true(fixture.messages[1].value_len <= MU_MSG_MAX_BYTES);
    fixture_end(&fixture);
}

static void deep_nesting_is_quarantined(void **state)
{
    static char body[200001];
    static const char *const kinds[] = {"distribution", "cloudevents", "kubernetes"};

    (void)state;
    memset(body, '[', 200000);
    for (size_t i = 0; i < 3; i++) {
        struct fixture fixture;

        begin_text(&fixture, kinds[i], body);
        assert_int_equal(fixture_run(&fixture), MU_OK);
        assert_int_equal(fixture.events.count, 1);
        assert_non_null(record_of(&fixture, 0));
        fixture_end(&fixture);
    }
}

static void bytes_that_are_no_text_are_quarantined_whole(void **state)
{
    static const char body[] = "\xff\xfe\x00\x01{\"events\":[]}";
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, "distribution", body, sizeof(body) - 1);
    assert_int_equal(fixture_run(&fixture), MU_OK);
    assert_int_equal(record_of(&fixture, 0)->payload_size_bytes, sizeof(body) - 1);
    assert_string_equal(record_of(&fixture, 0)->payload_base64, "//4AAXsiZXZlbnRzIjpbXX0=");
    assert_false(record_of(&fixture, 0)->payload_truncated);
    fixture_end(&fixture);
}

static void a_content_type_that_is_no_text_is_left_out(void **state)
{
    struct fixture fixture;

    (void)state;
    begin_text(&fixture, "distribution", "no");
    fixture.input.content_type = "text/\xff";
    assert_int_equal(fixture_run(&fixture), MU_OK);
    assert_null(record_of(&fixture, 0)->content_type);
    fixture_end(&fixture);
}

static void memory_that_runs_out_is_an_error_and_leaves_the_output(void **state)
{
    struct mu_outgoing *const untouched = (struct mu_outgoing *)&(struct mu_outgoing){0};
    struct fixture fixture;
    char *body = body_of(1000);

    (void)state;
    begin_text(&fixture, "distribution", body);
    mu_arena_free(fixture.input.arena);
    fixture.input.arena = fixture.events.arena = mu_arena_new(1024 * 1024);
    fixture.messages = untouched;
    assert_int_equal(fixture_run(&fixture), MU_E_NOMEM);
    assert_ptr_equal(fixture.messages, untouched);
    fixture_end(&fixture);
    free(body);
}

static void aliases_are_of_whole_components(void **state)
{
    struct source_alias_pair aliases[] = {{"mirror.example", "docker.io"},
                                          {"registry.example/old", "registry.example/new"}};
    static const struct {
        const char *host, *path, *expected;
    } cases[] = {
            {"mirror.example", "library/nginx", "docker.io/library/nginx"},
            {"mirror.example.org", "a", "mirror.example.org/a"},
            {"registry.example", "old", "registry.example/new"},
            {"registry.example", "old/app", "registry.example/new/app"},
            {"registry.example", "older", "registry.example/older"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture fixture;
        const char *repository = NULL;

        begin_text(&fixture, "distribution", "");
        fixture.source.aliases = aliases;
        fixture.source.alias_count = 2;
        assert_int_equal(source_repository(&fixture.input, cases[i].host, cases[i].path,
                                           &repository, &fixture.err),
                         MU_OK);
        assert_string_equal(repository, cases[i].expected);
        fixture_end(&fixture);
    }
}

static void an_alias_that_makes_a_name_too_long_is_refused(void **state)
{
    char longer[600];
    struct source_alias_pair alias = {"r.example", longer};
    struct fixture fixture;
    const char *repository = "untouched";

    (void)state;
    memset(longer, 'l', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    begin_text(&fixture, "distribution", "");
    fixture.source.aliases = &alias;
    fixture.source.alias_count = 1;
    assert_int_equal(source_repository(&fixture.input, "r.example", "a", &repository, &fixture.err),
                     MU_E_LIMIT);
    assert_int_equal(
            source_repository(&fixture.input, "r.example", "A B", &repository, &fixture.err),
            MU_E_INVALID);
    assert_string_equal(repository, "untouched");
    fixture_end(&fixture);
}

static void kinds_are_found_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < source_kind_count; i++)
        assert_ptr_equal(source_kind_find(source_kinds[i]->name), source_kinds[i]);
    assert_null(source_kind_find("carrier-pigeon"));
    assert_null(source_kind_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(an_event_told_twice_has_one_id_and_two_traces),
            cmocka_unit_test(one_event_from_two_sources_is_two_events),
            cmocka_unit_test(the_senders_trace_goes_on),
            cmocka_unit_test(a_full_envelope_is_taken),
            cmocka_unit_test(one_event_too_many_quarantines_the_body),
            cmocka_unit_test(events_too_large_for_a_message_leave_one_record_and_the_others),
            cmocka_unit_test(deep_nesting_is_quarantined),
            cmocka_unit_test(bytes_that_are_no_text_are_quarantined_whole),
            cmocka_unit_test(a_content_type_that_is_no_text_is_left_out),
            cmocka_unit_test(memory_that_runs_out_is_an_error_and_leaves_the_output),
            cmocka_unit_test(aliases_are_of_whole_components),
            cmocka_unit_test(an_alias_that_makes_a_name_too_long_is_refused),
            cmocka_unit_test(kinds_are_found_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
