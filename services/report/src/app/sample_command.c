#include "app/sample_command.h"

#include "app/closed_option.h"
#include "bundle/layout.h"
#include "sample/sample.h"

#include "base/stop.h"
#include "base/table.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

const struct mu_option sample_options[SAMPLE_OPTION_COUNT] = {
        {"store", MU_OPTION_TEXT, offsetof(struct sample_config, store), NULL, 0, 0,
         MU_OPTION_REQUIRED, "folder of the closed months"},
        {"month", MU_OPTION_TEXT, offsetof(struct sample_config, month), NULL, 0, 0,
         MU_OPTION_REQUIRED, "closed month: 2026-10, or one of its revisions: 2026-10-r1"},
        {"seed", MU_OPTION_TEXT, offsetof(struct sample_config, seed), NULL, 0, 0,
         MU_OPTION_REQUIRED, "any text; the same text draws the same containers"},
        {"n", MU_OPTION_INT, offsetof(struct sample_config, count), "25", 1, SAMPLE_MAX, 0,
         "containers to draw"},
        {"format", MU_OPTION_TEXT, offsetof(struct sample_config, format), "text", 0, 0, 0,
         "text: the trail of each, line by line; json: an array of objects"},
};

static const char *const columns[] = {"number",
                                      "unique_asset_identifier",
                                      "cluster",
                                      "namespace",
                                      "pod",
                                      "container",
                                      "node",
                                      "started_at",
                                      "digest",
                                      "coverage",
                                      "reason",
                                      "workbook_row",
                                      "raw_scan",
                                      "raw_scan_line",
                                      "identifier_offset",
                                      "digest_offset",
                                      "scanned_at",
                                      "scanner",
                                      "database"};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]), FILE_SIZE = 256 };

struct printing {
    enum mu_format format;
    struct mu_table *table; /* json */
};

/* "raw-scans/<hex>.json", as the bundle has it. */
static void file_of(const struct sample_item *item, char ret_file[FILE_SIZE])
{
    const char *digest = item->evidence_digest ? item->evidence_digest : "";

    if (mu_text_starts(digest, "sha256:"))
        digest += strlen("sha256:");
    (void)snprintf(ret_file, FILE_SIZE, "%s/%s.json", BUNDLE_RAW_SCANS, digest);
}

static void add_row(struct mu_table *table, const struct sample_item *item, const char *file)
{
    const struct instance_row *container = item->container;
    char number[MU_NUMBER_TEXT_SIZE], row[MU_NUMBER_TEXT_SIZE], line[MU_NUMBER_TEXT_SIZE];
    char uai[MU_NUMBER_TEXT_SIZE], digest[MU_NUMBER_TEXT_SIZE];

    (void)mu_text_of_number((int64_t)item->number, number);
    (void)mu_text_of_number((int64_t)item->workbook_row, row);
    (void)mu_text_of_number(item->uai.line, line);
    (void)mu_text_of_number(item->uai.offset_bytes, uai);
    (void)mu_text_of_number(item->manifest.offset_bytes, digest);
    mu_table_row(table,
                 (const char *const[]){
                         number, container->uai, container->cluster, container->namespace_name,
                         container->pod, container->container, container->node,
                         container->started_at, container->manifest_digest, container->state,
                         container->reason, row, item->evidence_digest ? file : NULL,
                         item->uai.line > 0 ? line : NULL, item->uai.line > 0 ? uai : NULL,
                         item->manifest.line > 0 ? digest : NULL, item->scan_finished_at,
                         item->scanner, item->database});
}

static const char *or_dash(const char *text)
{
    return text && *text ? text : "-";
}

static void print_place(const char *what, const struct sample_place *place)
{
    if (place->line > 0)
        (void)printf("; %s at byte %lld, line %lld", what, (long long)place->offset_bytes,
                     (long long)place->line);
    else
        (void)printf("; %s NOT FOUND", what);
}

static void print_trail(const struct sample_item *item, const char *file)
{
    const struct instance_row *container = item->container;

    (void)printf("%zu. %s\n"
                 "   pod     %s/%s/%s container %s on %s since %s\n"
                 "   digest  %s\n",
                 item->number, container->uai, or_dash(container->cluster),
                 or_dash(container->namespace_name), or_dash(container->pod),
                 or_dash(container->container), or_dash(container->node),
                 or_dash(container->started_at), or_dash(container->manifest_digest));
    if (item->evidence_digest)
        (void)printf("   scan    %s: %s, database %s, finished %s\n", or_dash(container->state),
                     or_dash(item->scanner), or_dash(item->database),
                     or_dash(item->scan_finished_at));
    else
        (void)printf("   scan    %s: %s\n", or_dash(container->state), or_dash(container->reason));
    (void)printf("   row     %zu of %s\n", item->workbook_row, BUNDLE_WORKBOOK);
    if (!item->evidence_digest)
        return;
    (void)printf("   raw     %s", file);
    print_place("identifier", &item->uai);
    print_place("digest", &item->manifest);
    (void)printf("\n");
}

static enum mu_status print_item(void *opaque, const struct sample_item *item, struct mu_error *err)
{
    struct printing *printing = opaque;
    char file[FILE_SIZE];

    (void)err;
    file_of(item, file);
    if (printing->format == MU_FORMAT_JSON)
        add_row(printing->table, item, file);
    else
        print_trail(item, file);
    return MU_OK;
}

static enum mu_status draw(const struct sample_config *config, struct printing *printing,
                           struct mu_error *err)
{
    MU_AUTO(month_store) struct month_store *store = NULL;
    MU_AUTO(closed_month) struct closed_month *month = NULL;
    struct sample_totals totals;
    enum mu_status st = month_store_open(config->store, &store, err);

    if (st == MU_OK)
        st = closed_option_load(store, "month", config->month, &month, err);
    if (st != MU_OK)
        return st;
    const struct sample_request request = {month->snapshot, config->seed, (size_t)config->count,
                                           closed_raw_scan_path, month};

    st = sample_draw(&request, print_item, printing, &totals, err);
    if (st != MU_OK)
        return st;
    if (printing->format == MU_FORMAT_JSON)
        mu_table_print(printing->table, MU_FORMAT_JSON, 0, stdout);
    else
        (void)printf("%s%zu of %zu running containers, %zu image classes, seed '%s'\n",
                     totals.drawn > 0 ? "\n" : "", totals.drawn, totals.containers, totals.classes,
                     config->seed);
    return MU_OK;
}

int sample_command(void *config_struct, int argc, char **argv)
{
    const struct sample_config *config = config_struct;
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, COLUMNS);
    struct printing printing = {.table = table};
    struct mu_error err;
    enum mu_status st = mu_format_parse(config->format, &printing.format, &err);

    (void)argv;
    if (st == MU_OK && argc > 0)
        st = mu_fail(&err, MU_E_INVALID, "sample takes options only");
    mu_stop_install();
    if (st == MU_OK)
        st = draw(config, &printing, &err);
    if (st == MU_OK)
        return MU_EXIT_OK;
    (void)fprintf(stderr, "muster-report: %s\n", err.message);
    return closed_exit_code(st);
}
