/* The manifest against the files, both ways. */
#include "verify/state.h"

#include "bundle/layout.h"
#include "bundle/manifest.h"

#include "base/sha256.h"
#include "base/text.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

/* A name of the manifest may not lead out of the folder. */
static bool name_is_safe(const char *name)
{
    return *name && name[0] != '/' && !strstr(name, "..");
}

static void check_file(struct verify_state *state, const char *name, const json_t *entry)
{
    const char *expected = mu_json_text_at(entry, "sha256");
    char path[VERIFY_PATH_SIZE], digest[MU_DIGEST_TEXT_SIZE];
    uint64_t size_bytes = 0;
    struct mu_error err;

    state->summary.files++;
    if (!name_is_safe(name) || !expected ||
        snprintf(path, sizeof(path), "%s/%s", state->folder, name) >= (int)sizeof(path)) {
        verify_difference(state, "files", name, "the manifest's entry is not usable");
        return;
    }
    if (manifest_hash_file(path, digest, &size_bytes, &err) != MU_OK)
        verify_difference(state, "files", name, "is in the manifest but cannot be read: %s",
                          err.message);
    else if (!mu_text_equal(digest, expected))
        verify_difference(state, "files", name, "SHA-256 is %s, the manifest says %s", digest,
                          expected);
    else if (json_integer_value(mu_json_at(entry, "size_bytes")) != (json_int_t)size_bytes)
        verify_difference(state, "files", name, "the manifest gives another size");
}

/* Files that the manifest does not know; one level of folders. */
static void check_extra(struct verify_state *state, const char *prefix)
{
    const json_t *files = json_object_get(state->manifest, "files");
    char path[VERIFY_PATH_SIZE], name[VERIFY_PATH_SIZE];
    struct dirent *entry;
    DIR *dir;

    if (snprintf(path, sizeof(path), "%s/%s", state->folder, prefix) >= (int)sizeof(path))
        return;
    dir = opendir(path);
    while (dir && (entry = readdir(dir))) {
        if (mu_text_equal(entry->d_name, ".") || mu_text_equal(entry->d_name, ".."))
            continue;
        if (snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "/" : "", entry->d_name) >=
            (int)sizeof(name))
            continue;
        if (!*prefix &&
            (mu_text_equal(name, BUNDLE_MANIFEST) || mu_text_equal(name, BUNDLE_RAW_SCANS)))
            continue;
        if (!json_object_get(files, name))
            verify_difference(state, "files", name, "is in the folder but not in the manifest");
    }
    if (dir)
        (void)closedir(dir);
}

void verify_files(struct verify_state *state)
{
    json_t *entry;
    const char *name;

    state->manifest = verify_read_json(state, BUNDLE_MANIFEST);
    if (!state->manifest)
        return;
    if (!mu_text_equal(mu_json_text_at(state->manifest, "schema"), BUNDLE_SCHEMA)) {
        verify_difference(state, "files", BUNDLE_MANIFEST, "is not of schema %s", BUNDLE_SCHEMA);
        return;
    }
    json_object_foreach (json_object_get(state->manifest, "files"), name, entry) {
        check_file(state, name, entry);
    }
    check_extra(state, "");
    check_extra(state, BUNDLE_RAW_SCANS);
}
