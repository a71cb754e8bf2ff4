/*
 * state: what the checks of verify share: the folder, what was read and found so far, and how a
 * difference is recorded. Internal to src/verify.
 */
#ifndef REPORT_VERIFY_STATE_H
#define REPORT_VERIFY_STATE_H

#include "verify/json_stream.h"
#include "verify/store.h"
#include "verify/verify.h"

#include "json/json_doc.h"

#include <stdbool.h>
#include <stdio.h>

enum { VERIFY_PATH_SIZE = 4096, VERIFY_KEY_BYTES = 512 * 1024 /* UAI and digest */ };

struct verify_state {
    const char *folder;
    struct verify_tables tables;
    struct verify_summary summary;
    struct verify_store *store;
    json_t *manifest; /* manifest.json without its files; NULL when it could not be read */
    bool has_others;  /* the package has assets that are no images */
    unsigned groups;  /* enum verify_group (checks.h): what was read whole */
};

/* Errors: MU_E_UNAVAILABLE. */
enum mu_status verify_state_init(struct verify_state *state, const char *folder,
                                 const struct verify_tables *tables,
                                 struct mu_error *err) MU_MUST_CHECK;
void verify_state_done(struct verify_state *state);
/* The end of a verification that has come to `st`: its summary, and verify_state_done. Errors:
 * `st`, MU_E_UNAVAILABLE (what was read could not be kept, a stop was requested). */
enum mu_status verify_state_finish(struct verify_state *state, enum mu_status st,
                                   struct verify_summary *ret_summary,
                                   struct mu_error *err) MU_MUST_CHECK;

void verify_difference(struct verify_state *state, const char *check, const char *subject,
                       const char *fmt, ...) MU_PRINTF(4, 5);

/* Path of a plain file of the bundle, no link and no device; false after recording the
 * difference. */
bool verify_path(struct verify_state *state, const char *name, char ret_path[VERIFY_PATH_SIZE]);
/* It opened; NULL after recording the difference. Ownership: the caller closes it. */
FILE *verify_open(struct verify_state *state, const char *name);
/* Whether the manifest lists it. */
bool verify_lists(struct verify_state *state, const char *name);

/* A JSON file in pieces (json_stream.h), with a JSON array or object outside as `wants_array` says;
 * false after recording why it could not be read whole. */
struct verify_pieces {
    bool wants_array;
    json_stream_wish_fn *wish;
    json_stream_fn *each;
    void *opaque;
};
bool verify_read_pieces(struct verify_state *state, const char *name, FILE *in,
                        const struct verify_pieces *pieces);

/* Whether the two are short enough to be kept: longer than any real ones are refused. */
bool verify_key_fits(const char *uai, const char *digest);

/* Scans of VERIFY_SCAN_DAYS before that instant are too old. */
enum { VERIFY_SCAN_DAYS = 30 };
void verify_set_oldest(struct verify_state *state, int64_t as_of_us);

/* The manifest's number against what was found. */
void verify_count(struct verify_state *state, const char *name, size_t found);

/* Each reads one opened file of that kind; for the checks and for fuzzing. */
void verify_read_manifest(struct verify_state *state, FILE *in);
void verify_read_raw_scan(struct verify_state *state, const char *file, FILE *in);
void verify_read_gaps(struct verify_state *state, FILE *in);
void verify_read_containers(struct verify_state *state, FILE *in);

/* Over the manifest. Errors: MU_E_NOT_FOUND (key or authorities). */
enum mu_status verify_signatures(struct verify_state *state, const struct verify_request *request,
                                 struct mu_error *err) MU_MUST_CHECK;
/* close.json, and last month's. Errors: MU_E_NOT_FOUND (no such package), MU_E_UNAVAILABLE. */
enum mu_status verify_chain(struct verify_state *state, const struct verify_request *request,
                            struct mu_error *err) MU_MUST_CHECK;

/* The checks, in order; each records its differences. */
void verify_files(struct verify_state *state);     /* fills manifest, files */
void verify_workbook(struct verify_state *state);  /* fills rows, digests */
void verify_declared(struct verify_state *state);  /* fills gaps, gap_images, not_running, others */
void verify_raw_scans(struct verify_state *state); /* fills targets, reports, found */
void verify_containers(struct verify_state *state);

#endif
