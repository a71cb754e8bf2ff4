/*
 * import_build: what the readers of reports share.
 *
 * A failed allocation sticks in the build and is told once, by import_read.
 */
#ifndef SCANNER_IMPORT_IMPORT_BUILD_H
#define SCANNER_IMPORT_IMPORT_BUILD_H

#include "import/import.h"

#include "base/buf.h"
#include "json/json_doc.h"

enum { IMPORT_DIGESTS_MAX = 16 };

struct import_build {
    struct mu_arena *arena;
    struct imported_scan *scan;
    size_t capacity;                         /* of scan->findings */
    const char *digests[IMPORT_DIGESTS_MAX]; /* that the report says the image has */
    size_t digest_count;
    bool no_memory;
};

/* One reader for each kind; `root` is the whole report. Errors: MU_E_INVALID, MU_E_LIMIT. */
typedef enum mu_status import_reader(struct import_build *build, const json_t *root,
                                     struct mu_error *err);
import_reader import_trivy, import_grype, import_cyclonedx, import_sarif;

/* A copy, cut at a character's end; NULL when it is NULL, empty, or there is no memory. */
const char *import_keep(struct import_build *build, const char *text, size_t len);
/* The text at a dotted path below `value`. */
const char *import_text(struct import_build *build, const json_t *value, const char *path);

/* "sha256:<hex>" or "host/path@sha256:<hex>"; anything else is passed over. */
void import_digest_add(struct import_build *build, const char *text);

/* RFC 3339; MU_TIME_NONE when it is none. */
int64_t import_time(const char *text);

/* The settings that the report tells, if any: their hash is kept. */
void import_configuration(struct import_build *build, const json_t *settings);

void import_note(struct import_build *build, const char *fmt, ...) MU_PRINTF(2, 3);

/* An empty finding. */
struct imported_finding import_finding(void);
/* Keeps the vector when it is a better one: NVD's before others', the first of equals. */
void import_cvss(struct import_build *build, struct imported_finding *finding, const char *vector,
                 bool nvd);
/* Adds it with its severity. `what` names it for errors: MU_E_INVALID (id, package or version is
 * missing), MU_E_LIMIT. */
enum mu_status import_add(struct import_build *build, struct imported_finding *finding,
                          const char *what, size_t index, struct mu_error *err) MU_MUST_CHECK;

#endif
