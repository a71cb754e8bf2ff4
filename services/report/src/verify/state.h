/*
 * state: what the checks of verify share: the folder, what was found so far, and how a
 * difference is recorded. Internal to src/verify.
 */
#ifndef REPORT_VERIFY_STATE_H
#define REPORT_VERIFY_STATE_H

#include "verify/verify.h"

#include "json/json_doc.h"

#include <stdbool.h>
#include <stdio.h>

enum { VERIFY_PATH_SIZE = 4096, VERIFY_KEY_BYTES = 512 * 1024 /* UAI and digest */ };

struct verify_state {
    const char *folder;
    struct mu_table *differences;
    struct mu_table *gap_table;
    struct verify_summary summary;
    json_t *manifest;    /* parsed manifest.json; NULL when it could not be read */
    json_t *rows;        /* UAI -> {digests: {digest: true}, in_scan: bool} */
    json_t *targets;     /* "UAI digest" -> {uai, digest, file, complete: some scan of it is} */
    json_t *gaps;        /* UAI -> gap object */
    json_t *others;      /* UAI of an asset that is no image -> true */
    json_t *not_running; /* "UAI digest" -> true */
    json_t *reports;     /* file of another scanner's report that a raw scan names -> true */
};

void verify_state_init(struct verify_state *state, const char *folder, struct mu_table *differences,
                       struct mu_table *gap_table);
void verify_state_done(struct verify_state *state);

void verify_difference(struct verify_state *state, const char *check, const char *subject,
                       const char *fmt, ...) MU_PRINTF(4, 5);

/* Path of a plain file of the bundle, no link and no device; false after recording the
 * difference. */
bool verify_path(struct verify_state *state, const char *name, char ret_path[VERIFY_PATH_SIZE]);

/* New reference; NULL after recording the difference. */
json_t *verify_parse_json(struct verify_state *state, const char *name, const char *bytes,
                          size_t len);
/* Parsed JSON file of the bundle, new reference; NULL after recording the difference. */
json_t *verify_read_json(struct verify_state *state, const char *name);
/* The same when it must be an array. */
json_t *verify_read_array(struct verify_state *state, const char *name);

/* "UAI digest", the key of targets and not_running; false when it is longer than any real one.
 * Unambiguous as long as the digest has no blank. */
bool verify_key(const char *uai, const char *digest, struct mu_buf *out);

/* The manifest's number against what was found. */
void verify_count(struct verify_state *state, const char *name, size_t found);

/* Takes the parsed manifest, or leaves state->manifest NULL: then its names are not followed. */
void verify_take_manifest(struct verify_state *state, json_t *manifest);
/* The targets of one parsed raw scan. */
void verify_add_raw_scan(struct verify_state *state, const char *file, const json_t *scan);
/* Its counts against its findings. */
void verify_scan_counts(struct verify_state *state, const char *file, const json_t *scan);
/* One that was made of another scanner's report: the report. */
void verify_add_imported(struct verify_state *state, const char *file, const json_t *scan);
/* The gaps of a parsed list. */
void verify_add_gaps(struct verify_state *state, const json_t *gaps);

/* The lines of running-containers.csv, against the rows. */
void verify_add_containers(struct verify_state *state, FILE *in);

/* The checks, in order; each records its differences. */
void verify_files(struct verify_state *state);     /* fills manifest */
void verify_workbook(struct verify_state *state);  /* fills rows */
void verify_declared(struct verify_state *state);  /* fills gaps, not_running, others */
void verify_raw_scans(struct verify_state *state); /* fills targets */
void verify_reports(struct verify_state *state);   /* that no raw scan names */
void verify_match(struct verify_state *state);
void verify_containers(struct verify_state *state);

#endif
