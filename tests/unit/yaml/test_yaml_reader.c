#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "yaml/yaml_reader.h"

#include <stdbool.h>
#include <string.h>

struct shape {
    const char *name;
    bool round;
};

static const struct yaml_key keys[] = {
        {"name", yaml_reader_text_member, offsetof(struct shape, name), NULL},
        {"round", yaml_reader_bool_member, offsetof(struct shape, round), NULL},
};

static enum mu_status read_shape(struct mu_arena *arena, const char *text, size_t len,
                                 struct shape *ret_shape, struct mu_error *err)
{
    yaml_document_t document;
    struct yaml_reader reader = {.path = "s.yaml", .arena = arena, .document = &document};
    enum mu_status st = yaml_reader_load("s.yaml", text, len, &document, err);

    if (st != MU_OK)
        return st;
    st = yaml_reader_mapping(&reader, "the file", yaml_document_get_root_node(&document), keys,
                             sizeof(keys) / sizeof(keys[0]), ret_shape, err);
    yaml_document_delete(&document);
    return st;
}

static void a_table_of_keys_fills_a_struct(void **state)
{
    static const char text[] = "round: true\nname: ball\n";
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 16);
    struct shape shape = {0};
    struct mu_error err;

    (void)state;
    assert_int_equal(read_shape(arena, text, strlen(text), &shape, &err), MU_OK);
    assert_string_equal(shape.name, "ball");
    assert_true(shape.round);
}

static void every_mistake_names_file_line_and_key(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
            {"name: a\ncolour: red\n", "s.yaml:2: 'colour' is an unknown option"},
            {"name: a\nname: b\n", "s.yaml:2: 'name' is given twice"},
            {"name: ''\n", "s.yaml:1: 'name' is empty"},
            {"name: [a]\n", "s.yaml:1: 'name' must be a text"},
            {"name: \"a\\0b\"\n", "s.yaml:1: 'name' holds a NUL"},
            {"round: yes\n", "s.yaml:1: 'round' must be true or false"},
            {"- a\n", "s.yaml:1: 'the file' must be a mapping"},
            {"name: [\n", "s.yaml:"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 16);
        struct shape shape = {0};
        struct mu_error err;

        assert_int_equal(read_shape(arena, cases[i].text, strlen(cases[i].text), &shape, &err),
                         MU_E_INVALID);
        if (!strstr(err.message, cases[i].expected))
            fail_msg("'%s' does not say '%s'", err.message, cases[i].expected);
    }
}

static void a_text_over_the_limit_is_refused(void **state)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 16);
    char text[YAML_TEXT_MAX_BYTES + 16] = "name: ";
    struct shape shape = {0};
    struct mu_error err;

    (void)state;
    memset(text + 6, 'x', YAML_TEXT_MAX_BYTES + 1);
    assert_int_equal(read_shape(arena, text, 6 + YAML_TEXT_MAX_BYTES, &shape, &err), MU_OK);
    assert_int_equal(read_shape(arena, text, 7 + YAML_TEXT_MAX_BYTES, &shape, &err), MU_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_table_of_keys_fills_a_struct),
            cmocka_unit_test(every_mistake_names_file_line_and_key),
            cmocka_unit_test(a_text_over_the_limit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
