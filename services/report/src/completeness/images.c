/* Containers, images, their scans and the rows they become. */
#include "completeness/state.h"

#include "bundle/assets.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { SUBJECT_SIZE = 1024, DATABASE_MAX_HOURS = 24, SCAN_MAX_DAYS = 30, CELLS_BYTES = 1 << 24 };

/* ---- containers ---- */

static void name_container(const struct instance_row *row, char ret_name[SUBJECT_SIZE])
{
    (void)snprintf(ret_name, SUBJECT_SIZE, "%s/%s/%s/%s", row->cluster ? row->cluster : "-",
                   row->namespace_name ? row->namespace_name : "-", row->pod ? row->pod : "-",
                   row->container ? row->container : "-");
}

/* A container has a row for each manifest behind it, one behind the other. */
struct containers {
    char before[SUBJECT_SIZE]; /* the last one complained of */
};

static void check_container(struct completeness *state, struct containers *seen,
                            const struct instance_row *row)
{
    const bool excluded = mu_text_equal(row->state, "excluded");
    char name[SUBJECT_SIZE];

    if (mu_text_equal(row->state, "covered"))
        return;
    name_container(row, name);
    if (mu_text_equal(name, seen->before))
        return;
    complain(state, excluded ? CHECK_EXCLUDED : CHECK_NOT_COVERED, name, "%s of %s: %s",
             row->state ? row->state : "no state", row->uai ? row->uai : "an unknown image",
             row->reason ? row->reason : "no reason recorded");
    memcpy(seen->before, name, sizeof(name));
}

static enum mu_status check_containers(struct completeness *state, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct containers seen = {""};
    struct instance_row row;
    bool found = true;
    size_t count = 0;
    enum mu_status st = snapshot_list(state->snapshot, SNAPSHOT_LIST_INSTANCES, NULL, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        check_container(state, &seen, &row);
        count++;
    }
    if (st == MU_OK && count == 0)
        complain(state, CHECK_NO_CONTAINERS, state->system->name, "the workbook would be empty");
    return st;
}

/* ---- scans ---- */

/* When the scan began; where the raw scan does not say, when it ended. */
static enum mu_status scan_began(const struct completeness *state, const struct inventory_row *row,
                                 int64_t *ret_at_us, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct scan_row scan;
    bool found = false;
    enum mu_status st = snapshot_list(state->snapshot, SNAPSHOT_LIST_SCAN_OF, row->evidence_digest,
                                      &cursor, err);

    if (st == MU_OK)
        st = snapshot_next(cursor, &scan, &found, err);
    if (st == MU_OK)
        *ret_at_us = time_of(found && scan.started_at ? scan.started_at : row->scan_finished_at);
    return st;
}

static enum mu_status check_database(struct completeness *state, const struct inventory_row *row,
                                     struct mu_error *err)
{
    const int64_t built_us = time_of(row->database_built_at);
    int64_t began_us = MU_TIME_NONE;
    enum mu_status st = scan_began(state, row, &began_us, err);

    if (st != MU_OK)
        return st;
    if (built_us == MU_TIME_NONE)
        complain(state, CHECK_DATABASE, row->uai, "%s: the age of its database is not known",
                 row->evidence_digest);
    else if (began_us != MU_TIME_NONE && began_us - built_us > DATABASE_MAX_HOURS * HOUR_US)
        complain(state, CHECK_DATABASE, row->uai, "%s: its database was %lld hours old",
                 row->evidence_digest, (long long)((began_us - built_us + HOUR_US - 1) / HOUR_US));
    return MU_OK;
}

static void check_configuration(struct completeness *state, const struct inventory_row *row)
{
    const char *validated = state->system->configuration_checksum;

    if (*validated && !mu_text_equal(row->configuration_checksum, validated))
        complain(state, CHECK_CONFIGURATION, row->uai, "%s: configuration %s", row->evidence_digest,
                 row->configuration_checksum ? row->configuration_checksum : "not known");
}

static void check_age(struct completeness *state, const struct inventory_row *row)
{
    const int64_t as_of_us = snapshot_instants(state->snapshot)->as_of_us;
    const int64_t finished_us = time_of(row->scan_finished_at);
    const char *digest = row->manifest_digest ? row->manifest_digest : row->reported_digest;

    if (mu_text_equal(row->state, "excluded"))
        return;
    if (!row->evidence_digest)
        complain(state, CHECK_NO_SCAN, row->uai, "%s has no complete scan",
                 digest ? digest : "an unknown digest");
    else if (mu_text_equal(row->state, "scan_expired") ||
             (finished_us != MU_TIME_NONE && as_of_us - finished_us > SCAN_MAX_DAYS * DAY_US))
        complain(state, CHECK_NO_SCAN, row->uai, "%s: last complete scan of %s",
                 digest ? digest : "an unknown digest",
                 row->scan_finished_at ? row->scan_finished_at : "an unknown time");
}

static enum mu_status check_image(struct completeness *state, const void *row_,
                                  struct mu_error *err)
{
    const struct inventory_row *row = row_;

    check_age(state, row);
    if (!row->manifest_digest)
        complain(state, CHECK_UNRESOLVED, row->uai, "the runtime reported %s",
                 row->reported_digest ? row->reported_digest : "no digest");
    if (row->floating)
        complain(state, CHECK_FLOATING, row->uai, "the tag names different images in time");
    if (!row->evidence_digest)
        return MU_OK;
    check_configuration(state, row);
    return check_database(state, row, err);
}

/* ---- the share of scans without credentials ---- */

