#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verify/json_stream.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pieces as "member/key=json;". */
struct told {
    struct mu_buf text;
};

static enum mu_status on_piece(void *opaque, const char *member, const char *key, json_t *value,
                               struct mu_error *err)
{
    struct told *told = opaque;
    char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);

    (void)err;
    mu_buf_printf(&told->text, "%s/%s=%s;", member ? member : "", key ? key : "", json);
    free(json);
    return MU_OK;
}

static enum json_stream_wish on_wish(void *opaque, const char *member, const char *key)
{
    (void)opaque;
    if (mu_text_equal(member, "skip"))
        return JSON_STREAM_SKIP;
    return mu_text_equal(member, "each") && (!key || mu_text_equal(key, "each"))
                   ? JSON_STREAM_EACH
                   : JSON_STREAM_WHOLE;
}

static enum mu_status read_text(const char *json, struct told *told, struct mu_error *err)
{
    FILE *in = fmemopen((void *)(uintptr_t)json, strlen(json), "r");
    enum mu_status st;

    assert_non_null(in);
    mu_buf_init(&told->text, 1 << 16);
    st = json_stream_read(in, on_wish, on_piece, told, NULL, err);
    (void)fclose(in);
    return st;
}

static void assert_told(const char *json, const char *wanted)
{
    struct told told;
    struct mu_error err = {.message = ""};

    if (read_text(json, &told, &err) != MU_OK)
        fail_msg("%s: %s", json, err.message);
    assert_string_equal(told.text.data, wanted);
    mu_buf_done(&told.text);
}

static void pieces_come_as_wished(void **state)
{
    static const struct {
        const char *json, *wanted;
    } cases[] = {
            {"[]", ""},
            {" [ 1 , \"a\" ,{\"b\":[2]} ] ", "/=1;/=\"a\";/={\"b\":[2]};"},
            {"{}", ""},
            {"{\"a\":{\"b\":1},\"c\":null}", "a/={\"b\":1};c/=null;"},
            {"{\"each\":[1,[2,3]],\"a\":4}", "each/=1;each/=[2,3];a/=4;"},
            {"{\"each\":{\"x\":1,\"y\":[2]}}", "each/x=1;each/y=[2];"},
            {"{\"each\":{\"each\":[1,2],\"x\":[3]}}", "each/each=1;each/each=2;each/x=[3];"},
            {"{\"each\":7}", "each/=7;"},
            {"{\"each\":[]}", ""},
            {"{\"skip\":[{\"deep\":[\"]}\\\"\"]}],\"a\":1}", "a/=1;"},
            {"{\"a\\\"b\":1}", "a\"b/=1;"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_told(cases[i].json, cases[i].wanted);
}

static void what_is_no_json_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
            {" ", "it is torn"},
            {"7", "no JSON object or array"},
            {"[1", "line 1: it is torn"},
            {"[1,\n2", "line 2: it is torn"},
            {"[1 2]", "a comma or the end is missing"},
            {"[1,]", "line 1"},
            {"[,1]", "line 1"},
            {"[1]]", "more stands behind the end"},
            {"{\"a\" 1}", "a colon is missing"},
            {"{a:1}", "a name is missing"},
            {"{\"a\":1,\"a\":2}", "'a' stands there twice"},
            {"{\"a\":{\"b\":1,\"b\":2}}", "line 1"},
            {"{\"skip\":[1", "it is torn"},
            {"{\"a\":[1}}", "line 1"},
            {"[\"\\xff\"]", "line 1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct told told;
        struct mu_error err = {.message = ""};

        assert_int_equal(read_text(cases[i].json, &told, &err), MU_E_INVALID);
        if (!strstr(err.message, cases[i].says))
            fail_msg("%s: '%s' does not say '%s'", cases[i].json, err.message, cases[i].says);
        mu_buf_done(&told.text);
    }
}

static void a_piece_of_too_many_values_is_refused(void **state)
{
    size_t count = (size_t)JSON_STREAM_MAX_VALUES + 10;
    char *json = calloc(1, 2 * count + 8);
    struct told told;
    struct mu_error err;

    (void)state;
    (void)snprintf(json, 4, "[[1");
    for (size_t i = 0; i < count; i++)
        memcpy(json + 3 + 2 * i, ",1", 2);
    memcpy(json + 3 + 2 * count, "]]", 3);
    assert_int_equal(read_text(json, &told, &err), MU_E_LIMIT);
    mu_buf_done(&told.text);
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(pieces_come_as_wished),
            cmocka_unit_test(what_is_no_json_is_refused_with_its_line),
            cmocka_unit_test(a_piece_of_too_many_values_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
