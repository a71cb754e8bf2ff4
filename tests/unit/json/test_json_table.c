/* json_table: one table both ways; every error names the member, and nothing is written on failure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "json/json_doc.h"
#include "json/json_table.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct part {
    const char *name;
    int64_t size;
};

struct thing {
    const char *text;
    const char *visible;
    int64_t number;
    bool flag;
    int64_t at_us;
    int word;
    const char *digest;
    bool has_part;
    struct part part;
    struct mu_json_array parts;
    struct mu_json_texts texts;
    struct mu_json_map map;
};

static const char *const words[] = {"", "red", "green", NULL};
static const struct mu_json_field part_fields[] = {
        {.name = "name",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = offsetof(struct part, name),
         .min = 1,
         .max = 8},
        {.name = "size", .type = MU_JSON_INT, .offset = offsetof(struct part, size)},
};
static const struct mu_json_object part_object = {"part", part_fields, 2, sizeof(struct part)};

#define AT(member) .offset = offsetof(struct thing, member)
static const struct mu_json_field fields[] = {
        {.name = "at", .type = MU_JSON_TIME, AT(at_us)},
        {.name = "digest", .type = MU_JSON_DIGEST, AT(digest)},
        {.name = "flag", .type = MU_JSON_BOOL, AT(flag)},
        {.name = "map", .type = MU_JSON_MAP, AT(map), .max = 2},
        {.name = "number", .type = MU_JSON_INT, AT(number), .min = -5, .max = 5},
        {.name = "part",
         .type = MU_JSON_OBJECT,
         AT(part),
         .object = &part_object,
         .present_offset = offsetof(struct thing, has_part)},
        {.name = "parts", .type = MU_JSON_ARRAY, AT(parts), .max = 2, .object = &part_object},
        {.name = "text",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         AT(text),
         .min = 1,
         .max = 8},
        {.name = "texts", .type = MU_JSON_TEXTS, AT(texts), .max = 2},
        {.name = "visible", .type = MU_JSON_TEXT, .flags = MU_JSON_VISIBLE, AT(visible), .max = 8},
        {.name = "word", .type = MU_JSON_ENUM, AT(word), .words = words},
};
static const struct mu_json_object object = {"thing", fields, sizeof(fields) / sizeof(fields[0]),
                                             sizeof(struct thing)};

#define HEX64 "abababababababababababababababababababababababababababababababab"
static const char complete[] =
        "{\"at\":\"2026-11-24T12:00:00.000001Z\",\"digest\":\"sha256:" HEX64
        "\",\"flag\":true,\"map\":{\"a\":\"1\",\"b\":\"\"},\"number\":-5,\"part\":{\"name\":\"p\","
        "\"size\":1},"
        "\"parts\":[{\"name\":\"x\",\"size\":2},{\"name\":\"y\",\"size\":3}],\"text\":\"t\","
        "\"texts\":[\"one\",\"two\"],\"visible\":\"v\",\"word\":\"green\"}";

static enum mu_status decode(const char *text, struct mu_arena *arena, struct thing *ret,
                             struct mu_error *err)
{
    json_auto_t *root = NULL;

    if (mu_json_parse(text, strlen(text), &mu_json_message_limits, &root, err) != MU_OK)
        fail_msg("%s: %s", text, err->message);
    return mu_json_decode(&object, root, arena, ret, err);
}

/* The document must be refused with `status`, naming `path`, and the struct must stay as it was. */
static void refused(const char *text, enum mu_status status, const char *path)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct thing thing, before;
    char wanted[128];
    struct mu_error err;

    memset(&thing, 0xa5, sizeof(thing));
    memcpy(&before, &thing, sizeof(thing));
    (void)snprintf(wanted, sizeof(wanted), "thing: %s: ", path);
    if (decode(text, arena, &thing, &err) != status ||
        strncmp(err.message, wanted, strlen(wanted)) != 0)
        fail_msg("%s gives %s: %s", text, mu_status_name(err.status), err.message);
    assert_memory_equal(&thing, &before, sizeof(thing));
}

static void everything_is_decoded(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct thing t;
    struct mu_error err;

    (void)state;
    assert_int_equal(decode(complete, arena, &t, &err), MU_OK);
    assert_string_equal(t.text, "t");
    assert_int_equal(t.number, -5);
    assert_true(t.flag && t.at_us == 1795521600000001 && t.word == 2);
    assert_string_equal(t.digest, "sha256:" HEX64);
    assert_true(t.has_part && t.part.size == 1);
    assert_int_equal(t.parts.count, 2);
    assert_string_equal(((struct part *)t.parts.items)[1].name, "y");
    assert_string_equal(t.texts.items[1], "two");
    assert_int_equal(t.map.count, 2);
    assert_string_equal(t.map.items[0].key, "a");
    assert_string_equal(t.map.items[1].value, "");
}

