/*
 * The record of a closed month: close.json speaks of the month that the manifest speaks of, and the
 * close.json of last month's package is one that it names.
 */
#include "verify/state.h"

#include "verify/place.h"

#include "bundle/layout.h"
#include "bundle/manifest.h"
#include "store/close_record.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { RECORD_ARENA_BYTES = 16 * 1024 * 1024 };

/* ---- this package's ---- */

static void compare(struct verify_state *state, const char *member, const char *said)
{
    const char *manifest = mu_json_text_at(state->manifest, member);

    if (manifest && !mu_text_equal(manifest, said))
        verify_difference(state, "chain", BUNDLE_CLOSE, "is of %s %s, %s of %s", member, said,
                          BUNDLE_MANIFEST, manifest);
}

static void compare_time(struct verify_state *state, const char *member, int64_t at_us)
{
    char text[MU_TIME_TEXT_SIZE];

    mu_time_format(at_us, text);
    compare(state, member, text);
}

static enum mu_status read_whole(FILE *in, struct mu_buf *out, struct mu_error *err)
{
    char bytes[8192];
    size_t len;

    while ((len = fread(bytes, 1, sizeof(bytes), in)) > 0)
        mu_buf_append(out, bytes, len);
    return ferror(in) ? mu_fail(err, MU_E_UNAVAILABLE, "it cannot be read")
                      : mu_buf_status(out, "it", err);
}

/* False where there is none that can be read; what is wrong was recorded. */
static bool read_record(struct verify_state *state, struct mu_arena *arena,
                        struct close_record *ret_record)
{
    MU_AUTO_FILE FILE *in =
            verify_lists(state, BUNDLE_CLOSE) ? verify_open(state, BUNDLE_CLOSE) : NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct mu_error err;

    mu_buf_init(&bytes, CLOSE_RECORD_MAX_BYTES);
    if (!in)
        return false;
    if (read_whole(in, &bytes, &err) != MU_OK ||
        close_record_parse(bytes.data ? bytes.data : "", bytes.len, arena, ret_record, &err) !=
                MU_OK) {
        verify_difference(state, "chain", BUNDLE_CLOSE, "is no record of a close: %s", err.message);
        return false;
    }
    compare(state, "month", ret_record->month);
    compare_time(state, "as_of", ret_record->as_of_us);
    compare_time(state, "known_at", ret_record->known_at_us);
    return true;
}

/* ---- last month's ---- */

/* A close.json alone, or a package. */
static enum mu_status hash_previous(const char *path, uint64_t max_bytes,
                                    char ret_digest[MU_DIGEST_TEXT_SIZE], struct mu_error *err)
{
    MU_AUTO_DONE(verify_place_close) struct verify_place place = {.folder = ""};
    char entry[ARCHIVE_NAME_MAX + 1], record[VERIFY_PATH_SIZE];
    uint64_t size_bytes;
    enum mu_status st;

    if (mu_text_ends(path, ".json"))
        return manifest_hash_file(path, ret_digest, &size_bytes, err);
    st = verify_place_open(path, BUNDLE_CLOSE, max_bytes, &place, entry, err);
    if (st != MU_OK)
        return st;
    if (snprintf(record, sizeof(record), "%s/%s", place.folder, BUNDLE_CLOSE) >=
        (int)sizeof(record))
        return mu_fail(err, MU_E_LIMIT, "path '%.100s...' is too long", path);
    return manifest_hash_file(record, ret_digest, &size_bytes, err);
}

/* Last month, or another close that stands right before this one. */
static bool is_named(const struct close_record *record, const char *digest)
{
    return (record->has_previous_month && mu_text_equal(record->previous_month.sha256, digest)) ||
           (record->has_previous && mu_text_equal(record->previous.sha256, digest)) ||
           (record->has_replaces && mu_text_equal(record->replaces.sha256, digest));
}

static void compare_link(struct verify_state *state, const struct close_record *record,
                         const char *digest)
{
    const struct close_link *link =
            record->has_previous_month ? &record->previous_month : &record->previous;

    if (is_named(record, digest))
        return;
    if (!record->has_previous && !record->has_previous_month)
        verify_difference(state, "chain", BUNDLE_CLOSE,
                          "names no close before it: it is the first of its store");
    else
        verify_difference(state, "chain", BUNDLE_CLOSE,
                          "names %s as close.json of %s revision %lld, but that of --previous is "
                          "%s",
                          link->sha256, link->month, (long long)link->revision, digest);
}

enum mu_status verify_chain(struct verify_state *state, const struct verify_request *request,
                            struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(RECORD_ARENA_BYTES);
    struct close_record record;
    char digest[MU_DIGEST_TEXT_SIZE];
    const bool is_closed = read_record(state, arena, &record);

    if (!request->previous || !state->manifest)
        return MU_OK;
    if (!is_closed) {
        if (!verify_lists(state, BUNDLE_CLOSE))
            verify_difference(state, "chain", BUNDLE_CLOSE,
                              "is not there: a preview names no month before it");
        return MU_OK;
    }
    if (hash_previous(request->previous, request->max_bytes, digest, err) != MU_OK) {
        if (err->status == MU_E_INVALID || err->status == MU_E_LIMIT) {
            verify_difference(state, "chain", request->previous, "cannot be read: %s",
                              err->message);
            return MU_OK;
        }
        return mu_wrap(err, "--previous");
    }
    compare_link(state, &record, digest);
    return MU_OK;
}
