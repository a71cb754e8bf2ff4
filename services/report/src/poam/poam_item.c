#include "poam/poam_item.h"

#include "items/rating.h"
#include "poam/lines.h"
#include "poam/rating.h"
#include "workbook/form.h"
#include "workbook/told.h"

#include "base/buf.h"
#include "base/text.h"

#include <string.h>

enum { NAME_MAX_BYTES = 255, TEXT_MAX_BYTES = 8000, COMMENT_MAX_BYTES = 32 * 1024, DAY_BYTES = 10 };

static const char scan_controls[] = "RA-5, SI-2";
static const char default_scanner[] = "muster-scanner";

/* What the rows of an item say together. */
struct gathered {
    struct lines packages, fixes, reported;
    const char *severity, *effective, *status_day, *due_at, *due_by;
    bool late, is_public, is_internal;
    struct lines deviations, pending, rationale, documents, notes;
    const char *adjusted, *product, *checked_in;
    bool approved[ITEM_ANSWERS], asked[ITEM_ANSWERS];
    bool vendor;
};

static enum mu_status no_room(const char *id, struct mu_error *err)
{
    return mu_fail(err, MU_E_LIMIT, "item '%.200s' has longer texts than its forms hold", id);
}

/* Times are RFC 3339 in UTC: they compare as texts. */
static const char *later(const char *a, const char *b)
{
    return !a || (b && strcmp(b, a) > 0) ? b : a;
}

static const char *earlier(const char *a, const char *b)
{
    return !a || (b && strcmp(b, a) < 0) ? b : a;
}

static const char *keep(const char *text, struct mu_arena *arena)
{
    return text ? mu_arena_strdup(arena, text) : NULL;
}

/* ---- rows of one item ---- */

static void gather_row(struct gathered *all, const struct finding_row *row, struct mu_arena *arena)
{
    lines_add(&all->packages, row->packages, arena);
    lines_add(&all->fixes, row->fixed_versions, arena);
    lines_add(&all->reported, row->reported_as, arena);
    lines_add(&all->deviations, row->deviations, arena);
    lines_add(&all->pending, row->pending, arena);
    if (!all->severity || rating_of(row->severity) < rating_of(all->severity))
        all->severity = keep(row->severity, arena);
    if (!all->effective || rating_of(row->effective_severity) < rating_of(all->effective))
        all->effective = keep(row->effective_severity, arena);
    if (later(all->status_day, row->detected_at) != all->status_day)
        all->status_day = keep(row->detected_at, arena);
    if (earlier(all->due_at, row->due_at) != all->due_at) {
        all->due_at = keep(row->due_at, arena);
        all->due_by = keep(row->due_by, arena);
    }
    all->late |= mu_text_equal(row->status, "late");
    all->is_public |= mu_text_equal(row->is_public, "yes");
    all->is_internal |= mu_text_equal(row->is_public, "no");
}

static enum mu_status gather_rows(const struct snapshot *snapshot, const char *item,
                                  struct mu_arena *arena, struct gathered *all,
                                  struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct finding_row row;
    bool found = true;
    enum mu_status st = snapshot_list(snapshot, SNAPSHOT_LIST_FINDINGS_OF_ITEM, item, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        gather_row(all, &row, arena);
    }
    return st;
}

/* ---- deviations ---- */

static int answer_of(const char *kind)
{
    static const char *const kinds[ITEM_ANSWERS] = {[ITEM_RISK_ADJUSTMENT] = "risk_adjustment",
                                                    [ITEM_FALSE_POSITIVE] = "false_positive",
                                                    [ITEM_OPERATIONAL] = "operational_requirement"};

    for (int i = 0; i < ITEM_ANSWERS; i++)
        if (mu_text_equal(kinds[i], kind))
            return i;
    return ITEM_ANSWERS;
}

static void gather_vendor(struct gathered *all, const struct deviation_row *row, bool approved,
                          struct mu_arena *arena)
{
    all->vendor = true;
    all->checked_in = later(all->checked_in, keep(row->checked_in_at, arena));
    if (!all->product)
        all->product = told_line(row->package, NAME_MAX_BYTES, arena);
    if (row->released_at)
        lines_add(&all->notes,
                  mu_arena_printf(arena, "Vendor release date: %.*s.", DAY_BYTES, row->released_at),
                  arena);
    if (!approved)
        lines_add(&all->notes,
                  mu_arena_printf(arena, "Vendor dependency %s is not confirmed yet.",
                                  row->deviation),
                  arena);
}

