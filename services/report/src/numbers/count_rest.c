#include "numbers/count.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* A step of a walk over a list of the snapshot. */
typedef enum mu_status row_fn(void *opaque, const void *row, struct mu_error *err);

static enum mu_status walk(const struct snapshot *snapshot, enum snapshot_list list, void *row,
                           row_fn *each, void *opaque, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    bool found = true;
    enum mu_status st = snapshot_list(snapshot, list, NULL, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, row, &found, err);
        if (st != MU_OK || !found)
            break;
        st = each(opaque, row, err);
    }
    return st;
}

static size_t coverage_of(const char *state)
{
    for (size_t i = 0; i < COVERAGE_COUNT; i++)
        if (mu_text_equal(coverage_names[i], state))
            return i;
    return COVERAGE_UNRESOLVED;
}

/* ---- coverage ---- */

static enum mu_status add_total(void *opaque, const void *row, struct mu_error *err)
{
    struct numbers *numbers = opaque;
    const struct total_row *total = row;

    (void)err;
    numbers->containers += total->containers;
    numbers->containers_in[coverage_of(total->state)] += total->containers;
    return MU_OK;
}

/* The window of 30 days since the last complete scan: Playbook, "Containers". */
enum { WINDOW_DAYS = 30 };

static enum mu_status add_image(void *opaque, const void *row, struct mu_error *err)
{
    struct numbers *numbers = opaque;
    const struct inventory_row *image = row;
    const size_t state = coverage_of(image->state);
    int64_t scanned_us;
    enum mu_status st = snapshot_time(image->scan_finished_at, &scanned_us, err);

    if (st != MU_OK)
        return st;
    numbers->images++;
    numbers->images_in[state]++;
    numbers->floating += image->floating;
    if (scanned_us == MU_TIME_NONE) {
        numbers->scan_age_unknown++;
        return MU_OK;
    }
    numbers->scan_ages[count_step(numbers->as_of_us - scanned_us, scan_age_days,
                                  SCAN_AGE_STEPS - 1)]++;
    if (state == COVERAGE_COVERED && scanned_us + WINDOW_DAYS * DAY_US <= numbers->next_us)
        numbers->window_ends++;
    return MU_OK;
}

/* ---- scans ---- */

enum { DIGEST_BYTES = 128, CHECKSUMS_MAX = 64 };

struct scans {
    struct numbers *numbers;
    const char *expected; /* checksum; "": none was stated */
    struct mu_arena *arena;
    char last[DIGEST_BYTES];
    const char *checksums[CHECKSUMS_MAX]; /* seen so far */
    size_t checksum_count;
};

/* RA-5(2) of the Rev5 baseline: within 24 hours before the scan. */
static enum mu_status judge_database(struct numbers *numbers, const struct inventory_row *row,
                                     struct mu_error *err)
{
    int64_t built_us, scanned_us;
    enum mu_status st = snapshot_time(row->database_built_at, &built_us, err);

    if (st == MU_OK)
        st = snapshot_time(row->scan_finished_at, &scanned_us, err);
    if (st != MU_OK)
        return st;
    if (built_us == MU_TIME_NONE || scanned_us == MU_TIME_NONE)
        numbers->database_time_unknown++;
    else if (scanned_us - built_us > DAY_US)
        numbers->databases_stale++;
    return MU_OK;
}

static void judge_configuration(struct scans *scans, const char *checksum)
{
    if (!checksum || !*checksum) {
        scans->numbers->configuration_unknown++;
        return;
    }
    if (*scans->expected && !mu_text_equal(checksum, scans->expected))
        scans->numbers->configuration_differs++;
    for (size_t i = 0; i < scans->checksum_count; i++)
        if (mu_text_equal(scans->checksums[i], checksum))
            return;
    if (scans->checksum_count < CHECKSUMS_MAX) {
        scans->checksums[scans->checksum_count] = mu_arena_strdup(scans->arena, checksum);
        scans->checksum_count += scans->checksums[scans->checksum_count] ? 1 : 0;
    }
}