static void what_was_decoded_is_encoded_to_the_same_bytes(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct thing t;
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 4096);
    assert_int_equal(decode(complete, arena, &t, &err), MU_OK);
    assert_int_equal(mu_json_encode(&object, &t, &out, &err), MU_OK);
    assert_string_equal(out.data, complete);
}

static void absent_and_null_members_are_the_absent_value(void **state)
{
    static const char *const texts[] = {
            "{\"text\":\"t\"}",
            "{\"text\":\"t\",\"visible\":null,\"number\":null,\"flag\":null,\"at\":null,\"word\":"
            "null,\"digest\":null,\"part\":null,\"parts\":null,\"texts\":null,\"map\":null}"};
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct thing t;
    struct mu_error err;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        memset(&t, 0xa5, sizeof(t));
        assert_int_equal(decode(texts[i], arena, &t, &err), MU_OK);
        assert_true(!t.visible && t.number == 0 && !t.flag && t.at_us == MU_TIME_NONE &&
                    t.word == 0 && !t.digest);
        assert_true(!t.has_part && t.parts.count == 0 && t.texts.count == 0 && t.map.count == 0);
    }
}

static void unknown_members_are_ignored(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct thing t;
    struct mu_error err;

    (void)state;
    assert_int_equal(decode("{\"text\":\"t\",\"more\":{\"text\":[1]}}", arena, &t, &err), MU_OK);
}

static void a_whole_number_may_be_written_with_a_fraction_of_nothing(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct thing t;
    struct mu_error err;

    (void)state;
    assert_int_equal(
            decode("{\"text\":\"t\",\"number\":4.0,\"part\":{\"name\":\"n\",\"size\":1e3}}", arena,
                   &t, &err),
            MU_OK);
    assert_true(t.number == 4 && t.part.size == 1000);
}

static void a_wrong_type_is_refused_by_name(void **state)
{
    static const char *const names[] = {"text",   "visible", "number", "flag",  "at", "word",
                                        "digest", "part",    "parts",  "texts", "map"};
    static const char *const values[] = {"1", "1",  "\"1\"", "\"true\"", "7", "7",
                                         "7", "[]", "{}",    "{}",       "[]"};
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(text, sizeof(text), "{\"%s\":%s%s}", names[i], values[i],
                       i ? ",\"text\":\"t\"" : "");
        refused(text, MU_E_INVALID, names[i]);
    }
}

static void a_missing_required_member_is_refused_by_its_whole_path(void **state)
{
    (void)state;
    refused("{}", MU_E_INVALID, "text");
    refused("{\"text\":null}", MU_E_INVALID, "text");
    refused("{\"text\":\"t\",\"part\":{}}", MU_E_INVALID, "part.name");
    refused("{\"text\":\"t\",\"parts\":[{\"name\":\"a\"},{}]}", MU_E_INVALID, "parts[1].name");
}

static void wrong_values_are_refused_by_name(void **state)
{
    (void)state;
    refused("{\"text\":\"\"}", MU_E_INVALID, "text");
    refused("{\"text\":\"t\",\"visible\":\"a b\"}", MU_E_INVALID, "visible");
    refused("{\"text\":\"t\",\"visible\":\"\xc3\xa9\"}", MU_E_INVALID, "visible");
    refused("{\"text\":\"t\",\"number\":6}", MU_E_INVALID, "number");
    refused("{\"text\":\"t\",\"number\":-6}", MU_E_INVALID, "number");
    refused("{\"text\":\"t\",\"number\":1.5}", MU_E_INVALID, "number");
    refused("{\"text\":\"t\",\"part\":{\"name\":\"n\",\"size\":1e19}}", MU_E_INVALID, "part.size");
    refused("{\"text\":\"t\",\"part\":{\"name\":\"n\",\"size\":9223372036854775808.0}}",
            MU_E_INVALID, "part.size");
    refused("{\"text\":\"t\",\"at\":\"2026-02-30T00:00:00Z\"}", MU_E_INVALID, "at");
    refused("{\"text\":\"t\",\"word\":\"blue\"}", MU_E_INVALID, "word");
    refused("{\"text\":\"t\",\"word\":\"\"}", MU_E_INVALID, "word");
    refused("{\"text\":\"t\",\"digest\":\"md5:00\"}", MU_E_INVALID, "digest");
    refused("{\"text\":\"t\",\"parts\":[1]}", MU_E_INVALID, "parts[0]");
    refused("{\"text\":\"t\",\"texts\":[\"a\",1]}", MU_E_INVALID, "texts[1]");
    refused("{\"text\":\"t\",\"texts\":[\"\"]}", MU_E_INVALID, "texts[0]");
    refused("{\"text\":\"t\",\"map\":{\"k\":1}}", MU_E_INVALID, "map.k");
}