static void gather_deviation(struct gathered *all, const struct deviation_row *row,
                             struct mu_arena *arena)
{
    bool approved = mu_text_equal(row->state, "approved");
    int answer = answer_of(row->kind);

    if (answer < ITEM_ANSWERS && approved)
        all->approved[answer] = true;
    else if (answer < ITEM_ANSWERS)
        all->asked[answer] = true;
    if (answer == ITEM_RISK_ADJUSTMENT && !approved && !all->adjusted)
        all->adjusted = poam_rating_of(row->adjusted_severity);
    if (mu_text_equal(row->kind, "vendor_dependency"))
        gather_vendor(all, row, approved, arena);
    if (mu_text_equal(row->kind, "accepted"))
        lines_add(
                &all->notes,
                mu_arena_printf(arena, "Declared an accepted vulnerability (%s).", row->deviation),
                arena);
    lines_add(&all->rationale,
              row->rationale ? mu_arena_printf(arena, "%s: %s", row->deviation,
                                               told_line(row->rationale, TEXT_MAX_BYTES, arena))
                             : NULL,
              arena);
    lines_add(&all->documents, row->evidence, arena);
    lines_add(&all->documents, row->decision_evidence, arena);
    all->status_day = later(all->status_day, keep(row->requested_at, arena));
    all->status_day = later(all->status_day, keep(row->decided_at, arena));
    all->status_day = later(all->status_day, keep(row->checked_in_at, arena));
}

static enum mu_status gather_deviations(const struct snapshot *snapshot, struct mu_arena *arena,
                                        struct gathered *all, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < all->deviations.count; i++) {
        MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
        struct deviation_row row;
        bool found = false;

        st = snapshot_list(snapshot, SNAPSHOT_LIST_DEVIATION, all->deviations.line[i], &cursor,
                           err);
        if (st == MU_OK)
            st = snapshot_next(cursor, &row, &found, err);
        if (st == MU_OK && found)
            gather_deviation(all, &row, arena);
    }
    for (size_t i = 0; i < all->pending.count; i++)
        if (answer_of(all->pending.line[i]) < ITEM_ANSWERS)
            all->asked[answer_of(all->pending.line[i])] = true;
    return st;
}

static const char *answer(const struct gathered *all, enum item_answer which)
{
    return all->approved[which] ? "Yes" : all->asked[which] ? "Pending" : "No";
}

/* ---- texts ---- */

/* Name and description as raw scans have them. */
static enum mu_status describe(const struct snapshot *snapshot, const char *vulnerability,
                               const struct gathered *all, struct mu_arena *arena,
                               struct poam_item *item, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct description_row row = {0};
    struct lines references = {.count = 0};
    const char *packages = lines_join(&all->packages, "; ", arena);
    bool found = false;
    enum mu_status st =
            snapshot_list(snapshot, SNAPSHOT_LIST_DESCRIPTION_OF, vulnerability, &cursor, err);

    if (st == MU_OK)
        st = snapshot_next(cursor, &row, &found, err);
    if (st != MU_OK)
        return st;
    if (!found)
        row = (struct description_row){0};
    lines_add(&references, row.references, arena);
    item->name = told_is(row.summary)
                         ? told_line(row.summary, NAME_MAX_BYTES, arena)
                         : mu_arena_printf(arena, "%s%s%s", vulnerability, packages ? " in " : "",
                                           packages ? packages : "");
    item->name = told_line(item->name, NAME_MAX_BYTES, arena);
    item->description = mu_arena_printf(
            arena, "%s%s%s%s%s%s%s",
            told_is(row.summary) ? told_text(row.summary, TEXT_MAX_BYTES, arena) : vulnerability,
            packages ? "\nFound in: " : "", packages ? packages : "",
            told_is(row.advisory) ? "\nAdvisory: " : "",
            told_is(row.advisory) ? told_line(row.advisory, NAME_MAX_BYTES, arena) : "",
            references.count > 0 ? "\n" : "",
            references.count > 0 ? lines_join(&references, "\n", arena) : "");
    return item->name && item->description ? MU_OK : no_room(vulnerability, err);
}

