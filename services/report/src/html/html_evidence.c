#include "html/html_sections.h"

#include "base/text.h"

#include <string.h>

static void put_number_item(struct html *html, int64_t number, const char *words)
{
    html_put(html, "<li><b>");
    html_number(html, number);
    html_putf(html, "</b><span>%s</span></li>\n", words);
}

static void put_scan_numbers(const struct report *report)
{
    const struct numbers *numbers = report->numbers;
    struct html *html = report->html;

    html_put(html, "<ul class=\"tiles\">\n");
    put_number_item(html, numbers->raw_scans, "raw scans");
    put_number_item(html, numbers->authenticated, "authenticated");
    put_number_item(html, numbers->unauthenticated, "unauthenticated");
    put_number_item(html, numbers->authentication_unknown, "do not say");
    put_number_item(html, numbers->databases_stale, "with a database over 24 hours old");
    put_number_item(html, numbers->database_time_unknown, "that do not say how old it was");
    put_number_item(html, numbers->configuration_differs,
                    "with another configuration than validated");
    put_number_item(html, numbers->configurations, "different configurations");
    html_put(html, "</ul>\n");
}

static void put_checksum(const struct report *report)
{
    const char *checksum = report->request->system->configuration_checksum;
    struct html *html = report->html;

    html_put(html, "<p>Configuration of the scanner as the assessor validated it: ");
    if (checksum && *checksum) {
        html_put(html, "<code>");
        html_text(html, checksum);
        html_put(html, "</code>.");
    } else {
        html_put(html, "not stated in the system file.");
    }
    html_put(html, "</p>\n");
}

static void put_scan_row(const struct report *report, struct html_table *table,
                         const struct inventory_row *row)
{
    struct html *html = table->html;
    const char *hex = strchr(row->evidence_digest, ':');

    html_cell_begin(table);
    html_text(html, report->request->files.raw_scans);
    html_put(html, "/");
    html_text(html, hex ? hex + 1 : row->evidence_digest);
    html_put(html, ".json");
    html_cell_end(table);
    html_cell(table, row->uai);
    html_cell_begin(table);
    html_text(html, row->scanner_name);
    html_put(html, " ");
    html_text(html, row->scanner_version);
    html_cell_end(table);
    html_cell_day(table, row->scan_finished_at);
    html_cell_day(table, row->database_built_at);
    html_cell(table, row->configuration_checksum);
}

enum mu_status section_evidence(const struct report *report, struct mu_error *err)
{
    static const struct html_column columns[] = {{"File, named by its SHA-256", HTML_CELL_CODE},
                                                 {"First asset", HTML_CELL_CODE},
                                                 {"Scanner", HTML_CELL_TEXT},
                                                 {"Finished", HTML_CELL_DAY},
                                                 {"Database of", HTML_CELL_DAY},
                                                 {"Configuration", HTML_CELL_CODE}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]), DIGEST_BYTES = 128 };
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    char last[DIGEST_BYTES] = "";
    struct inventory_row row;
    struct html_table table;
    bool found = true;
    enum mu_status st =
            snapshot_list(report->request->snapshot, SNAPSHOT_LIST_EVIDENCE, NULL, &cursor, err);

    put_scan_numbers(report);
    put_checksum(report);
    html_table_begin(report->html, "t-evidence", "Raw scans, unmodified as the scanner wrote them",
                     columns, COLUMNS, report->request->max_rows, &table);
    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        if (strncmp(last, row.evidence_digest, sizeof(last) - 1) == 0)
            continue;
        (void)snprintf(last, sizeof(last), "%s", row.evidence_digest);
        if (!html_row_begin(&table))
            break;
        put_scan_row(report, &table, &row);
        html_row_end(&table);
    }
    html_table_end(&table, report->numbers->raw_scans, report->request->files.manifest);
    html_put(report->html, "<p>Size and SHA-256 of every file of the package: <code>");
    html_text(report->html, report->request->files.manifest);
    html_put(report->html, "</code>. <code>muster-report verify</code> checks them, and inventory "
                           "against raw scans in both directions, without a network.</p>\n");
    return st;
}

