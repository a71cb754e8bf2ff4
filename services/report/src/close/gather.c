#include "close/gather.h"

#include "bundle/raw_scan_rows.h"
#include "bundle/scanner_reports.h"

#include "base/stop.h"
#include "base/text.h"
#include "http/http_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where a snapshot lies, too. */
static const char *scratch_folder(void)
{
    static const char *const names[] = {"SQLITE_TMPDIR", "TMPDIR"};
    const char *folder = NULL;

    for (size_t i = 0; !folder && i < sizeof(names) / sizeof(names[0]); i++)
        folder = getenv(names[i]); // NOLINT(concurrency-mt-unsafe): one thread
    return folder && *folder ? folder : "/var/tmp";
}

/* ---- into the store ---- */

static enum mu_status fetch_into_store(const struct gather *gather, struct mu_http_client *client,
                                       const char *digest, char ret_path[STORE_PATH_SIZE],
                                       bool *ret_new, struct mu_error *err)
{
    bool there = false;
    enum mu_status st = store_writer_evidence(gather->writer, digest, ret_path, &there, err);

    if (st == MU_OK && !there)
        st = evidence_fetch(client, &gather->source, digest, ret_path, err);
    *ret_new = st == MU_OK && !there;
    return st;
}

static enum mu_status keep_scan(const struct gather *gather, struct mu_http_client *client,
                                const char *digest, struct mu_error *err)
{
    char path[STORE_PATH_SIZE], report[MU_DIGEST_TEXT_SIZE] = "";
    bool is_new = false;
    enum mu_status st = fetch_into_store(gather, client, digest, path, &is_new, err);

    if (st == MU_OK)
        st = raw_scan_rows_add(gather->snapshot, digest, path, err);
    if (st == MU_OK && is_new)
        st = store_writer_keep(gather->writer, digest, err);
    if (st == MU_OK)
        st = scanner_report_of(gather->snapshot, digest, report, err);
    if (st == MU_OK && *report)
        st = fetch_into_store(gather, client, report, path, &is_new, err);
    return st == MU_OK && *report && is_new ? store_writer_keep(gather->writer, report, err) : st;
}

/* ---- and without one ---- */

static enum mu_status look_at_scan(const struct gather *gather, struct mu_http_client *client,
                                   const char *digest, struct mu_error *err)
{
    char path[STORE_PATH_SIZE];
    enum mu_status st = store_path(path, err, "%s/muster-report-XXXXXX", scratch_folder());

    if (st == MU_OK && !mkdtemp(path))
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    if (st == MU_OK) {
        const size_t len = strlen(path);

        (void)snprintf(path + len, sizeof(path) - len, "/scan");
        st = evidence_fetch(client, &gather->source, digest, path, err);
        if (st == MU_OK)
            st = raw_scan_rows_add(gather->snapshot, digest, path, err);
        (void)unlink(path);
        path[len] = '\0';
        (void)rmdir(path);
    }
    return st;
}

static enum mu_status gather_all(const struct gather *gather, struct mu_http_client *client,
                                 struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    char before[MU_DIGEST_TEXT_SIZE] = "";
    struct inventory_row row;
    size_t done = 0, total = 0;
    bool found = true;
    enum mu_status st = snapshot_count_evidence(gather->snapshot, &total, err);

    if (st == MU_OK)
        st = snapshot_list(gather->snapshot, SNAPSHOT_LIST_EVIDENCE, NULL, &cursor, err);
    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        if (mu_text_equal(row.evidence_digest, before))
            continue;
        if (mu_stop_requested())
            return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
        (void)snprintf(before, sizeof(before), "%s", row.evidence_digest);
        st = gather->writer ? keep_scan(gather, client, before, err)
                            : look_at_scan(gather, client, before, err);
        if (st == MU_OK && gather->progress)
            gather->progress(++done, total);
    }
    return st;
}

enum mu_status gather_evidence(const struct gather *gather, struct mu_error *err)
{
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    struct mu_http_client_config config = {.user_agent = "muster-report"};
    enum mu_status st = mu_http_client_new(&config, &client, err);

    if (st == MU_OK)
        st = gather_all(gather, client, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "raw scans");
}
