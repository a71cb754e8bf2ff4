/*
 * scan: one scan request from registry to result: analyse, match, write and store the raw result.
 *
 * A failure is a result too: `outcome` failed, with what and why, and its raw result is evidence
 * like any other.
 *
 * Threads: a scanner context is shared and constant; a scan belongs to one thread with its own
 * arena and client.
 */
#ifndef SCANNER_JOB_SCAN_H
#define SCANNER_JOB_SCAN_H

#include "database/database_slot.h"
#include "image/image_scan.h"
#include "import/external.h"
#include "result/evidence_client.h"
#include "result/sbom.h"

#include "base/sha256.h"
#include "msg/msg.h"

/* cyclonedx_write or spdx_write. */
typedef enum mu_status scan_sbom_fn(const struct sbom *sbom, const char *folder,
                                    struct raw_file *ret_file, struct mu_error *err);

struct scan_context {
    const struct registry_book *book;
    struct image_source *source;     /* of the one image there is; NULL: registries, by the book */
    const struct database *database; /* NULL: packages are not matched; with `sbom` alone; or: */
    struct database_slot *databases; /* replaced while scans run; NULL: `database` is used */
    int64_t stale_after_ms;          /* a scan with an older database has failed; 0: any age */
    const struct vex_set *vex;       /* NULL: none */
    struct image_limits limits;
    struct layer_engine *engine;             /* shared by all scans */
    const struct external_scanner *external; /* judges images instead of us; NULL: we do */
    const char *temp_dir;
    struct evidence_target evidence;
    char configuration_checksum[MU_DIGEST_TEXT_SIZE];
    scan_sbom_fn *sbom; /* NULL: the raw result; else this instead of it */
};

/* What a scan leaves: the caller's to close, by scan_files_close. fd -1: there is none. */
struct scan_files {
    struct raw_file raw;      /* the evidence; none of an index, an artifact */
    struct raw_file original; /* another scanner's report, verbatim: to be stored before `raw` */
};

#define SCAN_FILES_NONE ((struct scan_files){.raw.fd = -1, .original.fd = -1})
void scan_files_close(struct scan_files *files);

/* Checksum over everything that can change what a scan finds. */
void scan_context_checksum(struct scan_context *context);

/*
 * Texts of the result live in `arena` (which may be reset: nothing of the request may be in it),
 * the request, the context and `ret_files`. Errors: MU_E_NOMEM (not even a failure can be
 * put down), MU_E_UNAVAILABLE (disk).
 */
enum mu_status scan_run(const struct scan_context *context, const struct mu_scan_request *request,
                        struct mu_arena *arena, struct mu_scan_result *ret_result,
                        struct scan_files *ret_files, struct mu_error *err) MU_MUST_CHECK;

#endif
