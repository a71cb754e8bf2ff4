/* The manifest against the files, both ways. */
#include "verify/schema.h"
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

struct entry {
    const char *name, *sha256;
    int64_t size_bytes;
};

static void check_bytes(struct verify_state *state, const struct entry *entry, const char *path)
{
    char digest[MU_DIGEST_TEXT_SIZE];
    uint64_t size_bytes = 0;
    struct mu_error err;

    if (manifest_hash_file(path, digest, &size_bytes, &err) != MU_OK)
        verify_difference(state, "files", entry->name, "cannot be read: %s", err.message);
    else if (!mu_text_equal(digest, entry->sha256))
        verify_difference(state, "files", entry->name, "SHA-256 is %s, the manifest says %s",
                          digest, entry->sha256);
    else if (entry->size_bytes != (int64_t)size_bytes)
        verify_difference(state, "files", entry->name, "the manifest gives another size");
    else if (!name_tells_digest(entry->name, digest))
        verify_difference(state, "files", entry->name, "is not named by its SHA-256, %s", digest);
}

static void check_file(struct verify_state *state, const char *name, const json_t *value)
{
    const json_t *size = json_object_get(value, "size_bytes");
    const struct entry entry = {name, mu_json_text_at(value, "sha256"), json_integer_value(size)};
    char size_text[32], path[VERIFY_PATH_SIZE];

    state->summary.files++;
    (void)snprintf(size_text, sizeof(size_text), "%lld", (long long)entry.size_bytes);
    if (!verify_put(state->store, VERIFY_FILES,
                    (const char *const[]){name, entry.sha256, size_text}))
        verify_difference(state, "files", name, "stands in the manifest twice");
    else if (!name_is_safe(name) || !entry.sha256 || !json_is_integer(size))
        verify_difference(state, "files", name, "the manifest's entry is not usable");
    else if (verify_path(state, name, path))
        check_bytes(state, &entry, path);
}

/* What stands in the package itself without being listed. */
static bool is_own(const char *name)
{
    static const char *const names[] = {BUNDLE_MANIFEST, BUNDLE_SIGNATURE, BUNDLE_CMS,
                                        BUNDLE_TIMESTAMP};
    bool own = false;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        own = own || mu_text_equal(name, names[i]);
    for (size_t i = 0; bundle_folders[i]; i++)
        own = own || mu_text_equal(name, bundle_folders[i]);
    return own;
}

/* Files that the manifest does not know, of one folder. */
static void check_extra(struct verify_state *state, const char *prefix)
{
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
        if (!verify_lists(state, name))
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

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!verify_lists(state, names[i]))
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

/* ---- the manifest ---- */

struct manifest_reader {
    struct verify_state *state;
    json_t *members; /* without the files */
    bool has_files;
    struct schema_check check;
};

static enum json_stream_wish on_wish(void *opaque, const char *member, const char *key)
{
    (void)opaque;
    return schema_wish(&schema_manifest, member, key);
}

/* The schema is the first that a canonical manifest could be wrong in, but not its first member:
 * files are looked at all the same. */
static enum mu_status on_piece(void *opaque, const char *member, const char *key, json_t *value,
                               struct mu_error *err)
{
    struct manifest_reader *reader = opaque;

    (void)err;
    if (key && mu_text_equal(member, "files")) {
        reader->has_files = true;
        check_file(reader->state, key, value);
    } else if (member) {
        schema_piece(&reader->check, member, key, value);
        (void)json_object_set(reader->members, member, value);
    }
    return MU_OK;
}

void verify_read_manifest(struct verify_state *state, FILE *in)
{
    struct manifest_reader reader = {.state = state, .members = json_object()};
    const struct verify_pieces pieces = {false, on_wish, on_piece, &reader};
    bool whole;

    schema_begin(&reader.check, state, &schema_manifest, BUNDLE_MANIFEST);
    whole = verify_read_pieces(state, BUNDLE_MANIFEST, in, &pieces);
    schema_end(&reader.check, whole);
    if (!whole) {
        json_decref(reader.members);
        return;
    }
    if (mu_text_equal(mu_json_text_at(reader.members, "schema"), BUNDLE_SCHEMA) &&
        reader.has_files) {
        state->manifest = reader.members;
        return;
    }
    verify_difference(state, "files", BUNDLE_MANIFEST, "is not of schema %s", BUNDLE_SCHEMA);
    json_decref(reader.members);
}

void verify_files(struct verify_state *state)
{
    MU_AUTO_FILE FILE *in = folders_are_here(state) ? verify_open(state, BUNDLE_MANIFEST) : NULL;
    struct stat status;

    if (!in)
        return;
    if (fstat(fileno(in), &status) == 0 && status.st_size > (off_t)BUNDLE_MAX_JSON_BYTES)
        verify_difference(state, "files", BUNDLE_MANIFEST, "is larger than %d bytes",
                          BUNDLE_MAX_JSON_BYTES);
    else
        verify_read_manifest(state, in);
    if (!state->manifest)
        return;
    check_listed(state);
    check_extra(state, "");
    for (size_t i = 0; bundle_folders[i]; i++)
        check_extra(state, bundle_folders[i]);
}
