#include "app/diff_command.h"

#include "app/closed_option.h"
#include "diff/diff.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/stop.h"
#include "base/table.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <stdio.h>

enum { LINE_MAX_BYTES = 16 * 1024 * 1024 };

const struct mu_option diff_options[DIFF_OPTION_COUNT] = {
        {"store", MU_OPTION_TEXT, offsetof(struct diff_config, store), NULL, 0, 0,
         MU_OPTION_REQUIRED, "folder of the closed months"},
        {"from", MU_OPTION_TEXT, offsetof(struct diff_config, from), NULL, 0, 0, MU_OPTION_REQUIRED,
         "the earlier month: 2026-10, or one of its revisions: 2026-10-r1"},
        {"to", MU_OPTION_TEXT, offsetof(struct diff_config, to), NULL, 0, 0, MU_OPTION_REQUIRED,
         "the later month, or revision"},
        {"format", MU_OPTION_TEXT, offsetof(struct diff_config, format), "text", 0, 0, 0,
         "text, or json: an object with differences and sums"},
        {"limit", MU_OPTION_INT, offsetof(struct diff_config, limit), "1000", 0, INT32_MAX, 0,
         "lines that text prints; all are counted, and json has all"},
};

static const char *const line_columns[] = {
        "what",          "change",   "cause",  "unique_asset_identifier",
        "vulnerability", "severity", "before", "after"};
static const char *const sum_columns[] = {"what", "before", "added", "removed", "after"};
static const char *const cause_columns[] = {"what", "cause", "added", "removed", "changed"};

enum {
    LINE_COLUMNS = sizeof(line_columns) / sizeof(line_columns[0]),
    SUM_COLUMNS = sizeof(sum_columns) / sizeof(sum_columns[0]),
    CAUSE_COLUMNS = sizeof(cause_columns) / sizeof(cause_columns[0])
};

struct printing {
    enum mu_format format;
    size_t limit, count;
    struct mu_table *lines; /* text: the first ones */
    struct mu_buf text;     /* json: one line */
};

/* ---- lines ---- */

static enum mu_status print_json_line(struct printing *printing, const struct diff_line *line,
                                      struct mu_error *err)
{
    json_auto_t *object = json_pack(
            "{s:s, s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s?}", "what", diff_subjects[line->subject],
            "change", diff_changes[line->change], "cause", diff_causes[line->cause],
            "unique_asset_identifier", line->uai, "vulnerability", line->vulnerability, "severity",
            line->severity, "before", line->before, "after", line->after);
    enum mu_status st;

    if (!object)
        return mu_fail(err, MU_E_NOMEM, "a difference of %s", line->uai);
    mu_buf_reset(&printing->text);
    st = mu_json_print(object, &printing->text, err);
    if (st == MU_OK)
        (void)printf("%s%s", printing->count > 1 ? "," : "", printing->text.data);
    return st;
}

static enum mu_status print_line(void *opaque, const struct diff_line *line, struct mu_error *err)
{
    struct printing *printing = opaque;

    printing->count++;
    if (printing->format == MU_FORMAT_JSON)
        return print_json_line(printing, line, err);
    if (printing->count <= printing->limit)
        mu_table_row(printing->lines,
                     (const char *const[]){diff_subjects[line->subject], diff_changes[line->change],
                                           diff_causes[line->cause], line->uai, line->vulnerability,
                                           line->severity, line->before, line->after});
    return MU_OK;
}

/* ---- sums ---- */

static size_t sum_of(const struct diff_sums *sums, int subject, enum diff_change change)
{
    size_t sum = 0;

    for (int cause = 0; cause < DIFF_CAUSE_COUNT; cause++)
        sum += sums->counts[subject][change][cause];
    return sum;
}

static void add_numbers(struct mu_table *table, const char *first, const char *second,
                        const size_t *numbers, size_t count)
{
    char texts[4][MU_NUMBER_TEXT_SIZE];
    const char *cells[6] = {first, second};
    size_t cell = second ? 2 : 1;

    for (size_t i = 0; i < count; i++) {
        (void)mu_text_of_number((int64_t)numbers[i], texts[i]);
        cells[cell++] = texts[i];
    }
    mu_table_row(table, cells);
}

static void fill_sums(const struct diff_sums *sums, struct mu_table *totals,
                      struct mu_table *causes)
{
    for (int subject = 0; subject < DIFF_SUBJECT_COUNT; subject++) {
        const size_t total[] = {sums->before[subject], sum_of(sums, subject, DIFF_ADDED),
                                sum_of(sums, subject, DIFF_REMOVED), sums->after[subject]};

        add_numbers(totals, diff_subjects[subject], NULL, total, 4);
        for (int cause = 0; cause < DIFF_CAUSE_COUNT; cause++) {
            const size_t counts[] = {sums->counts[subject][DIFF_ADDED][cause],
                                     sums->counts[subject][DIFF_REMOVED][cause],
                                     sums->counts[subject][DIFF_CHANGED][cause]};

            if (counts[0] + counts[1] + counts[2] > 0)
                add_numbers(causes, diff_subjects[subject], diff_causes[cause], counts, 3);
        }
    }
}