static const char *plan_of(const struct gathered *all, const struct poam_item *item,
                           struct mu_arena *arena)
{
    const char *what =
            item->fix
                    ? mu_arena_printf(arena, "Rebuild the images with %s and redeploy.", item->fix)
            : all->vendor ? "Wait for the vendor's fix, then rebuild the images and redeploy."
                          : "No fixed version is known yet: rebuild the images and redeploy "
                            "once there is one.";

    if (!all->due_at)
        return what;
    return mu_arena_printf(arena, "%s %s %.*s.", what, all->late ? "Late since" : "Planned until",
                           DAY_BYTES, all->due_at);
}

static void comment_rating(const struct finding_row *row, const struct gathered *all,
                           struct mu_buf *out)
{
    const char *source = mu_text_equal(row->severity_source, "nvd_cvss3")   ? "NVD, CVSS v3"
                         : mu_text_equal(row->severity_source, "nvd_cvss2") ? "NVD, CVSS v2"
                                                                            : "the scanner";

    if (mu_text_equal(all->severity, "critical"))
        mu_buf_printf(out, "Rated Critical by %s; the list of ratings ends with High.\n", source);
    else if (mu_text_equal(all->severity, "unknown"))
        mu_buf_puts(out, "No source rates it: it counts as High until one does.\n");
    else if (!mu_text_equal(row->severity_source, "nvd_cvss3"))
        mu_buf_printf(out, "Rated by %s: NVD has no CVSS v3 score.\n", source);
    if (mu_text_equal(all->effective, "critical") && !mu_text_equal(all->severity, "critical"))
        mu_buf_puts(out, "Adjusted to Critical; the list of ratings ends with High.\n");
}

static void comment_dates(const struct gathered *all, struct mu_buf *out)
{
    if (all->due_at && mu_text_equal(all->due_by, "kev"))
        mu_buf_printf(out, "The date of CISA's catalog goes first: due before %.*s.\n", DAY_BYTES,
                      all->due_at);
    if (all->due_at && mu_text_equal(all->due_by, "vendor_check_in"))
        mu_buf_printf(out, "The next check-in with the vendor is due before %.*s.\n", DAY_BYTES,
                      all->due_at);
}

static const char *comments_of(const struct finding_row *row, const struct gathered *all,
                               struct mu_arena *arena)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    const char *notes = lines_join(&all->notes, "\n", arena);

    mu_buf_init(&text, COMMENT_MAX_BYTES);
    comment_rating(row, all, &text);
    comment_dates(all, &text);
    if (notes)
        mu_buf_printf(&text, "%s\n", notes);
    if (all->reported.count > 1)
        mu_buf_printf(&text, "Reported as: %s.\n", lines_join(&all->reported, ", ", arena));
    if (text.len == 0)
        return NULL;
    return mu_arena_strndup(arena, text.data, text.len - 1);
}

/* Rationale of risk adjustments and operational requirements with the facing that the form asks
 * for. */
static const char *rationale_of(const struct gathered *all, struct mu_arena *arena)
{
    const char *rationale = lines_join(&all->rationale, "\n", arena);
    const char *facing = all->is_public     ? "Externally facing."
                         : all->is_internal ? "Internally facing."
                                            : NULL;

    if (!rationale)
        return NULL;
    return mu_arena_printf(arena, "%s%s%s", rationale, facing ? "\n" : "", facing ? facing : "");
}

static const char *cves_of(const char *vulnerability, const struct lines *reported,
                           struct mu_arena *arena)
{
    struct lines cves = {.count = 0};

    if (mu_text_starts(vulnerability, "CVE-"))
        lines_add(&cves, vulnerability, arena);
    for (size_t i = 0; i < reported->count; i++)
        if (mu_text_starts(reported->line[i], "CVE-"))
            lines_add(&cves, reported->line[i], arena);
    return lines_join(&cves, "\n", arena);
}

/* ---- items ---- */

