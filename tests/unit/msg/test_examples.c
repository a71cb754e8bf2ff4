/* The C decoders over schemas/examples: they agree with the JSON Schema validator, which
 * tests/schemas runs over the same files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "msg/msg.h"
#include "json/json_doc.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 256 * 1024 };

union message {
    struct mu_registry_event registry_event;
    struct mu_workload_event workload_event;
    struct mu_scan_request scan_request;
    struct mu_scan_result scan_result;
    struct mu_quarantine_record quarantine_record;
    struct mu_notification notification;
    struct mu_source_health source_health;
};

typedef void example_fn(enum mu_msg_type type, const char *path, const struct mu_buf *text);

/* Runs `check` on every example of a message in folder `kind`; gives how many there are. */
static size_t each_example(enum mu_msg_type type, const char *kind, example_fn *check)
{
    const char *schema = mu_msg_descriptor(type)->schema_file;
    char pattern[512];
    glob_t found;
    size_t count;

    (void)snprintf(pattern, sizeof(pattern), "%s/examples/%.*s/%s/*.json", MU_SCHEMAS,
                   (int)(strlen(schema) - strlen(".schema.json")), schema, kind);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
        struct mu_error err;

        mu_buf_init(&text, FILE_MAX_BYTES);
        assert_int_equal(mu_file_read(found.gl_pathv[i], &text, &err), MU_OK);
        check(type, found.gl_pathv[i], &text);
    }
    count = found.gl_pathc;
    globfree(&found);
    return count;
}

static void each_message(const char *kind, example_fn *check, size_t at_least)
{
    size_t count = 0;

    for (int type = 0; type < MU_MSG_TYPE_COUNT; type++) {
        size_t own = each_example((enum mu_msg_type)type, kind, check);

        assert_true(own >= 3);
        count += own;
    }
    assert_true(count >= at_least);
}

static void check_accepted(enum mu_msg_type type, const char *path, const struct mu_buf *text)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    union message message;
    struct mu_error err;

    if (mu_msg_decode(type, text->data, text->len, arena, &message, &err) != MU_OK)
        fail_msg("%s: %s", path, err.message);
}

/* The file beside it says which member the error must name. */
static void read_reason(const char *path, struct mu_buf *reason)
{
    char name[600];
    struct mu_error err;

    (void)snprintf(name, sizeof(name), "%.*s.reason", (int)(strlen(path) - strlen(".json")), path);
    if (mu_file_read(name, reason, &err) != MU_OK)
        fail_msg("%s", err.message);
    reason->data[strcspn(reason->data, "\n")] = '\0';
}

static void check_refused(enum mu_msg_type type, const char *path, const struct mu_buf *text)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf reason;
    union message message, before;
    struct mu_error err;

    memset(&message, 0xa5, sizeof(message));
    memcpy(&before, &message, sizeof(message));
    mu_buf_init(&reason, 4096);
    read_reason(path, &reason);
    if (mu_msg_decode(type, text->data, text->len, arena, &message, &err) == MU_OK)
        fail_msg("%s is accepted", path);
    if (err.status != MU_E_INVALID && err.status != MU_E_LIMIT)
        fail_msg("%s is refused as %s", path, mu_status_name(err.status));
    if (!strstr(err.message, reason.data))
        fail_msg("%s: '%s' does not name '%s'", path, err.message, reason.data);
    assert_memory_equal(&message, &before, sizeof(message));
}

/* decode(encode(decode(x))) equals decode(x), seen through the canonical bytes of both. */
static void check_round_trip(enum mu_msg_type type, const char *path, const struct mu_buf *text)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(4 << 20);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf once;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf twice;
    union message first, second;
    struct mu_error err;

    mu_buf_init(&once, FILE_MAX_BYTES);
    mu_buf_init(&twice, FILE_MAX_BYTES);
    if (mu_msg_decode(type, text->data, text->len, arena, &first, &err) != MU_OK ||
        mu_msg_encode(type, &first, &once, &err) != MU_OK ||
        mu_msg_decode(type, once.data, once.len, arena, &second, &err) != MU_OK ||
        mu_msg_encode(type, &second, &twice, &err) != MU_OK)
        fail_msg("%s: %s", path, err.message);
    assert_string_equal(once.data, twice.data);
}

/* Member by member, what the example says must still be there; what is new must say "nothing". */
static void same_value(const char *path, const char *key, const json_t *was, const json_t *is)
{
    struct mu_error ignored;
    int64_t a, b;

    if (json_equal(was, is) ||
        (json_is_number(was) && json_number_value(was) == json_number_value(is)))
        return;
    if (json_is_string(was) && json_is_string(is) &&
        mu_time_parse(json_string_value(was), json_string_length(was), &a, &ignored) == MU_OK &&
        mu_time_parse(json_string_value(is), json_string_length(is), &b, &ignored) == MU_OK &&
        a == b)
        return;
    fail_msg("%s: '%s' changed", path, key);
}

static void check_kept(enum mu_msg_type type, const char *path, const struct mu_buf *text)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(4 << 20);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    json_auto_t *was = NULL, *is = NULL;
    union message message;
    struct mu_error err;
    const char *key;
    json_t *value;

    mu_buf_init(&out, FILE_MAX_BYTES);
    assert_int_equal(mu_msg_decode(type, text->data, text->len, arena, &message, &err), MU_OK);
    assert_int_equal(mu_msg_encode(type, &message, &out, &err), MU_OK);
    assert_int_equal(mu_json_parse(text->data, text->len, &mu_json_message_limits, &was, &err),
                     MU_OK);
    assert_int_equal(mu_json_parse(out.data, out.len, &mu_json_message_limits, &is, &err), MU_OK);
    json_object_foreach (was, key, value) {
        const json_t *now = json_object_get(is, key);

        if (now && !json_is_object(value) && !json_is_array(value) && !json_is_null(value))
            same_value(path, key, value, now);
    }
}

static void valid_examples_are_decoded(void **state)
{
    (void)state;
    each_message("valid", check_accepted, 30);
}

static void invalid_examples_are_refused_by_the_name_of_the_member(void **state)
{
    (void)state;
    each_message("invalid", check_refused, 300);
}

static void a_message_survives_encoding(void **state)
{
    (void)state;
    each_message("valid", check_round_trip, 30);
}

static void no_member_changes_on_the_way(void **state)
{
    (void)state;
    each_message("valid", check_kept, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(valid_examples_are_decoded),
            cmocka_unit_test(invalid_examples_are_refused_by_the_name_of_the_member),
            cmocka_unit_test(a_message_survives_encoding),
            cmocka_unit_test(no_member_changes_on_the_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