static void broken_limits_are_refused_by_name(void **state)
{
    (void)state;
    refused("{\"text\":\"123456789\"}", MU_E_LIMIT, "text");
    refused("{\"text\":\"t\",\"parts\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}]}",
            MU_E_LIMIT, "parts");
    refused("{\"text\":\"t\",\"texts\":[\"a\",\"b\",\"c\"]}", MU_E_LIMIT, "texts");
    refused("{\"text\":\"t\",\"map\":{\"a\":\"\",\"b\":\"\",\"c\":\"\"}}", MU_E_LIMIT, "map");
}

static void lengths_count_characters(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct thing t;
    struct mu_error err;

    (void)state;
    assert_int_equal(decode("{\"text\":"
                            "\"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82"
                            "\xac\xe2\x82\xac\xe2\x82\xac\"}",
                            arena, &t, &err),
                     MU_OK);
    refused("{\"text\":"
            "\"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
            "\xe2\x82\xac\xe2\x82\xac\"}",
            MU_E_LIMIT, "text");
}

static void elements_of_lists_and_maps_have_limits_too(void **state)
{
    char text[1200];

    (void)state;
    (void)snprintf(text, sizeof(text), "{\"text\":\"t\",\"texts\":[\"%01025d\"]}", 0);
    refused(text, MU_E_LIMIT, "texts[0]");
    (void)snprintf(text, sizeof(text), "{\"text\":\"t\",\"map\":{\"k\":\"%01025d\"}}", 0);
    refused(text, MU_E_LIMIT, "map.k");
}

static void what_is_no_object_is_refused_as_a_whole(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    struct thing t;
    struct mu_error err;

    (void)state;
    assert_int_equal(decode("[]", arena, &t, &err), MU_E_INVALID);
    assert_string_equal(err.message, "thing: must be an object");
}

static void an_arena_that_is_full_is_out_of_memory(void **state)
{
    size_t room = 0;
    enum mu_status st = MU_E_NOMEM;

    (void)state;
    for (; st != MU_OK && room < 4096; room += 16) {
        MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(room);
        struct thing t;
        struct mu_error err;

        st = decode(complete, arena, &t, &err);
        assert_true(st == MU_OK || st == MU_E_NOMEM);
    }
    assert_int_equal(st, MU_OK);
    assert_true(room > sizeof(struct thing));
}

static void a_hostile_path_is_cut_in_the_error(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    char text[5000];
    struct thing t;
    struct mu_error err;

    (void)state;
    (void)snprintf(text, sizeof(text), "{\"text\":\"t\",\"map\":{\"%04000d\":1}}", 0);
    assert_int_equal(decode(text, arena, &t, &err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "map.000"));
    assert_non_null(strstr(err.message, "must be a text"));
}

/* ---- encoding ---- */

static void not_encoded(const struct thing *thing, enum mu_status status, const char *path)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_error err;
    char wanted[64];

    mu_buf_init(&out, 4096);
    mu_buf_puts(&out, "before");
    (void)snprintf(wanted, sizeof(wanted), "thing: %s: ", path);
    if (mu_json_encode(&object, thing, &out, &err) != status ||
        strncmp(err.message, wanted, strlen(wanted)) != 0)
        fail_msg("%s: %s", path, err.message);
    assert_string_equal(out.data, "before");
}

static struct thing sound(void)
{
    return (struct thing){.text = "t", .at_us = MU_TIME_NONE};
}

static void a_missing_required_member_is_not_encoded(void **state)
{
    struct thing t = sound();

    (void)state;
    t.text = NULL;
    not_encoded(&t, MU_E_INVALID, "text");
}

static void nothing_is_encoded_that_would_not_be_decoded(void **state)
{
    struct part parts[3] = {{.name = "a"}, {.name = NULL}, {.name = "c"}};
    struct thing t;

    (void)state;
    t = sound(), t.text = "";
    not_encoded(&t, MU_E_INVALID, "text");
    t = sound(), t.text = "123456789";
    not_encoded(&t, MU_E_LIMIT, "text");
    t = sound(), t.text = "\xff";
    not_encoded(&t, MU_E_INVALID, "text");
    t = sound(), t.visible = "a b";
    not_encoded(&t, MU_E_INVALID, "visible");
    t = sound(), t.number = 6;
    not_encoded(&t, MU_E_INVALID, "number");
    t = sound(), t.at_us = -1;
    not_encoded(&t, MU_E_INVALID, "at");
    t = sound(), t.at_us = INT64_MAX;
    not_encoded(&t, MU_E_INVALID, "at");
    t = sound(), t.word = 3;
    not_encoded(&t, MU_E_INVALID, "word");
    t = sound(), t.word = -1;
    not_encoded(&t, MU_E_INVALID, "word");
    t = sound(), t.digest = "sha256:";
    not_encoded(&t, MU_E_INVALID, "digest");
    t = sound(), t.parts = (struct mu_json_array){parts, 2};
    not_encoded(&t, MU_E_INVALID, "parts[1].name");
    t = sound(), t.parts = (struct mu_json_array){parts, 3};
    not_encoded(&t, MU_E_LIMIT, "parts");
}