/* ---- method ---- */

struct words {
    const char *word, *means;
};

static void put_list(struct html *html, const struct words *words, size_t count)
{
    html_put(html, "<dl class=\"words\">\n");
    for (size_t i = 0; i < count; i++)
        html_putf(html, "<dt>%s</dt><dd>%s</dd>\n", words[i].word, words[i].means);
    html_put(html, "</dl>\n");
}

/* The questions that assessors are told to ask of a measure (FedRAMP IVV-IAS-VIM, guidance). */
static const struct words method[] = {
        {"Where data comes from",
         "What runs: the clusters' own reports of containers, and periodic listings of each "
         "cluster. What could run: events and periodic listings of the registries. What is in it: "
         "a "
         "scan of every image, by digest. What is known of vulnerabilities: the advisories in the "
         "scanner's database, CVSS of the NVD, the KEV catalog of CISA. What people decided: "
         "deviations, exposure and baselines, each with author and time."},
        {"How it is put together",
         "A container leads to its image by digest, the image to its scan by digest, the finding "
         "to "
         "the image by the package that has it. Every fact keeps when it was true and when it was "
         "learned; this report is of one instant of both, and can be written again."},
        {"What counts as failure",
         "A running container that no complete scan within 30 days covers, whatever the reason; a "
         "scan that could not read everything; a source that went silent; a listing that shows "
         "what "
         "no event told. Each is in this report as a gap or a detection failure. An unknown rating "
         "counts as high, unknown exposure as public."},
        {"Rating", "CVSS version 3 base score of the NVD; else version 2; else the scanner's own. "
                   "An approved "
                   "risk adjustment changes the rating that sets the clock, not the original one."},
        {"Clocks",
         "Critical and high 30 days, moderate 90, low 180, from the first detection on any image "
         "of "
         "the repository, which rebuilding does not reset. An earlier due date in the KEV catalog "
         "goes first. Once a vendor released the fix the clock runs from there."},
        {"Items",
         "One for each vulnerability and set of deviations; one that comes back after it was gone "
         "from all assets is another. The same identifier stands in every file of this package."},
        {"What this page cannot show",
         "Systems that no connected cluster or registry reports, and what the scanner's database "
         "does not know. No open gap and no open failure do not prove that there are none."},
};

enum mu_status section_method(const struct report *report, struct mu_error *err)
{
    (void)err;
    put_list(report->html, method, sizeof(method) / sizeof(method[0]));
    html_put(report->html, "<p>Rules: FedRAMP Continuous Monitoring Playbook (2025-11), Rev5 "
                           "baselines (RA-5, CM-8), Consolidated Rules 2026 (VDR, VER, CDS, IVV), "
                           "BOD 26-04. This report is the human-readable form of the reports that "
                           "VER-RPT-PER asks for.</p>\n");
    return MU_OK;
}

static const struct words glossary[] = {
        {"Asset",
         "A class of image: a repository and a version. Its unique asset identifier is the "
         "same in inventory, raw scans and items."},
        {"Image", "One platform manifest, known by its digest; an asset has several when a tag was "
                  "pushed again."},
        {"Covered", "A complete scan of exactly this digest finished within 30 days."},
        {"CAP", "Corrective Action Plan, the stronger escalation."},
        {"DFR", "Detailed Finding Review, the weaker escalation."},
        {"Held", "By an approved deviation: accepted, operational requirement, or a vendor asked "
                 "within 30 days."},
        {"KEV", "CISA's catalog of known exploited vulnerabilities."},
        {"Late", "The due date is past. Due: it is before the next submission."},
        {"Per asset, per container", "The same vulnerability counted once for each asset that has "
                                     "it, once for each running container of it."},
        {"POA&amp;M", "Plan of Action and Milestones."},
};

enum mu_status section_glossary(const struct report *report, struct mu_error *err)
{
    (void)err;
    put_list(report->html, glossary, sizeof(glossary) / sizeof(glossary[0]));
    return MU_OK;
}