/* Rows come by evidence: the first of each counts. */
static enum mu_status add_evidence(void *opaque, const void *row, struct mu_error *err)
{
    struct scans *scans = opaque;
    const struct inventory_row *image = row;

    if (strncmp(scans->last, image->evidence_digest, sizeof(scans->last) - 1) == 0)
        return MU_OK;
    (void)snprintf(scans->last, sizeof(scans->last), "%s", image->evidence_digest);
    scans->numbers->raw_scans++;
    judge_configuration(scans, image->configuration_checksum);
    return judge_database(scans->numbers, image, err);
}

static enum mu_status add_scan(void *opaque, const void *row, struct mu_error *err)
{
    struct numbers *numbers = opaque;
    const struct scan_row *scan = row;

    (void)err;
    if (mu_text_equal(scan->status, "failed")) /* it saw nothing; coverage and failures tell it */
        return MU_OK;
    numbers->authenticated += mu_text_equal(scan->authorized, "yes") ? 1 : 0;
    numbers->unauthenticated += mu_text_equal(scan->authorized, "no") ? 1 : 0;
    return MU_OK;
}

static enum mu_status count_scans(const struct numbers_request *request, struct mu_arena *arena,
                                  struct numbers *numbers, struct mu_error *err)
{
    struct scans *scans = mu_arena_alloc(arena, sizeof(*scans));
    struct inventory_row image;
    struct scan_row scan;
    enum mu_status st;

    if (!scans)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    *scans = (struct scans){.numbers = numbers,
                            .expected = request->system->configuration_checksum
                                                ? request->system->configuration_checksum
                                                : "",
                            .arena = arena};
    st = walk(request->snapshot, SNAPSHOT_LIST_EVIDENCE, &image, add_evidence, scans, err);
    if (st == MU_OK)
        st = walk(request->snapshot, SNAPSHOT_LIST_SCANS, &scan, add_scan, numbers, err);
    numbers->configurations = (int64_t)scans->checksum_count;
    if (!*scans->expected)
        numbers->configuration_differs = NUMBERS_UNKNOWN;
    numbers->authentication_unknown =
            numbers->raw_scans - numbers->authenticated - numbers->unauthenticated;
    numbers->unauthenticated_per_mille =
            numbers->authenticated + numbers->unauthenticated > 0
                    ? numbers->unauthenticated * 1000 /
                              (numbers->authenticated + numbers->unauthenticated)
                    : NUMBERS_UNKNOWN;
    return st;
}

/* ---- failures, deviations, what was closed ---- */

struct month {
    struct numbers *numbers;
    struct mu_arena *arena;
    int64_t begin_us;
    struct mu_buf item; /* the last one counted as closed */
};

static enum mu_status add_failure(void *opaque, const void *row, struct mu_error *err)
{
    const struct month *month = opaque;
    const struct failure_row *failure = row;
    int64_t opened_us;
    enum mu_status st = snapshot_time(failure->opened_at, &opened_us, err);

    if (st != MU_OK)
        return st;
    month->numbers->failures_open += failure->closed_at ? 0 : 1;
    month->numbers->failures_closed += failure->closed_at ? 1 : 0;
    month->numbers->failures_opened += opened_us >= month->begin_us ? 1 : 0;
    return MU_OK;
}

static enum mu_status add_kind(const struct month *month, const struct deviation_row *row,
                               struct mu_error *err)
{
    struct numbers *numbers = month->numbers;
    struct deviation_count *count;

    for (size_t i = 0; i < numbers->deviation_count; i++) {
        if (mu_text_equal(numbers->deviations[i].kind, row->kind) &&
            mu_text_equal(numbers->deviations[i].state, row->state)) {
            numbers->deviations[i].count++;
            return MU_OK;
        }
    }
    if (numbers->deviation_count == NUMBERS_MAX_DEVIATION_KINDS)
        return mu_fail(err, MU_E_LIMIT, "more than %d kinds and states of deviations",
                       NUMBERS_MAX_DEVIATION_KINDS);
    count = &numbers->deviations[numbers->deviation_count++];
    count->kind = mu_arena_strdup(month->arena, row->kind ? row->kind : "");
    count->state = mu_arena_strdup(month->arena, row->state ? row->state : "");
    count->count = 1;
    return count->kind && count->state ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");
}

