/* Scopes, allowances, aliases, and the YAML they are written in. */
#include "examples.h"

#include "document/pattern.h"
#include "document/yaml_document.h"
#include "gate/gate_config.h"

static enum mu_status read_config(const char *path, const char *bytes, size_t len,
                                  struct mu_error *err)
{
    MU_AUTO(gate_config) struct gate_config *config = NULL;
    enum mu_status st = gate_config_parse(path, bytes, len, &config, err);

    assert_true((st == MU_OK) == (config != NULL));
    return st;
}

static void the_examples_are_what_their_folder_says(void **state)
{
    (void)state;
    assert_true(examples_check("gate-config.v1", true, read_config) >= 2);
    assert_true(examples_check("gate-config.v1", false, read_config) >= 5);
}

static struct gate_config *config_of(const char *text)
{
    struct gate_config *config = NULL;
    struct mu_error err;

    if (gate_config_parse("test", text, strlen(text), &config, &err) != MU_OK)
        fail_msg("%s", err.message);
    return config;
}

static void the_first_scope_that_fits_counts_and_none_means_strict(void **state)
{
    MU_AUTO(gate_config)
    struct gate_config *config =
            config_of("scopes:\n"
                      "  - {name: a, clusters: [prod-*], namespaces: [x], mode: warn}\n"
                      "  - {name: b, clusters: [prod-*], mode: enforce, unavailable: allow}\n");

    (void)state;
    assert_string_equal(gate_config_scope(config, "prod-1", "x")->name, "a");
    assert_string_equal(gate_config_scope(config, "prod-1", "y")->name, "b");
    assert_int_equal(gate_config_scope(config, "prod-1", "y")->unavailable, GATE_ALLOW);
    assert_int_equal(gate_config_scope(config, "prod-1", "y")->unknown, GATE_DENY);
    assert_int_equal(gate_config_scope(config, "test", "x")->mode, GATE_ENFORCE);
    assert_int_equal(gate_config_scope(config, "test", "x")->unavailable, GATE_DENY);
}

static void an_alias_renames_whole_parts_of_a_repository(void **state)
{
    static const struct {
        const char *from, *to;
    } rows[] = {{"mirror.example/hub/library/nginx", "docker.io/library/nginx"},
                {"mirror.example/hub", "docker.io"},
                {"mirror.example/hubs/x", "mirror.example/hubs/x"},
                {"other.example/x", "other.example/x"}};
    MU_AUTO(gate_config)
    struct gate_config *config = config_of("aliases: {mirror.example/hub: docker.io}\n");

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char repository[MU_OCI_REPOSITORY_SIZE];

        (void)snprintf(repository, sizeof(repository), "%s", rows[i].from);
        gate_config_rename(config, repository);
        assert_string_equal(repository, rows[i].to);
    }
}

static void a_pattern_fits_what_its_stars_stand_for(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } rows[] = {{"", "", true},          {"*", "", true},         {"*", "a/b", true},
                {"a*", "ab", true},      {"a*", "ba", false},     {"*a", "ba", true},
                {"a*b*c", "abbc", true}, {"a*b*c", "acb", false}, {"a", "ab", false},
                {"**a**", "a", true},    {"*ab", "aab", true},    {"a?", "ab", false}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (pattern_fits(rows[i].pattern, rows[i].text) != rows[i].fits)
            fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].text);
}

static void yaml_that_could_mislead_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text, *reason;
    } rows[] = {{"a: 1\na: 2\n", "t:2: 'a' is given twice"},
                {"a: &x 1\nb: *x\n", "t:2: aliases are not read"},
                {"a: 1\n--- \nb: 2\n", "a second document"},
                {"- a\n", "must be a mapping"},
                {"", "must be a mapping"},
                {"? [a]\n: 1\n", "a key must be a text"},
                {"a: [\n", "t:"},
                {"a: [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n", "nested deeper"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mu_error err = {.message = ""};
        json_t *root = NULL;

        assert_true(yaml_document_parse("t", rows[i].text, strlen(rows[i].text), &root, &err) < 0);
        assert_null(root);
        if (!strstr(err.message, rows[i].reason))
            fail_msg("'%s' is not in: %s", rows[i].reason, err.message);
    }
}

static void scalars_are_what_they_look_like_and_quoted_ones_are_text(void **state)
{
    static const char text[] = "a: 12\nb: -3\nc: true\nd: null\ne: '12'\nf: 1.10\ng: 0x1\n";
    json_auto_t *root = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(yaml_document_parse("t", text, strlen(text), &root, &err), MU_OK);
    assert_int_equal(json_integer_value(json_object_get(root, "a")), 12);
    assert_int_equal(json_integer_value(json_object_get(root, "b")), -3);
    assert_true(json_is_true(json_object_get(root, "c")));
    assert_true(json_is_null(json_object_get(root, "d")));
    assert_string_equal(mu_json_text_at(root, "e"), "12");
    assert_string_equal(mu_json_text_at(root, "f"), "1.10");
    assert_string_equal(mu_json_text_at(root, "g"), "0x1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_examples_are_what_their_folder_says),
            cmocka_unit_test(the_first_scope_that_fits_counts_and_none_means_strict),
            cmocka_unit_test(an_alias_renames_whole_parts_of_a_repository),
            cmocka_unit_test(a_pattern_fits_what_its_stars_stand_for),
            cmocka_unit_test(yaml_that_could_mislead_is_refused_with_its_line),
            cmocka_unit_test(scalars_are_what_they_look_like_and_quoted_ones_are_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
