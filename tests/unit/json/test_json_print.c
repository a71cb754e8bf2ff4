/* json_print: the canonical form is jansson's, compact and sorted, byte for byte: ids of events
 * are made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "json/json_doc.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRINT_MAX_BYTES = 1024 * 1024 };

static void printed_alike(const json_t *value)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    MU_AUTO_FREE char *theirs = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    struct mu_error err;

    mu_buf_init(&out, PRINT_MAX_BYTES);
    assert_int_equal(mu_json_print(value, &out, &err), MU_OK);
    assert_string_equal(out.data, theirs);
}

static void every_schema_example_is_printed_alike(void **state)
{
    glob_t found;

    (void)state;
    assert_int_equal(glob(MU_SCHEMAS "/examples/*/*/*.json", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 20);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        json_auto_t *root = json_load_file(found.gl_pathv[i], JSON_DECODE_ANY, NULL);

        if (root) /* some are no JSON */
            printed_alike(root);
    }
    globfree(&found);
}

static void every_ascii_character_is_escaped_alike(void **state)
{
    char text[128];
    json_auto_t *value = NULL;

    (void)state;
    for (int c = 1; c < 128; c++)
        text[c - 1] = (char)c;
    text[127] = '\0';
    value = json_pack("{s:s, s:s}", text, "\xc3\xa9\xf0\x9f\x90\xb3", "plain", text);
    printed_alike(value);
}

static void numbers_are_printed_alike(void **state)
{
    json_auto_t *value = json_pack("[I,I,i,i,f,f,f]", (json_int_t)INT64_MAX, (json_int_t)INT64_MIN,
                                   0, -1, 1.0, 0.1, -1e300);

    (void)state;
    printed_alike(value);
}

static void members_are_sorted_alike_few_and_many(void **state)
{
    json_auto_t *few = json_pack("{s:i,s:i,s:i,s:i,s:{s:[b,n]}}", "ab", 1, "a", 2, "B", 3, "", 4,
                                 "\xc3\xa9", "x", 1);
    json_auto_t *many = json_object();
    char name[16];

    (void)state;
    printed_alike(few);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "k%d", i * 7919 % 1000);
        assert_int_equal(json_object_set_new(many, name, json_integer(i)), 0);
    }
    printed_alike(many);
}

static void a_value_alone_is_printed_and_no_value_is_an_error(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    json_auto_t *text = json_string("alone");
    struct mu_error err;

    (void)state;
    printed_alike(text);
    mu_buf_init(&out, PRINT_MAX_BYTES);
    assert_int_equal(mu_json_print(NULL, &out, &err), MU_E_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_schema_example_is_printed_alike),
            cmocka_unit_test(every_ascii_character_is_escaped_alike),
            cmocka_unit_test(numbers_are_printed_alike),
            cmocka_unit_test(members_are_sorted_alike_few_and_many),
            cmocka_unit_test(a_value_alone_is_printed_and_no_value_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
