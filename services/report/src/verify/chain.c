/* Last month's package: its manifest is the one that this one names. */
#include "verify/state.h"

#include "verify/place.h"

#include "bundle/layout.h"
#include "bundle/manifest.h"

#include "base/sha256.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A manifest alone, or a package. */
static enum mu_status hash_previous(const char *path, uint64_t max_bytes,
                                    char ret_digest[MU_DIGEST_TEXT_SIZE], struct mu_error *err)
{
    MU_AUTO_DONE(verify_place_close) struct verify_place place = {.folder = ""};
    char entry[ARCHIVE_NAME_MAX + 1], manifest[VERIFY_PATH_SIZE];
    size_t len = strlen(path), ending = strlen(".json");
    uint64_t size_bytes;
    enum mu_status st;

    if (len > ending && mu_text_equal(path + len - ending, ".json"))
        return manifest_hash_file(path, ret_digest, &size_bytes, err);
    st = verify_place_open(path, BUNDLE_MANIFEST, max_bytes, &place, entry, err);
    if (st != MU_OK)
        return st;
    if (snprintf(manifest, sizeof(manifest), "%s/%s", place.folder, BUNDLE_MANIFEST) >=
        (int)sizeof(manifest))
        return mu_fail(err, MU_E_LIMIT, "path '%.100s...' is too long", path);
    return manifest_hash_file(manifest, ret_digest, &size_bytes, err);
}

enum mu_status verify_chain(struct verify_state *state, const struct verify_request *request,
                            struct mu_error *err)
{
    const char *told = mu_json_text_at(state->manifest, "previous.manifest_sha256");
    const char *month = mu_json_text_at(state->manifest, "previous.month");
    const char *own_month = mu_json_text_at(state->manifest, "month");
    char digest[MU_DIGEST_TEXT_SIZE];

    if (month && own_month && strcmp(month, own_month) >= 0)
        verify_difference(state, "chain", BUNDLE_MANIFEST, "of %s names %s as the month before",
                          own_month, month);
    if (!request->previous || !state->manifest)
        return MU_OK;
    if (hash_previous(request->previous, request->max_bytes, digest, err) != MU_OK) {
        if (err->status == MU_E_INVALID || err->status == MU_E_LIMIT) {
            verify_difference(state, "chain", request->previous, "cannot be read: %s",
                              err->message);
            return MU_OK;
        }
        return mu_wrap(err, "--previous");
    }
    if (!told)
        verify_difference(state, "chain", BUNDLE_MANIFEST, "names no package of the month before");
    else if (!mu_text_equal(told, digest))
        verify_difference(state, "chain", BUNDLE_MANIFEST,
                          "names %s as the manifest of %s, but that of --previous is %s", told,
                          month ? month : "the month before", digest);
    return MU_OK;
}
