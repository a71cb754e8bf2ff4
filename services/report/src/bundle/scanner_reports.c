#include "bundle/scanner_reports.h"

#include "bundle/layout.h"

#include "base/file.h"
#include "base/sha256.h"

#include <stdio.h>
#include <string.h>

enum mu_status scanner_report_of(const struct snapshot *snapshot, const char *evidence_digest,
                                 char ret_digest[MU_DIGEST_TEXT_SIZE], struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct original_row row;
    bool found = false;
    enum mu_status st =
            snapshot_list(snapshot, SNAPSHOT_LIST_ORIGINAL_OF, evidence_digest, &cursor, err);

    if (st == MU_OK)
        st = snapshot_next(cursor, &row, &found, err);
    if (st == MU_OK && found && strlen(row.original_digest) >= MU_DIGEST_TEXT_SIZE)
        st = mu_fail(err, MU_E_INVALID, "report '%.100s' has no SHA-256 name", row.original_digest);
    if (st == MU_OK)
        (void)snprintf(ret_digest, MU_DIGEST_TEXT_SIZE, "%s", found ? row.original_digest : "");
    return st;
}

enum mu_status scanner_report_place(const struct bundle_folder *folder, const char *digest,
                                    char ret_name[BUNDLE_PATH_SIZE],
                                    char ret_path[BUNDLE_PATH_SIZE], struct mu_error *err)
{
    enum mu_status st;

    if (!mu_digest_valid(digest, strlen(digest)))
        return mu_fail(err, MU_E_INVALID, "report '%.100s' has no SHA-256 name", digest);
    st = bundle_folder_path(folder, BUNDLE_REPORTS, ret_path, err);
    if (st == MU_OK)
        st = mu_dir_make(ret_path, err);
    if (st != MU_OK)
        return st;
    (void)snprintf(ret_name, BUNDLE_PATH_SIZE, "%s/%s.json", BUNDLE_REPORTS,
                   digest + strlen("sha256:"));
    return bundle_folder_path(folder, ret_name, ret_path, err);
}
