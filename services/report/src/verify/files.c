/* The manifest against the files, both ways. */
#include "verify/state.h"

#include "bundle/folder.h"
#include "bundle/layout.h"
#include "bundle/manifest.h"

#include "base/sha256.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A name of the manifest may not lead out of the folder. */
static bool name_is_safe(const char *name)
{
    return *name && name[0] != '/' && !strstr(name, "..");
}

static const char *const evidence_folders[] = {BUNDLE_RAW_SCANS, BUNDLE_REPORTS};
#define EVIDENCE_FOLDERS (sizeof(evidence_folders) / sizeof(evidence_folders[0]))

/* The name within a folder of evidence; NULL: it is in none. */
static const char *evidence_stem(const char *name)
{
    for (size_t i = 0; i < EVIDENCE_FOLDERS; i++) {
        size_t len = strlen(evidence_folders[i]);

        if (strncmp(name, evidence_folders[i], len) == 0 && name[len] == '/')
            return name + len + 1;
    }
    return NULL;
}

/* Evidence is named by what it holds. */
static bool name_tells_digest(const char *name, const char *digest)
{
    const char *stem = evidence_stem(name);
    const size_t prefix = strlen("sha256:"), len = MU_DIGEST_TEXT_SIZE - 1 - prefix;

    return !stem ||
           (strncmp(stem, digest + prefix, len) == 0 && mu_text_equal(stem + len, ".json"));
}

static void check_bytes(struct verify_state *state, const char *name, const char *path,
                        const json_t *entry)
{
    const char *expected = mu_json_text_at(entry, "sha256");
    char digest[MU_DIGEST_TEXT_SIZE];
    uint64_t size_bytes = 0;
    struct mu_error err;

    if (manifest_hash_file(path, digest, &size_bytes, &err) != MU_OK)
        verify_difference(state, "files", name, "cannot be read: %s", err.message);
    else if (!mu_text_equal(digest, expected))
        verify_difference(state, "files", name, "SHA-256 is %s, the manifest says %s", digest,
                          expected);
    else if (json_integer_value(json_object_get(entry, "size_bytes")) != (json_int_t)size_bytes)
        verify_difference(state, "files", name, "the manifest gives another size");
    else if (!name_tells_digest(name, digest))
        verify_difference(state, "files", name, "is not named by its SHA-256, %s", digest);
}

static void check_file(struct verify_state *state, const char *name, const json_t *entry)
{
    char path[VERIFY_PATH_SIZE];

    state->summary.files++;
    if (!name_is_safe(name) || !mu_json_text_at(entry, "sha256"))
        verify_difference(state, "files", name, "the manifest's entry is not usable");
    else if (verify_path(state, name, path))
        check_bytes(state, name, path, entry);
}

/* What stands in the package itself without being listed. */
static bool is_own(const char *name)
{
    bool own = mu_text_equal(name, BUNDLE_MANIFEST);

    for (size_t i = 0; !own && bundle_folders[i]; i++)
        own = mu_text_equal(name, bundle_folders[i]);
    return own;
}

/* Files that the manifest does not know, of one folder. */
static void check_extra(struct verify_state *state, const char *prefix)
{
    const json_t *files = json_object_get(state->manifest, "files");
    char path[VERIFY_PATH_SIZE], name[VERIFY_PATH_SIZE];
    struct dirent *entry;
    DIR *dir;

    if (snprintf(path, sizeof(path), "%s/%s", state->folder, prefix) >= (int)sizeof(path))
        return;
    dir = opendir(path);
    if (!dir && errno != ENOENT)
        verify_difference(state, "files", *prefix ? prefix : ".", "cannot be read: %s",
                          strerror(errno));
    while (dir && (entry = readdir(dir))) {
        if (mu_text_equal(entry->d_name, ".") || mu_text_equal(entry->d_name, ".."))
            continue;
        (void)snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "/" : "", entry->d_name);
        if (!*prefix && is_own(name))
            continue;
        if (!json_object_get(files, name))
            verify_difference(state, "files", name, "is in the folder but not in the manifest");
    }
    if (dir)
        (void)closedir(dir);
}

/* A package without one of these says nothing. */
static void check_listed(struct verify_state *state)
{
    static const char *const names[] = {BUNDLE_WORKBOOK, BUNDLE_GAPS, BUNDLE_NOT_RUNNING,
                                        BUNDLE_CONTAINERS};
    const json_t *files = json_object_get(state->manifest, "files");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!json_object_get(files, names[i]))
            verify_difference(state, "files", names[i], "is not in the manifest");
}

/* A folder of evidence must be a folder of the package, not a way out of it. */
static bool folder_is_here(struct verify_state *state, const char *name)
{
    char path[VERIFY_PATH_SIZE];
    struct stat status;

    if (snprintf(path, sizeof(path), "%s/%s", state->folder, name) >= (int)sizeof(path) ||
        lstat(path, &status) != 0 || S_ISDIR(status.st_mode))
        return true; /* absent: each listed file of it says so */
    verify_difference(state, "files", name, "is no folder");
    return false;
}

static bool folders_are_here(struct verify_state *state)
{
    bool here = true;

    for (size_t i = 0; bundle_folders[i]; i++)
        here = folder_is_here(state, bundle_folders[i]) && here;
    return here;
}

void verify_take_manifest(struct verify_state *state, json_t *manifest)
{
    if (mu_text_equal(mu_json_text_at(manifest, "schema"), BUNDLE_SCHEMA) &&
        json_is_object(json_object_get(manifest, "files"))) {
        state->manifest = manifest;
        return;
    }
    verify_difference(state, "files", BUNDLE_MANIFEST, "is not of schema %s", BUNDLE_SCHEMA);
    json_decref(manifest);
}

void verify_files(struct verify_state *state)
{
    json_t *manifest, *entry;
    const char *name;

    if (!folders_are_here(state))
        return;
    manifest = verify_read_json(state, BUNDLE_MANIFEST);
    if (manifest)
        verify_take_manifest(state, manifest);
    if (!state->manifest)
        return;
    json_object_foreach (json_object_get(state->manifest, "files"), name, entry) {
        check_file(state, name, entry);
    }
    check_listed(state);
    check_extra(state, "");
    for (size_t i = 0; bundle_folders[i]; i++)
        check_extra(state, bundle_folders[i]);
}
