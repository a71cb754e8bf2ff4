#include "close/companions.h"

#include "assets/other_assets.h"
#include "statements/statements.h"
#include "workbook/template.h"

#include "base/file.h"
#include "base/text.h"

#include <string.h>

/* ---- what each must be ---- */

static enum mu_status check_statements(const char *path, const struct mu_buf *bytes,
                                       struct system_file *system, struct mu_arena *arena,
                                       struct mu_error *err)
{
    return statements_parse(path, bytes->data ? bytes->data : "", bytes->len, arena,
                            &system->statements, err);
}

static enum mu_status check_template(const char *path, const struct mu_buf *bytes,
                                     struct system_file *system, struct mu_arena *arena,
                                     struct mu_error *err)
{
    MU_AUTO(template) struct template *template = NULL;

    (void)system, (void)arena;
    return template_open(bytes->data ? bytes->data : "", bytes->len, &template, err) == MU_OK
                   ? MU_OK
                   : mu_wrap(err, "'%s'", path);
}

static enum mu_status check_assets(const char *path, const struct mu_buf *bytes,
                                   struct system_file *system, struct mu_arena *arena,
                                   struct mu_error *err)
{
    struct other_assets assets = {.count = 0};
    enum mu_status st;

    (void)arena;
    st = other_assets_parse(path, bytes->data ? bytes->data : "", bytes->len, system, &assets, err);
    if (st == MU_OK)
        other_assets_done(&assets);
    return st;
}

struct kind {
    size_t max_bytes;
    const char *ending;
    enum mu_status (*check)(const char *path, const struct mu_buf *bytes,
                            struct system_file *system, struct mu_arena *arena,
                            struct mu_error *err);
};

static const struct kind kinds[SYSTEM_COMPANIONS] = {
        [COMPANION_VER_STATEMENTS] = {STATEMENTS_MAX_BYTES, "yaml", check_statements},
        [COMPANION_TEMPLATE_POAM] = {TEMPLATE_MAX_BYTES, "xlsx", check_template},
        [COMPANION_TEMPLATE_DR] = {TEMPLATE_MAX_BYTES, "xlsx", check_template},
        [COMPANION_OTHER_ASSETS] = {OTHER_ASSETS_MAX_BYTES, "csv", check_assets},
};

/* Its ending says what the file of assets is. */
static const char *ending_of(enum system_companion key, const char *path)
{
    return key == COMPANION_OTHER_ASSETS && other_assets_is_yaml(path) ? "yaml" : kinds[key].ending;
}

void companions_init(struct companions *companions)
{
    companions->count = 0;
    for (int key = 0; key < SYSTEM_COMPANIONS; key++)
        mu_buf_init(&companions->bytes[key], kinds[key].max_bytes);
}

void companions_done(struct companions *companions)
{
    for (int key = 0; key < SYSTEM_COMPANIONS; key++)
        mu_buf_done(&companions->bytes[key]);
}

enum mu_status companions_read(struct companions *companions, struct system_file *system,
                               struct mu_arena *arena, struct mu_error *err)
{
    for (int i = 0; i < SYSTEM_COMPANIONS; i++) {
        const enum system_companion key = (enum system_companion)i;
        const char *path = system_file_companion(system, key);
        struct mu_buf *bytes = &companions->bytes[key];
        enum mu_status st = *path ? mu_file_read(path, bytes, err) : MU_OK;

        if (!*path)
            continue;
        if (st == MU_OK)
            st = kinds[key].check(path, bytes, system, arena, err);
        if (st != MU_OK)
            return mu_wrap(err, "'%s'", system_companion_keys[key]);
        companions->files[companions->count++] =
                (struct month_companion){key, ending_of(key, path), bytes};
    }
    return MU_OK;
}