/* A check-in with the vendor holds for 30 days: Playbook, "Vendor dependencies". */
static enum mu_status add_deviation(void *opaque, const void *row, struct mu_error *err)
{
    const struct month *month = opaque;
    struct numbers *numbers = month->numbers;
    const struct deviation_row *deviation = row;
    const bool approved = mu_text_equal(deviation->state, "approved");
    int64_t expires_us, seen_us;
    enum mu_status st = snapshot_time(deviation->expires_at, &expires_us, err);

    if (st == MU_OK)
        st = snapshot_time(deviation->checked_in_at ? deviation->checked_in_at
                                                    : deviation->decided_at,
                           &seen_us, err);
    if (st != MU_OK)
        return st;
    numbers->deviations_pending += mu_text_equal(deviation->state, "pending") ? 1 : 0;
    numbers->deviations_approved += approved ? 1 : 0;
    if (approved && expires_us != MU_TIME_NONE && expires_us <= numbers->next_us)
        numbers->deviations_expiring++;
    if (approved && mu_text_equal(deviation->kind, "vendor_dependency") &&
        !deviation->released_at && seen_us != MU_TIME_NONE &&
        seen_us + WINDOW_DAYS * DAY_US <= numbers->next_us)
        numbers->check_ins_due++;
    return add_kind(month, deviation, err);
}

static enum mu_status add_closed(void *opaque, const void *row, struct mu_error *err)
{
    struct month *month = opaque;
    const struct closed_finding_row *closed = row;
    int64_t closed_us;
    enum mu_status st = snapshot_time(closed->item_closed_at, &closed_us, err);

    if (st != MU_OK || closed_us == MU_TIME_NONE || closed_us < month->begin_us ||
        mu_text_equal(month->item.data, closed->item))
        return st;
    mu_buf_reset(&month->item);
    mu_buf_puts(&month->item, closed->item);
    month->numbers->closed_items++;
    return mu_buf_status(&month->item, "an item's number", err);
}

static int by_kind(const void *a, const void *b)
{
    const struct deviation_count *one = a, *other = b;
    const int order = strcmp(one->kind, other->kind);

    return order ? order : strcmp(one->state, other->state);
}

static enum mu_status count_month(const struct snapshot *snapshot, struct month *month,
                                  struct mu_error *err)
{
    struct failure_row failure;
    struct deviation_row deviation;
    struct closed_finding_row closed;
    enum mu_status st = walk(snapshot, SNAPSHOT_LIST_FAILURES, &failure, add_failure, month, err);

    if (st == MU_OK)
        st = walk(snapshot, SNAPSHOT_LIST_DEVIATIONS, &deviation, add_deviation, month, err);
    if (st == MU_OK)
        st = walk(snapshot, SNAPSHOT_LIST_CLOSED, &closed, add_closed, month, err);
    qsort(month->numbers->deviations, month->numbers->deviation_count,
          sizeof(month->numbers->deviations[0]), by_kind);
    return st;
}

enum mu_status count_rest(const struct numbers_request *request, struct mu_arena *arena,
                          struct numbers *numbers, struct mu_error *err)
{
    enum { ITEM_MAX_BYTES = 64 * 1024 };
    struct month month = {.numbers = numbers,
                          .arena = arena,
                          .begin_us = snapshot_instants(request->snapshot)->month_begin_us};
    struct total_row total;
    struct inventory_row image;
    enum mu_status st =
            walk(request->snapshot, SNAPSHOT_LIST_TOTALS, &total, add_total, numbers, err);

    if (st == MU_OK)
        st = walk(request->snapshot, SNAPSHOT_LIST_INVENTORY, &image, add_image, numbers, err);
    if (st == MU_OK)
        st = count_scans(request, arena, numbers, err);
    mu_buf_init(&month.item, ITEM_MAX_BYTES);
    if (st == MU_OK)
        st = count_month(request->snapshot, &month, err);
    mu_buf_done(&month.item);
    return st;
}
