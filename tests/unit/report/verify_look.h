/*
 * verify_look: a bundle of the world of bundle_build for each test, and what verify says
 * of it. Header-only; for tests.
 */
#ifndef MU_TEST_VERIFY_LOOK_H
#define MU_TEST_VERIFY_LOOK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle_build.h"

#include "verify/verify.h"

static inline int set_up(void **state)
{
    struct world *world = mu_xcalloc(1, sizeof(*world));
    struct bundle_counts counts;
    struct mu_error err;

    world_init(world);
    *state = world;
    return world_write(world, 0, &counts, &err) == MU_OK ? 0 : -1;
}

static inline int tear_down(void **state)
{
    world_done(*state);
    free(*state);
    return 0;
}

/* What verify says to the request, as text. */
static inline struct verify_summary look_at(const struct verify_request *request, char **ret_text)
{
    MU_AUTO(table) struct mu_table *differences = mu_table_new(verify_columns, VERIFY_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *gaps = mu_table_new(verify_gap_columns, VERIFY_GAP_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *signatures =
            mu_table_new(verify_signature_columns, VERIFY_SIGNATURE_COLUMN_COUNT);
    const struct verify_tables tables = {differences, gaps, signatures};
    struct verify_summary summary;
    struct mu_error err;
    size_t size;
    FILE *out = open_memstream(ret_text, &size);

    assert_non_null(out);
    if (verify_package(request, &tables, &summary, &err) != MU_OK)
        fail_msg("%s", err.message);
    mu_table_print(differences, MU_FORMAT_JSON, 0, out);
    (void)fclose(out);
    return summary;
}

/* Of the bundle. */
static inline struct verify_summary look(const struct world *world, char **ret_text)
{
    return look_at(&(struct verify_request){.path = world->folder, .max_bytes = 1 << 30}, ret_text);
}

/* A difference of this check and subject whose text holds `says`. */
static inline void assert_found(const struct world *world, const char *check, const char *subject,
                                const char *says)
{
    char *text = NULL;
    struct verify_summary summary = look(world, &text);
    json_t *differences = json_loads(text, 0, NULL), *difference;
    bool found = false;
    size_t index;

    json_array_foreach (differences, index, difference) {
        found |= strcmp(mu_json_text_at(difference, "check"), check) == 0 &&
                 strcmp(mu_json_text_at(difference, "subject"), subject) == 0 &&
                 strstr(mu_json_text_at(difference, "difference"), says) != NULL;
    }
    if (!found)
        fail_msg("no '%s' of '%s' says '%s' in\n%s", check, subject, says, text);
    assert_int_equal(summary.differences, json_array_size(differences));
    json_decref(differences);
    free(text);
}

static inline void assert_clean(const struct world *world)
{
    char *text = NULL;
    struct verify_summary summary = look(world, &text);

    if (summary.differences > 0)
        fail_msg("%s", text);
    free(text);
}

#define BUNDLE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