static enum mu_status count_unauthenticated(struct completeness *state, size_t *ret_none,
                                            size_t *ret_all, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct scan_row row;
    bool found = true;
    enum mu_status st = snapshot_list(state->snapshot, SNAPSHOT_LIST_SCANS, NULL, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        if (mu_text_equal(row.status, "failed")) /* it saw nothing: another check's */
            continue;
        (*ret_all)++;
        *ret_none += mu_text_equal(row.authorized, "no") ? 1 : 0;
    }
    return st;
}

static enum mu_status name_unauthenticated(struct completeness *state, const void *row_,
                                           struct mu_error *err)
{
    const struct inventory_row *row = row_;
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct scan_row scan;
    bool found = false;
    enum mu_status st;

    if (!row->evidence_digest)
        return MU_OK;
    st = snapshot_list(state->snapshot, SNAPSHOT_LIST_SCAN_OF, row->evidence_digest, &cursor, err);
    if (st == MU_OK)
        st = snapshot_next(cursor, &scan, &found, err);
    if (st == MU_OK && found && mu_text_equal(scan.authorized, "no") &&
        !mu_text_equal(scan.status, "failed"))
        complain(state, CHECK_SOME_UNAUTHENTICATED, row->uai, "%s: %s", row->evidence_digest,
                 scan.authentication ? scan.authentication : "no authentication");
    return st;
}

static enum mu_status check_authentication(struct completeness *state, struct mu_error *err)
{
    enum { PERCENT_MAX = 10, HUNDRED = 100 };
    struct inventory_row row;
    size_t none = 0, all = 0;
    enum mu_status st = count_unauthenticated(state, &none, &all, err);

    if (st != MU_OK || none == 0)
        return st;
    if (none * HUNDRED >= all * PERCENT_MAX)
        complain(state, CHECK_UNAUTHENTICATED, state->system->name, "%zu of %zu raw scans", none,
                 all);
    return completeness_each(state, SNAPSHOT_LIST_INVENTORY, &row, name_unauthenticated, err);
}

/* ---- rows of the workbook ---- */

static bool says_nothing(const char *cell)
{
    return !cell || !cell[strspn(cell, " \t\r\n")] || strcasecmp(cell, "n/a") == 0 ||
           strcasecmp(cell, "na") == 0;
}

static void check_cells(struct completeness *state, const struct asset *asset,
                        const struct inventory_workbook_row *row)
{
    const char *uai = asset->rows[0].uai;
    /* Mandatory for containers; vendor and software by our own rule: every image has some. */
    static const enum workbook_column mandatory[] = {
            COLUMN_UAI,      COLUMN_ADDRESS,        COLUMN_VIRTUAL,  COLUMN_PUBLIC,
            COLUMN_BASELINE, COLUMN_AUTHENTICATED,  COLUMN_OS,       COLUMN_ASSET_TYPE,
            COLUMN_VENDOR,   COLUMN_IN_LATEST_SCAN, COLUMN_SOFTWARE, COLUMN_DIAGRAM_LABEL,
            COLUMN_FUNCTION};
    const bool gone = asset_baseline_is_gone(asset);

    if (gone)
        complain(state, CHECK_BASELINE, uai, "%.900s", asset->rows[0].hardening);

    for (size_t i = 0; i < sizeof(mandatory) / sizeof(mandatory[0]); i++)
        if (says_nothing(row->cells[mandatory[i]]) && !(gone && mandatory[i] == COLUMN_BASELINE))
            complain(state, CHECK_COLUMN, uai, "'%s' is blank",
                     inventory_workbook_header(mandatory[i]));
    if (mu_text_equal(state->system->impact_level, "High") &&
        says_nothing(row->cells[COLUMN_SYSTEM_ADMINISTRATOR]))
        complain(state, CHECK_COLUMN, uai, "'%s' is blank",
                 inventory_workbook_header(COLUMN_SYSTEM_ADMINISTRATOR));
}

static void check_asset(struct completeness *state, const struct asset *asset,
                        struct mu_arena *cells)
{
    struct inventory_workbook_row row;
    struct mu_error err;

    mu_arena_reset(cells);
    if (asset_to_row(asset, state->system, cells, &row, &err) == MU_OK)
        check_cells(state, asset, &row);
    else
        complain(state, CHECK_COLUMN, asset->rows[0].uai, "it cannot be a row: %.400s",
                 err.message);
}

static enum mu_status check_rows(struct completeness *state, struct mu_error *err)
{
    MU_AUTO(asset_reader) struct asset_reader *reader = NULL;
    MU_AUTO(arena) struct mu_arena *cells = mu_arena_new(CELLS_BYTES);
    struct asset asset;
    bool found = true;
    enum mu_status st = asset_reader_open(state->snapshot, &reader, err);

    while (st == MU_OK) {
        st = asset_next(reader, &asset, &found, err);
        if (st != MU_OK || !found)
            break;
        check_asset(state, &asset, cells);
    }
    return st;
}

static enum mu_status check_twin(struct completeness *state, const void *row_, struct mu_error *err)
{
    const struct inventory_row *row = row_;

    (void)err;
    complain(state, CHECK_TWINS, row->uai, "of repository %s; another asset has the same name",
             row->repository ? row->repository : "unknown");
    return MU_OK;
}

enum mu_status completeness_images(struct completeness *state, struct mu_error *err)
{
    struct inventory_row row;
    enum mu_status st = check_containers(state, err);

    if (st == MU_OK)
        st = completeness_each(state, SNAPSHOT_LIST_INVENTORY, &row, check_image, err);
    if (st == MU_OK)
        st = check_authentication(state, err);
    if (st == MU_OK)
        st = check_rows(state, err);
    return st == MU_OK ? completeness_each(state, SNAPSHOT_LIST_TWINS, &row, check_twin, err) : st;
}
