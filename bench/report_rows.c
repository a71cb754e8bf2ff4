/*
 * report_rows: one way of writing ROWS rows of the inventory workbook, for bench/report.py.
 *
 *   bench_report_rows floor|workbook|bundle|poam|cells ROWS FOLDER
 *
 *   floor     libxlsxwriter alone in constant-memory mode, the cells that `workbook` writes
 *   workbook  the product's: snapshot, assets, cells, workbook
 *   bundle    a whole package but for OSCAL: workbooks, CSV, JSON, report.html, manifest
 *   poam      a package of one image and ROWS findings on it, ten an item
 *   cells     none: prints the cells of the floor's first row, a line each
 *
 * Prints seconds and the largest resident memory in KiB. Filling the snapshot is not counted.
 */
#include "bundle/assets.h"
#include "bundle/bundle.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <xlsxwriter.h>

enum { CELLS_MAX_BYTES = 1 << 20, PATH_SIZE = 4096 };

static const struct system_file system_file = {.name = "Bench",
                                               .fedramp_id = "FR0000000000",
                                               .impact_level = "Moderate",
                                               .baseline_configuration_name = "CIS Level 2",
                                               .diagram_label = "Cluster",
                                               .function = "Application",
                                               .asset_type = "Container",
                                               .default_vendor = "Open Source",
                                               .system_administrator = "",
                                               .unknown_os = "No operating system in image",
                                               .authenticated_scan = "Yes",
                                               .deliverables = "legacy",
                                               .provider = "",
                                               .offering = "",
                                               .point_of_contact = "",
                                               .certification_class = "",
                                               .package_overview_uri = "",
                                               .configuration_checksum = "",
                                               .unique_vulnerability_baseline = "",
                                               .sboms = "No",
                                               .oscal = "No",
                                               .ver_statements = "",
                                               .automatic_evaluation = "No",
                                               .poam_items = "all",
                                               .template_poam = "",
                                               .template_dr = "",
                                               .other_assets = ""};

static void check(enum mu_status st, const struct mu_error *err)
{
    if (st == MU_OK)
        return;
    (void)fprintf(stderr, "bench_report_rows: %s\n", err->message);
    exit(1);
}

static void add_asset(struct snapshot *snapshot, size_t number)
{
    char uai[128], repository[96], digest[80], pod[32];
    const struct inventory_row row = {.uai = uai,
                                      .manifest_digest = digest,
                                      .repository = repository,
                                      .tag = "1.0",
                                      .platform = "linux/amd64",
                                      .os_name = "Debian GNU/Linux 12 (bookworm)",
                                      .running_containers = 1,
                                      .state = "never_scanned",
                                      .reason = "no scan of it under this name yet"};
    const struct instance_row instance = {.cluster = "production",
                                          .namespace_name = "prod",
                                          .pod = pod,
                                          .container = "app",
                                          .container_kind = "container",
                                          .image = uai,
                                          .uai = uai,
                                          .manifest_digest = digest,
                                          .state = row.state,
                                          .reason = row.reason,
                                          .started_at = "2026-11-01T00:00:00.000000Z",
                                          .node = "node-1"};
    struct mu_error err;

    (void)snprintf(repository, sizeof(repository), "registry.example/team/app%07zu", number);
    (void)snprintf(uai, sizeof(uai), "%s:1.0", repository);
    (void)snprintf(digest, sizeof(digest), "sha256:%064zx", number * 2654435761U);
    (void)snprintf(pod, sizeof(pod), "app-%zu", number);
    check(snapshot_add(snapshot, SNAPSHOT_INVENTORY, &row, &err), &err);
    check(snapshot_add(snapshot, SNAPSHOT_INSTANCES, &instance, &err), &err);
}

static void add_finding(struct snapshot *snapshot, size_t number)
{
    char item[64], uai[128];
    const struct finding_row row = {.item = item,
                                    .uai = uai,
                                    .repository = "registry.example/team/app",
                                    .vulnerability = item + 2,
                                    .reported_as = item + 2,
                                    .packages = "openssl 3.0.1",
                                    .fixed_versions = "openssl 3.0.2",
                                    .severity = "high",
                                    .effective_severity = "high",
                                    .severity_source = "nvd_cvss3",
                                    .cvss = "7.5",
                                    .scanner_name = "muster-scanner",
                                    .detected_at = "2026-09-20T10:00:00.000000Z",
                                    .first_detected_at = "2026-09-20T10:00:00.000000Z",
                                    .item_detected_at = "2026-09-20T10:00:00.000000Z",
                                    .episode = 1,
                                    .instances = 1,
                                    .due_at = "2026-10-20T10:00:00.000000Z",
                                    .due_by = "rev5",
                                    .status = "late"};
    struct mu_error err;

    (void)snprintf(item, sizeof(item), "V-CVE-2026-%07zu", number / 10);
    (void)snprintf(uai, sizeof(uai), "registry.example/team/app%07zu:1.0", number % 10);
    check(snapshot_add(snapshot, SNAPSHOT_FINDINGS, &row, &err), &err);
}

static struct snapshot *make_snapshot(size_t rows, size_t findings)
{
    const struct snapshot_instants instants = {INT64_C(1796083199999999), INT64_C(1796083199999999),
                                               0};
    const struct total_row total = {"never_scanned", (int64_t)rows};
    struct snapshot *snapshot = NULL;
    struct mu_error err;

    check(snapshot_new(&instants, &snapshot, &err), &err);
    for (size_t i = 0; i < rows; i++)
        add_asset(snapshot, i);
    for (size_t i = 0; i < findings; i++)
        add_finding(snapshot, i);
    check(snapshot_add(snapshot, SNAPSHOT_TOTALS, &total, &err), &err);
    return snapshot;
}

