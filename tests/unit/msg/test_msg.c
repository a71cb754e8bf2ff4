/* msg: types and their names, limits of the whole message, trace context. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "msg/msg.h"

#include <stdlib.h>
#include <string.h>

/* ---- types ---- */

static void every_type_has_a_row_of_its_own_and_is_found_by_its_name(void **state)
{
    (void)state;
    for (int type = 0; type < MU_MSG_TYPE_COUNT; type++) {
        const struct mu_msg_descriptor *row = mu_msg_descriptor((enum mu_msg_type)type);

        assert_non_null(row);
        assert_int_equal(mu_msg_type_of(row->ce_type), type);
        assert_memory_equal(row->ce_type, "muster.", 7);
    }
}

static void another_version_is_another_type(void **state)
{
    static const char *const names[] = {"muster.registry-event.v2",
                                        "muster.registry-event",
                                        "muster.registry-event.v1 ",
                                        "MUSTER.REGISTRY-EVENT.V1",
                                        "",
                                        NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(mu_msg_type_of(names[i]), MU_MSG_TYPE_COUNT);
}

static void there_is_no_row_beyond_the_types(void **state)
{
    (void)state;
    assert_null(mu_msg_descriptor(MU_MSG_TYPE_COUNT));
    assert_null(mu_msg_descriptor((enum mu_msg_type) - 1));
}

/* ---- size ---- */

static void a_message_over_64_kib_is_refused_both_ways_and_nothing_is_left_behind(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_json_pair pairs[32];
    struct mu_notification n = {.kind = "k",
                                .severity = MU_NOTIFICATION_INFO,
                                .subject = "s",
                                .message = "m",
                                .occurred_at_us = 0,
                                .details = {pairs, 32}};
    static char bytes[MU_MSG_MAX_BYTES + 1], keys[32][4000];
    struct mu_error err;

    (void)state;
    for (int i = 0; i < 32; i++) {
        memset(keys[i], 'a' + i % 26, sizeof(keys[i]) - 2);
        keys[i][sizeof(keys[i]) - 2] = (char)('A' + i / 26);
        pairs[i] = (struct mu_json_pair){keys[i], "v"};
    }
    mu_buf_init(&out, 1 << 20);
    mu_buf_puts(&out, "before");
    assert_int_equal(mu_msg_encode(MU_MSG_NOTIFICATION, &n, &out, &err), MU_E_LIMIT);
    assert_string_equal(out.data, "before");
    memset(bytes, ' ', sizeof(bytes));
    assert_int_equal(mu_msg_decode(MU_MSG_NOTIFICATION, bytes, sizeof(bytes), arena, &n, &err),
                     MU_E_LIMIT);
    assert_non_null(strstr(err.message, "notification"));
}

static void what_cannot_be_encoded_leaves_the_buffer(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_registry_event event = {.source = "s"};
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 100);
    assert_int_equal(mu_msg_encode(MU_MSG_REGISTRY_EVENT, &event, &out, &err), MU_E_INVALID);
    assert_string_equal(err.message, "registry event: action: is missing");
    assert_int_equal(out.len, 0);
}

static void deep_nesting_and_duplicates_are_refused_in_messages(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    static const char deep[] = "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
                      twice[] = "{\"kind\":\"a\",\"kind\":\"b\"}";
    struct mu_notification n;
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_msg_decode(MU_MSG_NOTIFICATION, deep, sizeof(deep) - 1, arena, &n, &err),
                     MU_E_LIMIT);
    assert_int_equal(mu_msg_decode(MU_MSG_NOTIFICATION, twice, sizeof(twice) - 1, arena, &n, &err),
                     MU_E_INVALID);
    assert_non_null(strstr(err.message, "notification: JSON, line 1"));
}

/* ---- trace context: W3C, level 1 ---- */

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void a_traceparent_is_told_from_what_is_none(void **state)
{
    static const char *const wrong[] = {
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            (PARENT "0"),
            (PARENT "-x"),
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", /* version ff is forbidden */
            "00-00000000000000000000000000000000-b7ad6b7169203331-01", /* no trace */
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", /* no parent */
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", /* upper case */
            "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
            "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            (" " PARENT),
    };

    (void)state;
    assert_true(mu_traceparent_valid(PARENT));
    assert_false(mu_traceparent_valid(NULL));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (mu_traceparent_valid(wrong[i]))
            fail_msg("'%s' is accepted", wrong[i]);
}

static void a_child_keeps_the_trace_and_gets_a_span_of_its_own(void **state)
{
    char child[MU_TRACEPARENT_SIZE];

    (void)state;
    mu_traceparent_new(PARENT, child);
    assert_true(mu_traceparent_valid(child));
    assert_memory_equal(child, PARENT, 36);
    assert_memory_not_equal(child + 36, &PARENT[36], 16);
}

static void without_a_sound_parent_a_new_trace_begins(void **state)
{
    static const char *const parents[] = {NULL, "", "nonsense"};
    char one[MU_TRACEPARENT_SIZE], other[MU_TRACEPARENT_SIZE];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        mu_traceparent_new(parents[i], one);
        mu_traceparent_new(parents[i], other);
        assert_true(mu_traceparent_valid(one) && mu_traceparent_valid(other));
        assert_memory_not_equal(one + 3, other + 3, 32);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_type_has_a_row_of_its_own_and_is_found_by_its_name),
            cmocka_unit_test(another_version_is_another_type),
            cmocka_unit_test(there_is_no_row_beyond_the_types),
            cmocka_unit_test(a_message_over_64_kib_is_refused_both_ways_and_nothing_is_left_behind),
            cmocka_unit_test(what_cannot_be_encoded_leaves_the_buffer),
            cmocka_unit_test(deep_nesting_and_duplicates_are_refused_in_messages),
            cmocka_unit_test(a_traceparent_is_told_from_what_is_none),
            cmocka_unit_test(a_child_keeps_the_trace_and_gets_a_span_of_its_own),
            cmocka_unit_test(without_a_sound_parent_a_new_trace_begins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
