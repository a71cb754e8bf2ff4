#include "bundle/scanner_reports.h"

#include "bundle/layout.h"

#include "base/file.h"
#include "base/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_evidence(const void *digest, const void *row)
{
    return strcmp(digest, ((const struct original_row *)row)->evidence_digest);
}

const char *scanner_report_of(const struct snapshot *snapshot, const char *evidence_digest)
{
    const struct original_row *row =
            snapshot->original_count > 0
                    ? bsearch(evidence_digest, snapshot->originals, snapshot->original_count,
                              sizeof(*snapshot->originals), compare_evidence)
                    : NULL;

    return row ? row->original_digest : NULL;
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
