/* Rows against raw scans, both ways; gaps against rows. */
#include "verify/state.h"

#include "bundle/layout.h"

#include "base/text.h"
#include "oci/reference.h"

#include <string.h>

/* ---- raw scans ---- */

static void add_target(struct verify_state *state, const json_t *target, bool complete,
                       const char *file, struct mu_buf *key)
{
    const char *uai = mu_json_text_at(target, "uai"), *digest = mu_json_text_at(target, "digest");

    if (!uai || !digest || !mu_oci_digest_valid(digest, strlen(digest)) ||
        !verify_key(uai, digest, key)) {
        verify_difference(state, "raw scans", file, "has a target without usable uai and digest");
        return;
    }
    if (!json_object_get(state->targets, key->data))
        state->summary.targets++;
    if (complete || !json_object_get(state->targets, key->data))
        (void)json_object_set_new(state->targets, key->data,
                                  json_pack("{s:s, s:s, s:s, s:b}", "uai", uai, "digest", digest,
                                            "file", file, "complete", complete ? 1 : 0));
}

void verify_add_raw_scan(struct verify_state *state, const char *file, const json_t *scan)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf key;
    const json_t *targets = json_object_get(scan, "targets"), *target;
    bool complete = mu_text_equal(mu_json_text_at(scan, "status"), "complete");
    size_t index;

    mu_buf_init(&key, VERIFY_KEY_BYTES);
    state->summary.raw_scans++;
    if (json_array_size(targets) == 0)
        verify_difference(state, "raw scans", file, "names no target");
    json_array_foreach (targets, index, target) {
        add_target(state, target, complete, file, &key);
    }
    verify_scan_counts(state, file, scan);
    if (mu_text_equal(mu_json_text_at(scan, "schema"), BUNDLE_IMPORTED_SCHEMA))
        verify_add_imported(state, file, scan);
}

void verify_raw_scans(struct verify_state *state)
{
    const char *name;
    json_t *entry;

    json_object_foreach (json_object_get(state->manifest, "files"), name, entry) {
        json_auto_t *scan =
                mu_text_starts(name, BUNDLE_RAW_SCANS "/") ? verify_read_json(state, name) : NULL;

        if (scan)
            verify_add_raw_scan(state, name, scan);
    }
}

/* ---- rows -> scans ---- */

static void match_scan(struct verify_state *state, const char *uai, const char *digest,
                       struct mu_buf *key)
{
    const json_t *target =
            verify_key(uai, digest, key) ? json_object_get(state->targets, key->data) : NULL;

    if (!target)
        verify_difference(state, "row -> scan", uai, "%s occurs with it in no raw scan", digest);
    else if (!json_is_true(json_object_get(target, "complete")))
        verify_difference(state, "row -> scan", uai, "the raw scan of %s is not complete", digest);
}

static void match_scanned_row(struct verify_state *state, const char *uai, const json_t *row,
                              struct mu_buf *key)
{
    const char *digest;
    json_t *ignored;

    if (json_object_size(json_object_get(row, "digests")) == 0)
        verify_difference(state, "row -> scan", uai, "says Yes in In Latest Scan without checksum");
    json_object_foreach (json_object_get(row, "digests"), digest, ignored) {
        match_scan(state, uai, digest, key);
    }
}

/* The images of a declared gap against the row's checksums; `seen` gathers those of the gap. */
static void match_gap_images(struct verify_state *state, const char *uai, const json_t *row,
                             json_t *seen, struct mu_buf *key)
{
    const json_t *gap = json_object_get(state->gaps, uai), *image;
    const json_t *digests = json_object_get(row, "digests");
    bool explained = false; /* some image is not covered */
    size_t index;

    json_array_foreach (json_object_get(gap, "images"), index, image) {
        const char *digest = mu_json_text_at(image, "digest");
        bool covered = mu_text_equal(mu_json_text_at(image, "state"), "covered");

        explained |= !covered;
        if (!digest || !*digest) /* the runtime told none: nothing to stand in the row */
            continue;
        (void)json_object_set_new(seen, digest, json_true());
        if (!json_object_get(digests, digest))
            verify_difference(state, "gaps", uai, "%s is declared but not in the row", digest);
        else if (covered)
            match_scan(state, uai, digest, key);
    }
    if (!explained)
        verify_difference(state, "gaps", uai, "is declared without an image that is not covered");
}

/* A row that says No must be declared, with the same checksums. */
static void match_gap_row(struct verify_state *state, const char *uai, const json_t *row,
                          struct mu_buf *key)
{
    json_auto_t *seen = json_object();
    const char *digest;
    json_t *ignored;

    if (!json_object_get(state->gaps, uai)) {
        verify_difference(state, "row -> scan", uai,
                          "says No in In Latest Scan, and " BUNDLE_GAPS " does not explain it");
        return;
    }
    match_gap_images(state, uai, row, seen, key);
    json_object_foreach (json_object_get(row, "digests"), digest, ignored) {
        if (!json_object_get(seen, digest))
            verify_difference(state, "gaps", uai, "%s is in the row but not declared", digest);
    }
}

/* Nothing may be in production and declared as not running. */
static void match_running(struct verify_state *state, const char *uai, const json_t *row,
                          struct mu_buf *key)
{
    const char *digest;
    json_t *ignored;

    json_object_foreach (json_object_get(row, "digests"), digest, ignored) {
        if (verify_key(uai, digest, key) && json_object_get(state->not_running, key->data))
            verify_difference(state, "not running", uai,
                              "%s is in the row, and declared as not running", digest);
    }
}

static void match_rows(struct verify_state *state, struct mu_buf *key)
{
    const char *uai;
    json_t *row;

    json_object_foreach (state->rows, uai, row) {
        if (json_object_get(state->others, uai))
            continue;
        if (!json_is_true(json_object_get(row, "in_scan")))
            match_gap_row(state, uai, row, key);
        else if (json_object_get(state->gaps, uai))
            verify_difference(state, "gaps", uai, "is declared a gap, but its row says Yes");
        else
            match_scanned_row(state, uai, row, key);
        match_running(state, uai, row, key);
    }
}

/* ---- scans -> rows, gaps -> rows ---- */

static void match_targets(struct verify_state *state)
{
    const char *key;
    json_t *target;

    json_object_foreach (state->targets, key, target) {
        const char *uai = mu_json_text_at(target, "uai");
        const json_t *row = json_object_get(state->rows, uai);
        const char *digest = mu_json_text_at(target, "digest");

        if (json_object_get(json_object_get(row, "digests"), digest) ||
            json_object_get(state->not_running, key))
            continue;
        verify_difference(state, "scan -> row", uai, "%s was scanned (%s) but is in no row", digest,
                          mu_json_text_at(target, "file"));
    }
}

static void match_gaps(struct verify_state *state)
{
    const char *uai;
    json_t *gap;

    json_object_foreach (state->gaps, uai, gap) {
        if (!json_object_get(state->rows, uai))
            verify_difference(state, "gaps", uai, "is declared a gap but has no row");
    }
}

void verify_match(struct verify_state *state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf key;

    mu_buf_init(&key, VERIFY_KEY_BYTES);
    match_rows(state, &key);
    match_targets(state);
    match_gaps(state);
}
