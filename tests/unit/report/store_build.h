/*
 * store_build: a store of closed months in a world's folder, made by the product itself, and the
 * means to spoil it. Header-only; for tests.
 */
#ifndef MU_TEST_STORE_BUILD_H
#define MU_TEST_STORE_BUILD_H

#include "bundle_build.h"

#include "store/store_writer.h"

static const char store_system[] = "name: Example Cloud\nbaseline_configuration_name: CIS Level 2\n"
                                   "diagram_label: Cluster\nfunction: Application\n"
                                   "ver_statements: /nonexistent/statements.yaml\n"
                                   "other_assets: hosts.csv\n";

static inline const char *store_folder(struct world *world)
{
    return mu_arena_printf(world->arena, "%s/store", world->root);
}

static inline void store_put_evidence(struct store_writer *writer, const struct world *world)
{
    char path[STORE_PATH_SIZE];
    bool there;
    struct mu_error err;

    for (size_t i = 0; i < WORLD_EVIDENCE; i++) {
        assert_int_equal(store_writer_evidence(writer, world->digest[i], path, &there, &err),
                         MU_OK);
        if (there)
            continue;
        assert_int_equal(mu_file_write_atomic(path, world->raw[i], strlen(world->raw[i]), &err),
                         MU_OK);
        assert_int_equal(store_writer_keep(writer, world->digest[i], &err), MU_OK);
    }
}

static inline struct close_link store_link(const struct month_close *close)
{
    return (struct close_link){close->record.month, close->record.revision, close->record.serial,
                               close->sha256};
}

/* A buffer over a text, for reading. */
static inline struct mu_buf store_text(const char *text)
{
    return (struct mu_buf){.data = (char *)(uintptr_t)text, .len = strlen(text)};
}

static const char store_assets[] = "unique_asset_identifier,function\nhost-1,Runs pods\n";
static const char store_statements[] =
        "- {item: V-1, rating: 3, by: me, at: 2026-11-04T00:00:00Z}\n";

/* numbers.json as far as a store cares: bytes of the month. */
static inline const char *store_numbers(const struct world *world, const char *month)
{
    return mu_arena_printf(world->arena, "{\"month\":\"%s\"}", month);
}

/* Closes the world's rows as `month`, or amends it when `reason` is given. */
static inline void store_close(struct world *world, const char *month, const char *reason)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    MU_AUTO(store_writer) struct store_writer *writer = NULL;
    const struct month_close *close = NULL, *own, *before;
    struct close_record record = {.month = month,
                                  .revision = 1,
                                  .as_of_us = INT64_C(1796083199999999),
                                  .known_at_us = INT64_C(1796083199999999),
                                  .closed_at_us = INT64_C(1796169600000000),
                                  .closed_by = "isso",
                                  .generator = "0.1.0",
                                  .reason = reason};
    const struct mu_buf system = store_text(store_system), assets = store_text(store_assets),
                        statements = store_text(store_statements),
                        numbers = store_text(store_numbers(world, month));
    const struct month_companion companions[] = {{COMPANION_VER_STATEMENTS, "yaml", &statements},
                                                 {COMPANION_OTHER_ASSETS, "csv", &assets}};
    const struct month_contents contents = {snapshot, &system, &numbers, companions, 2};
    char previous[CLOSE_MONTH_SIZE];
    struct mu_error err;

    if (store_writer_open(store_folder(world), "test", &writer, &err) != MU_OK)
        fail_msg("%s", err.message);
    close_month_step(month, -1, previous);
    own = month_store_find(store_writer_months(writer), month, 0);
    before = month_store_find(store_writer_months(writer), previous, 0);
    record.revision = own ? own->record.revision + 1 : 1;
    record.has_replaces = own != NULL;
    record.has_previous_month = before != NULL;
    if (own)
        record.replaces = store_link(own);
    if (before)
        record.previous_month = store_link(before);
    store_put_evidence(writer, world);
    if (store_writer_commit(writer, &record, &contents, &close, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_non_null(close);
    assert_string_equal(close->record.month, month);
}

static inline const char *store_file(struct world *world, const char *name)
{
    return mu_arena_printf(world->arena, "%s/store/%s", world->root, name);
}

/* Changes one byte of it. */
static inline void store_spoil(struct world *world, const char *name, long at)
{
    MU_AUTO_FILE FILE *file = fopen(store_file(world, name), "r+");
    int byte;

    assert_non_null(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    byte = fgetc(file);
    assert_int_equal(fseek(file, -1, SEEK_CUR), 0);
    assert_int_not_equal(fputc(byte ^ 1, file), EOF);
}

#endif