static void no_element_of_a_list_or_map_is_lost_silently(void **state)
{
    struct thing t;

    (void)state;
    t = sound(), t.texts = (struct mu_json_texts){(const char *[]){"a", "\xff"}, 2};
    not_encoded(&t, MU_E_INVALID, "texts[1]");
    t = sound(), t.texts = (struct mu_json_texts){(const char *[]){NULL}, 1};
    not_encoded(&t, MU_E_INVALID, "texts[0]");
    t = sound(), t.texts = (struct mu_json_texts){(const char *[]){"a", "b", "c"}, 3};
    not_encoded(&t, MU_E_LIMIT, "texts");
    t = sound(), t.map = (struct mu_json_map){(struct mu_json_pair[]){{"k", "\xff"}}, 1};
    not_encoded(&t, MU_E_INVALID, "map.k");
    t = sound(), t.map = (struct mu_json_map){(struct mu_json_pair[]){{"k", NULL}}, 1};
    not_encoded(&t, MU_E_INVALID, "map.k");
    t = sound(), t.map = (struct mu_json_map){(struct mu_json_pair[]){{"\xff", "v"}}, 1};
    not_encoded(&t, MU_E_INVALID, "map.?");
    t = sound(), t.map = (struct mu_json_map){(struct mu_json_pair[]){{"k", "1"}, {"k", "2"}}, 2};
    not_encoded(&t, MU_E_INVALID, "map.k");
}

static void a_map_is_encoded_in_the_order_of_its_keys(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct thing t = sound();
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 1000);
    t.map = (struct mu_json_map){(struct mu_json_pair[]){{"b", "2"}, {"a", "1"}}, 2};
    assert_int_equal(mu_json_encode(&object, &t, &out, &err), MU_OK);
    assert_non_null(strstr(out.data, "\"map\":{\"a\":\"1\",\"b\":\"2\"}"));
}

static void what_does_not_fit_the_buffer_leaves_it_as_it_was(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct thing t = sound();
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 40);
    mu_buf_puts(&out, "before");
    assert_int_equal(mu_json_encode(&object, &t, &out, &err), MU_E_LIMIT);
    assert_string_equal(out.data, "before");
}

static void an_absent_object_is_left_out(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct thing t = sound();
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 1000);
    assert_int_equal(mu_json_encode(&object, &t, &out, &err), MU_OK);
    assert_string_equal(
            out.data,
            "{\"flag\":false,\"map\":{},\"number\":0,\"parts\":[],\"text\":\"t\",\"texts\":[]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(everything_is_decoded),
            cmocka_unit_test(what_was_decoded_is_encoded_to_the_same_bytes),
            cmocka_unit_test(absent_and_null_members_are_the_absent_value),
            cmocka_unit_test(unknown_members_are_ignored),
            cmocka_unit_test(a_whole_number_may_be_written_with_a_fraction_of_nothing),
            cmocka_unit_test(a_wrong_type_is_refused_by_name),
            cmocka_unit_test(a_missing_required_member_is_refused_by_its_whole_path),
            cmocka_unit_test(wrong_values_are_refused_by_name),
            cmocka_unit_test(broken_limits_are_refused_by_name),
            cmocka_unit_test(lengths_count_characters),
            cmocka_unit_test(elements_of_lists_and_maps_have_limits_too),
            cmocka_unit_test(what_is_no_object_is_refused_as_a_whole),
            cmocka_unit_test(an_arena_that_is_full_is_out_of_memory),
            cmocka_unit_test(a_hostile_path_is_cut_in_the_error),
            cmocka_unit_test(a_missing_required_member_is_not_encoded),
            cmocka_unit_test(nothing_is_encoded_that_would_not_be_decoded),
            cmocka_unit_test(no_element_of_a_list_or_map_is_lost_silently),
            cmocka_unit_test(a_map_is_encoded_in_the_order_of_its_keys),
            cmocka_unit_test(what_does_not_fit_the_buffer_leaves_it_as_it_was),
            cmocka_unit_test(an_absent_object_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