static void fill_judgement(const struct gathered *all, struct mu_arena *arena,
                           struct poam_item *item)
{
    item->original = poam_rating_of(all->severity);
    if (all->approved[ITEM_RISK_ADJUSTMENT])
        item->adjusted = poam_rating_of(all->effective);
    else
        item->adjusted = all->adjusted;
    for (int i = 0; i < ITEM_ANSWERS; i++)
        item->answers[i] = answer(all, (enum item_answer)i);
    item->is_false_positive = all->approved[ITEM_FALSE_POSITIVE];
    item->is_vendor_dependency = all->vendor;
    item->product = all->product              ? all->product
                    : all->packages.count > 0 ? all->packages.line[0]
                                              : "not named";
    item->checked_in = all->vendor ? form_day(all->checked_in) : 0;
    item->is_late = all->late;
    item->has_deviation = all->deviations.count > 0 || all->pending.count > 0;
    for (size_t i = 0; i < all->deviations.count && i < POAM_ITEM_MAX_DEVIATIONS; i++)
        item->deviations[item->deviation_count++] = all->deviations.line[i];
    item->rationale = rationale_of(all, arena);
    item->documents = lines_join(&all->documents, "\n", arena);
}

enum mu_status poam_item_of_finding(const struct snapshot *snapshot, const struct finding_row *row,
                                    struct mu_arena *arena, struct poam_item *ret_item,
                                    struct mu_error *err)
{
    struct gathered *all = mu_arena_alloc(arena, sizeof(*all));
    struct poam_item item = {.controls = scan_controls};
    enum mu_status st =
            all ? gather_rows(snapshot, row->item, arena, all, err) : no_room(row->item, err);

    if (st == MU_OK)
        st = gather_deviations(snapshot, arena, all, err);
    if (st == MU_OK)
        st = describe(snapshot, row->vulnerability, all, arena, &item, err);
    if (st != MU_OK)
        return st;
    item.id = keep(row->item, arena);
    item.detector = keep(row->scanner_name ? row->scanner_name : default_scanner, arena);
    item.source_id =
            keep(all->reported.count > 0 ? all->reported.line[0] : row->vulnerability, arena);
    item.cvss = keep(row->cvss, arena);
    item.cves = cves_of(row->vulnerability, &all->reported, arena);
    item.fix = lines_join(&all->fixes, "; ", arena);
    item.detected = form_day(row->item_detected_at);
    item.is_kev = row->kev_added != NULL;
    item.kev_due = form_day(row->kev_due);
    fill_judgement(all, arena, &item);
    item.status_day = form_day(all->status_day);
    item.plan = plan_of(all, &item, arena);
    item.comments = comments_of(row, all, arena);
    if (!item.id || !item.detector || !item.source_id || !item.plan)
        return no_room(row->item, err);
    *ret_item = item;
    return MU_OK;
}

enum mu_status poam_item_of_closed(const struct snapshot *snapshot,
                                   const struct closed_finding_row *row, struct mu_arena *arena,
                                   struct poam_item *ret_item, struct mu_error *err)
{
    const struct gathered nothing = {.severity = NULL};
    const struct lines none = {.count = 0};
    struct poam_item item = {.controls = scan_controls,
                             .detector = default_scanner,
                             .answers = {"No", "No", "No"},
                             .product = NULL};
    enum mu_status st = describe(snapshot, row->vulnerability, &nothing, arena, &item, err);

    if (st != MU_OK)
        return st;
    item.id = keep(row->item, arena);
    item.source_id = keep(row->vulnerability, arena);
    item.original = poam_rating_of(row->severity);
    item.cvss = keep(row->cvss, arena);
    item.cves = cves_of(row->vulnerability, &none, arena);
    item.detected = form_day(row->item_detected_at);
    item.status_day = form_day(row->item_closed_at);
    item.is_late = poam_item_due(&item) > 0 && item.status_day > poam_item_due(&item);
    item.plan = mu_arena_printf(arena, "Closed %.*s: %s.", DAY_BYTES, row->item_closed_at,
                                mu_text_equal(row->closed_by, "gone")
                                        ? "no container of the affected images runs any more"
                                        : "no scan of the running images reports it any more");
    item.comments = mu_text_equal(row->severity, "critical")
                            ? "Rated Critical; the list of ratings ends with High."
                            : NULL;
    if (!item.id || !item.source_id || !item.plan)
        return no_room(row->item, err);
    *ret_item = item;
    return MU_OK;
}

double poam_item_due(const struct poam_item *item)
{
    bool adjusted = item->adjusted && mu_text_equal(item->answers[ITEM_RISK_ADJUSTMENT], "Yes");
    int days = form_rating_days(adjusted ? item->adjusted : item->original);

    return days > 0 && item->detected > 0 ? item->detected + days : 0;
}
