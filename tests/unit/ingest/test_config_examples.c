/* The configuration reader over schemas/examples/ingest-sources.v1: it agrees with the JSON Schema
 * validator, which tests/schemas runs over the same files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/ingest_config.h"
#include "source/source.h"

#include "base/file.h"
#include "json/json_doc.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 256 * 1024, ARENA_MAX_BYTES = 1 << 24 };

typedef void example_fn(const char *path, enum mu_status status, const struct mu_error *err);

static size_t each_example(const char *folder, example_fn *check)
{
    char pattern[512];
    glob_t found;
    size_t count;

    (void)snprintf(pattern, sizeof(pattern), "%s/examples/ingest-sources.v1/%s/*.json", MU_SCHEMAS,
                   folder);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_MAX_BYTES);
        struct ingest_config config;
        struct mu_error err = {0};
        enum mu_status st = ingest_config_read(found.gl_pathv[i], arena, &config, &err);

        check(found.gl_pathv[i], st, &err);
    }
    count = found.gl_pathc;
    globfree(&found);
    return count;
}

static void check_accepted(const char *path, enum mu_status status, const struct mu_error *err)
{
    if (status != MU_OK)
        fail_msg("%s: %s", path, err->message);
}

/* With the file's name, a line, and what its .reason says. */
static void check_refused(const char *path, enum mu_status status, const struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf reason;
    char beside[512];
    struct mu_error ignored;

    if (status == MU_OK)
        fail_msg("%s is accepted", path);
    mu_buf_init(&reason, FILE_MAX_BYTES);
    (void)snprintf(beside, sizeof(beside), "%.*s.reason", (int)(strlen(path) - strlen(".json")),
                   path);
    assert_int_equal(mu_file_read(beside, &reason, &ignored), MU_OK);
    reason.data[strcspn(reason.data, "\n")] = '\0';
    if (!strstr(err->message, reason.data) || strncmp(err->message, path, strlen(path)) != 0)
        fail_msg("%s: '%s' does not say '%s'", path, err->message, reason.data);
}

static void what_the_schema_accepts_is_read(void **state)
{
    (void)state;
    assert_int_equal(setenv("EXAMPLE_SECRET", "new", 1), 0);
    assert_int_equal(setenv("EXAMPLE_OLD_SECRET", "old", 1), 0);
    assert_true(each_example("valid", check_accepted) >= 5);
}

static void what_the_schema_refuses_is_refused_with_the_reason(void **state)
{
    (void)state;
    assert_true(each_example("invalid", check_refused) >= 30);
}

static void the_schema_names_every_kind(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    json_auto_t *root = NULL;
    const json_t *kinds;
    struct mu_error err;

    (void)state;
    mu_buf_init(&text, FILE_MAX_BYTES);
    assert_int_equal(mu_file_read(MU_SCHEMAS "/ingest-sources.v1.schema.json", &text, &err), MU_OK);
    assert_int_equal(mu_json_parse(text.data, text.len, &mu_json_message_limits, &root, &err),
                     MU_OK);
    kinds = mu_json_at(root, "$defs.source.properties.kind.enum");
    assert_int_equal(json_array_size(kinds), source_kind_count);
    for (size_t i = 0; i < json_array_size(kinds); i++)
        if (!source_kind_find(json_string_value(json_array_get(kinds, i))))
            fail_msg("the schema has a kind '%s'", json_string_value(json_array_get(kinds, i)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_the_schema_accepts_is_read),
            cmocka_unit_test(what_the_schema_refuses_is_refused_with_the_reason),
            cmocka_unit_test(the_schema_names_every_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
