/* A message from Kafka, understood or not. */
#include "apply/event.h"

#include "base/clock.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PUSH                                                                          \
    "{\"source\":\"s\",\"source_kind\":\"k\",\"source_event_id\":\"i\",\"action\":\"" \
    "push\",\"occurred_at\":\"2026-11-01T00:00:00Z\",\"received_at\":\"2026-11-01T"   \
    "00:00:01Z\",\"repository\":\"r.example/a\",\"digest\":\"" DIGEST "\"}"

static struct mu_arena *arena;

static int open_arena(void **state)
{
    (void)state;
    arena = mu_arena_new(1024 * 1024);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    mu_arena_free(arena);
    return 0;
}

static struct mu_incoming incoming_of(const char *ce_type, const char *value)
{
    return (struct mu_incoming){.topic = MU_TOPIC_REGISTRY_EVENTS,
                                .partition = 2,
                                .offset = 7,
                                .value = value,
                                .value_len = value ? strlen(value) : 0,
                                .envelope = {.type = mu_msg_type_of(ce_type ? ce_type : ""),
                                             .id = "e1",
                                             .source = "/s",
                                             .time_us = 1793491200000000},
                                .ce_type = ce_type};
}

static struct event decode(const struct mu_incoming *incoming)
{
    struct event event;

    event_decode(incoming, mu_now_us(), arena, &event);
    return event;
}

static void a_whole_message_is_understood(void **state)
{
    struct mu_incoming incoming = incoming_of("muster.registry-event.v1", PUSH);
    struct event event = decode(&incoming);

    (void)state;
    assert_non_null(event.message);
    assert_int_equal(event.type, MU_MSG_REGISTRY_EVENT);
    assert_int_equal(event.occurred_at_us, 1793491200000000);
    assert_int_equal(event.received_at_us, 1793491201000000);
}

struct row {
    const char *ce_type, *value, *reason;
};

static void what_is_not_understood_says_why(void **state)
{
    static const struct row rows[] = {
            {"muster.registry-event.v1", "{", "JSON"},
            {"muster.registry-event.v1", "{}", "action: is missing"},
            {"muster.registry-event.v1", NULL, "JSON"},
            {"muster.registry-event.v2", PUSH, "muster.registry-event.v2"},
            {NULL, PUSH, "ce_type"},
            {"muster.notification.v1",
             "{\"kind\":\"k\",\"severity\":\"info\",\"subject\":\"s\",\"message\":\"m\","
             "\"occurred_at\":\"2026-11-01T00:00:00Z\"}",
             "does not belong"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mu_incoming incoming = incoming_of(rows[i].ce_type, rows[i].value);
        struct event event = decode(&incoming);

        assert_null(event.message);
        assert_int_equal(event.status, MU_E_INVALID);
        if (!strstr(event.reason, rows[i].reason))
            fail_msg("'%s' does not say '%s'", event.reason, rows[i].reason);
    }
}

static void a_message_without_identity_is_known_by_its_place_and_bytes(void **state)
{
    struct mu_incoming one = incoming_of("muster.registry-event.v1", PUSH), two = one, other = one;
    struct event first, second;

    (void)state;
    one.envelope.id = two.envelope.id = other.envelope.id = NULL;
    other.offset = 8;
    first = decode(&one);
    second = decode(&two);
    assert_null(first.message);
    assert_string_equal(first.event_id, second.event_id);
    assert_string_equal(first.ce_source, "muster.registry-events");
    second = decode(&other);
    assert_string_not_equal(first.event_id, second.event_id);
}

static void an_identity_that_is_too_long_is_no_identity(void **state)
{
    struct mu_incoming incoming = incoming_of("muster.registry-event.v1", PUSH);
    char text[1100];
    struct event event;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    incoming.envelope.source = text;
    event = decode(&incoming);
    assert_null(event.message);
    assert_string_equal(event.ce_source, "muster.registry-events");
}

static void a_broken_traceparent_is_left_out(void **state)
{
    struct mu_incoming incoming = incoming_of("muster.registry-event.v1", PUSH);
    struct event event;

    (void)state;
    incoming.envelope.traceparent = "00-zz";
    event = decode(&incoming);
    assert_non_null(event.message);
    assert_null(event.traceparent);
}

static void a_push_without_a_digest_says_of_what(void **state)
{
    static const char value[] =
            "{\"source\":\"s\",\"source_kind\":\"k\",\"source_event_id\":\"i\",\"action\":\"push\","
            "\"occurred_at\":\"2026-11-01T00:00:00Z\",\"received_at\":\"2026-11-01T00:00:00Z\","
            "\"repository\":\"r.example/a\"}";
    struct mu_incoming incoming = incoming_of("muster.registry-event.v1", value);
    struct event event = decode(&incoming);

    (void)state;
    assert_null(event.message);
    assert_non_null(strstr(event.reason, "r.example/a"));
}

static void a_time_missing_in_the_envelope_is_now(void **state)
{
    struct mu_incoming incoming = incoming_of("muster.registry-event.v1", "{");
    int64_t before = mu_now_us();
    struct event event;

    (void)state;
    incoming.envelope.time_us = MU_TIME_NONE;
    event = decode(&incoming);
    assert_true(event.occurred_at_us >= before);
}

/* A reason cut in the middle of a character could not be written into a message. */
static void a_reason_is_always_text(void **state)
{
    struct mu_incoming incoming = incoming_of("muster.registry-event.v1", "{");
    struct event event = decode(&incoming);
    struct mu_error why = {.status = MU_E_LIMIT};

    (void)state;
    (void)snprintf(why.message, sizeof(why.message), "bad \xc3");
    event_reject(&event, arena, &why);
    assert_string_equal(event.reason, "bad ?");
    assert_int_equal(event.status, MU_E_LIMIT);
    (void)snprintf(why.message, sizeof(why.message), "gr\xc3\xbc\xc3\x9f");
    event_reject(&event, arena, &why);
    assert_string_equal(event.reason, "gr\xc3\xbc\xc3\x9f");
}

static void a_rejection_without_words_has_a_reason(void **state)
{
    struct mu_incoming incoming = incoming_of("muster.registry-event.v1", PUSH);
    struct event event = decode(&incoming);
    struct mu_error why = {.status = MU_E_CONFLICT};

    (void)state;
    event_reject(&event, arena, &why);
    assert_string_equal(event.reason, "conflict");
    assert_null(event.message);
}

#define EVENT_TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
            EVENT_TEST(a_whole_message_is_understood),
            EVENT_TEST(what_is_not_understood_says_why),
            EVENT_TEST(a_message_without_identity_is_known_by_its_place_and_bytes),
            EVENT_TEST(an_identity_that_is_too_long_is_no_identity),
            EVENT_TEST(a_broken_traceparent_is_left_out),
            EVENT_TEST(a_push_without_a_digest_says_of_what),
            EVENT_TEST(a_time_missing_in_the_envelope_is_now),
            EVENT_TEST(a_reason_is_always_text),
            EVENT_TEST(a_rejection_without_words_has_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
