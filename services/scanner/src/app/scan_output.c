#include "app/scan_output.h"

#include "base/table.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COLUMN_COUNT = 5 };

struct scan_format {
    const char *name;
    enum mu_status (*print)(const struct mu_scan_result *result, const struct raw_file *file,
                            struct mu_error *err);
    scan_sbom_fn *sbom;
};

static enum mu_status print_raw(const struct mu_scan_result *result, const struct raw_file *file,
                                struct mu_error *err)
{
    char bytes[64 * 1024];
    ssize_t len;
    off_t at = 0;

    (void)result;
    while ((len = pread(file->fd, bytes, sizeof(bytes), at)) > 0) {
        if (fwrite(bytes, 1, (size_t)len, stdout) != (size_t)len)
            return mu_fail(err, MU_E_UNAVAILABLE, "cannot write");
        at += len;
    }
    return MU_OK;
}

static enum mu_status raw_parse(const struct raw_file *file, json_t **ret_root,
                                struct mu_error *err)
{
    static const struct mu_json_limits limits = {256 * 1024 * 1024, 16};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    char bytes[64 * 1024];
    ssize_t len;

    mu_buf_init(&text, limits.max_bytes);
    for (off_t at = 0; (len = pread(file->fd, bytes, sizeof(bytes), at)) > 0; at += len)
        mu_buf_append(&text, bytes, (size_t)len);
    return mu_json_parse(text.data, text.len, &limits, ret_root, err);
}

static void add_rows(struct mu_table *table, const json_t *findings, const char *severity)
{
    static const char *const members[COLUMN_COUNT] = {"severity", "id", "package",
                                                      "package_version", "fixed_version"};
    const json_t *finding;
    size_t index;

    json_array_foreach (findings, index, finding) {
        const char *cells[COLUMN_COUNT];

        if (!mu_text_equal(mu_json_text_at(finding, "severity"), severity))
            continue;
        for (size_t i = 0; i < COLUMN_COUNT; i++)
            cells[i] = mu_json_text_at(finding, members[i]);
        mu_table_row(table, cells);
    }
}

/* What does not count: each that a VEX statement took out, with what was said, by whom and when. */
static void print_stated(const json_t *suppressed)
{
    static const char *const columns[] = {"vulnerability", "package", "version", "statement",
                                          "reason",        "who",     "when"};
    static const char *const members[] = {"id",           "package",           "package_version",
                                          "vex.status",   "vex.justification", "vex.author",
                                          "vex.stated_at"};
    enum { STATED_COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, STATED_COLUMNS);
    const json_t *finding;
    size_t index;

    json_array_foreach (suppressed, index, finding) {
        const char *cells[STATED_COLUMNS];

        if (!mu_text_equal(mu_json_text_at(finding, "suppressed_reason"), "vex"))
            continue;
        for (size_t i = 0; i < STATED_COLUMNS; i++)
            cells[i] = mu_json_text_at(finding, members[i]);
        if (!cells[4])
            cells[4] = mu_json_text_at(finding, "vex.detail");
        mu_table_row(table, cells);
    }
    if (mu_table_row_count(table) == 0)
        return;
    (void)printf("\nnot counted, by what was stated (VEX):\n");
    mu_table_print(table, MU_FORMAT_TEXT, 0, stdout);
    (void)printf("\n");
}

/* The rest of it in one line: "suppressed: 12 unimportant, 3 owned_by". */
static void print_suppressed(const json_t *suppressed)
{
    json_auto_t *counts = json_object();
    const json_t *finding;
    const char *reason;
    json_t *count;
    size_t index;
    bool first = true;

    json_array_foreach (suppressed, index, finding) {
        reason = mu_json_text_at(finding, "suppressed_reason");
        if (reason)
            (void)json_object_set_new(
                    counts, reason,
                    json_integer(json_integer_value(json_object_get(counts, reason)) + 1));
    }
    json_object_foreach (counts, reason, count) {
        (void)printf("%s%lld %s", first ? "suppressed: " : ", ",
                     (long long)json_integer_value(count), reason);
        first = false;
    }
    if (!first)
        (void)printf("\n");
}

static void print_summary(const struct mu_scan_result *result)
{
    const struct mu_scan_counts *counts = &result->counts;

    (void)printf("%s@%s (%s, %s)\n", result->repository, result->digest,
                 result->platform ? result->platform : "platform not said",
                 result->os_name ? result->os_name : "no os-release");
    (void)printf(
            "%s%lld packages, %lld findings: %lld critical, %lld high, %lld moderate, %lld low, "
            "%lld unknown\n",
            result->has_failure ? "of what could be read: " : "", (long long)counts->packages,
            (long long)counts->findings, (long long)counts->critical, (long long)counts->high,
            (long long)counts->moderate, (long long)counts->low, (long long)counts->unknown);
}

/* Findings of the raw result as a table, the worst first. */
static enum mu_status print_table(const struct mu_scan_result *result, const struct raw_file *file,
                                  struct mu_error *err)
{
    static const char *const columns[COLUMN_COUNT] = {"severity", "vulnerability", "package",
                                                      "version", "fixed_in"};
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, COLUMN_COUNT);
    json_auto_t *root = NULL;
    enum mu_status st = raw_parse(file, &root, err);

    if (st != MU_OK)
        return st;
    for (int severity = SEVERITY_CRITICAL; severity >= SEVERITY_UNKNOWN; severity--)
        add_rows(table, json_object_get(root, "findings"), severity_word((enum severity)severity));
    if (mu_table_row_count(table) > 0)
        mu_table_print(table, MU_FORMAT_TEXT, 0, stdout);
    print_stated(json_object_get(root, "suppressed"));
    print_suppressed(json_object_get(root, "suppressed"));
    print_summary(result);
    return MU_OK;
}

static const struct scan_format formats[] = {
        {"table", print_table, NULL},    {"text", print_table, NULL},
        {"json", print_raw, NULL},       {"cyclonedx", print_raw, cyclonedx_write},
        {"spdx", print_raw, spdx_write},
};

enum mu_status scan_format_find(const char *name, const struct scan_format **ret_format,
                                struct mu_error *err)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (mu_text_equal(formats[i].name, name)) {
            *ret_format = &formats[i];
            return MU_OK;
        }
    }
    return mu_fail(err, MU_E_INVALID, "--format: '%.40s' is none of table, json, cyclonedx, spdx",
                   name);
}

scan_sbom_fn *scan_format_sbom(const struct scan_format *format)
{
    return format->sbom;
}

enum mu_status scan_format_print(const struct scan_format *format,
                                 const struct mu_scan_result *result, const struct raw_file *file,
                                 struct mu_error *err)
{
    return format->print(result, file, err);
}