static void print_text(const struct printing *printing, const struct mu_table *totals,
                       const struct mu_table *causes)
{
    mu_table_print(totals, MU_FORMAT_TEXT, 0, stdout);
    if (printing->count == 0) {
        (void)printf("\nThe months are equal.\n");
        return;
    }
    (void)printf("\n");
    mu_table_print(causes, MU_FORMAT_TEXT, 0, stdout);
    (void)printf("\n%zu differences%s\n", printing->count,
                 printing->count > printing->limit ? ", the first of them (--limit):" : "");
    mu_table_print(printing->lines, MU_FORMAT_TEXT, 0, stdout);
}

static void print_month(const char *name, const struct closed_month *month, enum mu_format format)
{
    char as_of[MU_TIME_TEXT_SIZE];
    const struct close_record *record = &month->close->record;

    mu_time_format(record->as_of_us, as_of);
    if (format == MU_FORMAT_JSON)
        (void)printf("\"%s\":{\"as_of\":\"%s\",\"month\":\"%s\",\"revision\":%lld,\"sha256\":"
                     "\"%s\"},",
                     name, as_of, record->month, (long long)record->revision, month->close->sha256);
    else
        (void)printf("%-4s %s revision %lld, as of %s\n", name, record->month,
                     (long long)record->revision, as_of);
}

static enum mu_status compare(const struct closed_month *from, const struct closed_month *to,
                              struct printing *printing, struct diff_sums *ret_sums,
                              struct mu_error *err)
{
    const struct diff_month before = {from->snapshot, closed_raw_scan_path, from};
    const struct diff_month after = {to->snapshot, closed_raw_scan_path, to};

    print_month("from", from, printing->format);
    print_month("to", to, printing->format);
    (void)printf(printing->format == MU_FORMAT_JSON ? "\"differences\":[" : "\n");
    return diff_months(&before, &after, print_line, printing, ret_sums, err);
}

static int print_diff(const struct closed_month *from, const struct closed_month *to,
                      struct printing *printing)
{
    MU_AUTO(table) struct mu_table *totals = mu_table_new(sum_columns, SUM_COLUMNS);
    MU_AUTO(table) struct mu_table *causes = mu_table_new(cause_columns, CAUSE_COLUMNS);
    struct diff_sums sums;
    struct mu_error err;
    enum mu_status st;

    if (printing->format == MU_FORMAT_JSON)
        (void)printf("{");
    st = compare(from, to, printing, &sums, &err);
    for (int subject = 0; st == MU_OK && subject < DIFF_SUBJECT_COUNT; subject++)
        if (!diff_reconciles(&sums, (enum diff_subject)subject))
            st = mu_fail(&err, MU_E_INTERNAL, "the sums of %ss do not reconcile",
                         diff_subjects[subject]);
    if (st != MU_OK) {
        (void)fprintf(stderr, "muster-report: %s\n", err.message);
        return closed_exit_code(st);
    }
    fill_sums(&sums, totals, causes);
    if (printing->format == MU_FORMAT_TEXT) {
        print_text(printing, totals, causes);
        return MU_EXIT_OK;
    }
    (void)printf("],\"sums\":");
    mu_table_print(totals, MU_FORMAT_JSON, 0, stdout);
    (void)printf(",\"causes\":");
    mu_table_print(causes, MU_FORMAT_JSON, 0, stdout);
    (void)printf("}\n");
    return MU_EXIT_OK;
}

int diff_command(void *config_struct, int argc, char **argv)
{
    const struct diff_config *config = config_struct;
    MU_AUTO(month_store) struct month_store *store = NULL;
    MU_AUTO(closed_month) struct closed_month *from = NULL;
    MU_AUTO(closed_month) struct closed_month *to = NULL;
    struct printing printing = {.limit = (size_t)config->limit,
                                .lines = mu_table_new(line_columns, LINE_COLUMNS)};
    struct mu_error err;
    enum mu_status st = mu_format_parse(config->format, &printing.format, &err);
    int code;

    (void)argv;
    if (st == MU_OK && argc > 0)
        st = mu_fail(&err, MU_E_INVALID, "diff takes options only");
    mu_stop_install();
    if (st == MU_OK)
        st = month_store_open(config->store, &store, &err);
    if (st == MU_OK)
        st = closed_option_load(store, "from", config->from, &from, &err);
    if (st == MU_OK)
        st = closed_option_load(store, "to", config->to, &to, &err);
    if (st != MU_OK)
        (void)fprintf(stderr, "muster-report: %s\n", err.message);
    mu_buf_init(&printing.text, LINE_MAX_BYTES);
    code = st == MU_OK ? print_diff(from, to, &printing) : closed_exit_code(st);
    mu_buf_done(&printing.text);
    mu_table_free(printing.lines);
    return code;
}