/* ---- the three ways ---- */

/* Whatever the product writes: `write` gets the cells of each row. */
static void each_row(struct snapshot *snapshot,
                     void (*write)(void *opaque, size_t row, const struct inventory_workbook_row *),
                     void *opaque)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(CELLS_MAX_BYTES);
    MU_AUTO(asset_reader) struct asset_reader *reader = NULL;
    struct inventory_workbook_row row;
    struct asset asset;
    bool found = true;
    struct mu_error err;

    check(asset_reader_open(snapshot, &reader, &err), &err);
    for (size_t i = 0;; i++) {
        check(asset_next(reader, &asset, &found, &err), &err);
        if (!found)
            break;
        mu_arena_reset(arena);
        check(asset_to_row(&asset, &system_file, arena, &row, &err), &err);
        write(opaque, i, &row);
    }
}

static void add_row(void *opaque, size_t row, const struct inventory_workbook_row *cells)
{
    struct mu_error err;

    (void)row;
    check(inventory_workbook_add(opaque, cells, &err), &err);
}

static void write_workbook(struct snapshot *snapshot, const char *path)
{
    const struct inventory_workbook_properties properties = {.system_name = "Bench",
                                                             .month = "2026-11",
                                                             .as_of = "2026-11-30T00:00:00Z",
                                                             .as_of_us = INT64_C(1796083199999999)};
    struct inventory_workbook *workbook = NULL;
    struct mu_error err;

    check(inventory_workbook_open(path, &properties, &workbook, &err), &err);
    each_row(snapshot, add_row, workbook);
    check(inventory_workbook_close(workbook, &err), &err);
}

/* The floor's rows, made beforehand: those of one asset, again and again. */
static void keep_row(void *opaque, size_t row, const struct inventory_workbook_row *cells)
{
    struct inventory_workbook_row *kept = opaque;

    if (row == 0)
        for (size_t i = 0; i < COLUMN_COUNT; i++)
            kept->cells[i] = cells->cells[i] ? mu_xstrdup(cells->cells[i]) : NULL;
}

static void write_floor(const struct inventory_workbook_row *cells, size_t rows, const char *path)
{
    lxw_workbook_options options = {.constant_memory = LXW_TRUE};
    lxw_workbook *workbook = workbook_new_opt(path, &options);
    lxw_worksheet *sheet = workbook_add_worksheet(workbook, "Inventory");
    lxw_format *format = workbook_add_format(workbook);
    char uai[96], digest[80];

    format_set_text_wrap(format);
    for (size_t i = 0; i < rows; i++) {
        (void)snprintf(uai, sizeof(uai), "registry.example/team/app%07zu:1.0", i);
        (void)snprintf(digest, sizeof(digest), "sha256:%064zx", i * 2654435761U);
        for (size_t c = 0; c < COLUMN_COUNT; c++) {
            const char *text = c == COLUMN_UAI       ? uai
                               : c == COLUMN_ADDRESS ? digest
                                                     : cells->cells[c];

            if (text && *text)
                (void)worksheet_write_string(sheet, (lxw_row_t)i + 2, (lxw_col_t)c, text, format);
            else
                (void)worksheet_write_blank(sheet, (lxw_row_t)i + 2, (lxw_col_t)c, format);
        }
    }
    if (workbook_close(workbook) != LXW_NO_ERROR)
        exit(1);
}

static void write_bundle(struct snapshot *snapshot, const char *folder)
{
    const struct bundle_request request = {.folder = folder,
                                           .month = "2026-11",
                                           .inventory_url = "http://127.0.0.1:9",
                                           .system = &system_file,
                                           .snapshot = snapshot};
    struct bundle_counts counts;
    struct mu_error err;

    check(bundle_write(&request, &counts, &err), &err);
}

int main(int argc, char **argv)
{
    size_t rows = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    bool floor = argc == 4 && strcmp(argv[1], "floor") == 0;
    bool cells = argc == 4 && strcmp(argv[1], "cells") == 0;
    bool poam = argc == 4 && strcmp(argv[1], "poam") == 0;
    char path[PATH_SIZE];
    struct inventory_workbook_row first = {0};
    struct snapshot *snapshot;
    struct rusage usage;
    uint64_t begin_ms;

    if (rows == 0) {
        (void)fprintf(stderr, "usage: %s floor|workbook|bundle|poam|cells ROWS FOLDER\n", argv[0]);
        return 2;
    }
    (void)snprintf(path, sizeof(path), "%s/%s%s", argv[3], argv[1],
                   poam || strcmp(argv[1], "bundle") == 0 ? "" : ".xlsx");
    snapshot = make_snapshot(floor || poam || cells ? 1 : rows, poam ? rows : 0);
    if (floor || cells)
        each_row(snapshot, keep_row, &first);
    begin_ms = mu_monotonic_ms();
    for (size_t i = 0; cells && i < COLUMN_COUNT; i++)
        (void)puts(first.cells[i] ? first.cells[i] : "");
    if (floor)
        write_floor(&first, rows, path);
    else if (strcmp(argv[1], "workbook") == 0)
        write_workbook(snapshot, path);
    else if (!cells)
        write_bundle(snapshot, path);
    (void)getrusage(RUSAGE_SELF, &usage);
    if (!cells)
        (void)printf("%.3f %ld\n", (double)(mu_monotonic_ms() - begin_ms) / 1000, usage.ru_maxrss);
    snapshot_free(snapshot);
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        free((void *)(uintptr_t)first.cells[i]);
    return 0;
}
