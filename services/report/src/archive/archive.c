#include "archive/archive.h"

#include "archive/tar_zst.h"
#include "archive/unpack.h"
#include "archive/zip_reader.h"
#include "archive/zip_writer.h"

#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARCHIVE_PATH_SIZE = 4096 + ARCHIVE_NAME_MAX, NAMES_MAX_BYTES = 1024 * 1024 * 1024 };

/* ---- which ---- */

static const struct {
    const char *ending, *magic;
    enum archive_format format;
} formats[] = {{".zip", "PK\x03\x04", ARCHIVE_ZIP},
               {".zip", "PK\x05\x06", ARCHIVE_ZIP}, /* an empty one */
               {".tar.zst", "\x28\xb5\x2f\xfd", ARCHIVE_TAR_ZST}};

enum archive_format archive_format_of_name(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        size_t ending = strlen(formats[i].ending);

        if (len > ending && mu_text_equal(name + len - ending, formats[i].ending))
            return formats[i].format;
    }
    return ARCHIVE_NONE;
}

/* By the first bytes of the file; ARCHIVE_NONE also when it cannot be read. */
static enum archive_format archive_format_of_file(const char *path)
{
    MU_AUTO_FILE FILE *in = fopen(path, "re");
    char head[4];

    if (!in || fread(head, 1, sizeof(head), in) != sizeof(head))
        return ARCHIVE_NONE;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (memcmp(head, formats[i].magic, sizeof(head)) == 0)
            return formats[i].format;
    return ARCHIVE_NONE;
}

/* ---- packing ---- */

struct names {
    struct mu_arena *arena;
    char **items;
    size_t count, capacity;
};

static enum mu_status add_name(struct names *names, const char *name, struct mu_error *err)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? 2 * names->capacity : 256;
        char **items = realloc(names->items, capacity * sizeof(*items));

        if (!items)
            return mu_fail(err, MU_E_NOMEM, "out of memory");
        names->items = items;
        names->capacity = capacity;
    }
    names->items[names->count] = mu_arena_strdup(names->arena, name);
    if (!names->items[names->count])
        return mu_fail(err, MU_E_LIMIT, "the names of the files take more than %d bytes",
                       NAMES_MAX_BYTES);
    names->count++;
    return MU_OK;
}

static enum mu_status list_folder(const char *folder, const char *prefix, int depth,
                                  struct names *names, struct mu_error *err);

static enum mu_status list_one(const char *folder, const char *name, int depth, struct names *names,
                               struct mu_error *err)
{
    char path[ARCHIVE_PATH_SIZE];
    struct stat status;

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path) ||
        strlen(name) > ARCHIVE_NAME_MAX)
        return mu_fail(err, MU_E_LIMIT, "name '%.100s...' is too long", name);
    if (lstat(path, &status) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return list_folder(folder, name, depth + 1, names, err);
    if (!S_ISREG(status.st_mode))
        return mu_fail(err, MU_E_CONFLICT, "'%s' is no plain file", path);
    return add_name(names, name, err);
}

static enum mu_status list_folder(const char *folder, const char *prefix, int depth,
                                  struct names *names, struct mu_error *err)
{
    char path[ARCHIVE_PATH_SIZE], name[ARCHIVE_PATH_SIZE];
    enum mu_status st = MU_OK;
    struct dirent *entry;
    DIR *dir;

    if (depth >= ARCHIVE_MAX_DEPTH)
        return mu_fail(err, MU_E_LIMIT, "'%s' lies too deep", prefix);
    (void)snprintf(path, sizeof(path), "%s/%s", folder, prefix);
    dir = opendir(path);
    if (!dir)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    while (st == MU_OK && (entry = readdir(dir))) {
        if (mu_text_equal(entry->d_name, ".") || mu_text_equal(entry->d_name, ".."))
            continue;
        if (snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "/" : "", entry->d_name) >=
            (int)sizeof(name))
            st = mu_fail(err, MU_E_LIMIT, "name '%.100s...' is too long", entry->d_name);
        else
            st = list_one(folder, name, depth, names, err);
    }
    (void)closedir(dir);
    return st;
}

/* The manifest says what is to come, so it comes first, with its signatures. */
static int by_name(const void *left, const void *right)
{
    const char *a = *(const char *const *)left, *b = *(const char *const *)right;
    bool a_first = mu_text_starts(a, "manifest.json"), b_first = mu_text_starts(b, "manifest.json");

    return a_first != b_first ? b_first - a_first : strcmp(a, b);
}

typedef enum mu_status add_fn(void *writer, const char *name, const char *path,
                              struct mu_error *err);

static enum mu_status add_all(const char *folder, const struct names *names, add_fn *add,
                              void *writer, struct mu_error *err)
{
    char path[ARCHIVE_PATH_SIZE];
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < names->count; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names->items[i]);
        st = add(writer, names->items[i], path, err);
    }
    return st;
}

static enum mu_status add_zip(void *writer, const char *name, const char *path,
                              struct mu_error *err)
{
    return zip_writer_add(writer, name, path, err);
}

static enum mu_status add_tar(void *writer, const char *name, const char *path,
                              struct mu_error *err)
{
    return tar_zst_writer_add(writer, name, path, err);
}

static enum mu_status pack_zip(const char *folder, const struct names *names, FILE *out,
                               struct mu_error *err)
{
    MU_AUTO(zip_writer) struct zip_writer *writer = NULL;
    enum mu_status st = zip_writer_new(out, &writer, err);

    if (st == MU_OK)
        st = add_all(folder, names, add_zip, writer, err);
    return st == MU_OK ? zip_writer_finish(writer, err) : st;
}

static enum mu_status pack_tar(const char *folder, const struct names *names, FILE *out,
                               struct mu_error *err)
{
    MU_AUTO(tar_zst_writer) struct tar_zst_writer *writer = NULL;
    enum mu_status st = tar_zst_writer_new(out, &writer, err);

    if (st == MU_OK)
        st = add_all(folder, names, add_tar, writer, err);
    return st == MU_OK ? tar_zst_writer_finish(writer, err) : st;
}

static enum mu_status pack(const char *folder, enum archive_format format, const char *path,
                           const struct names *names, struct mu_error *err)
{
    MU_AUTO_FILE FILE *out = fopen(path, "wxe");
    enum mu_status st;

    if (!out)
        return mu_fail(err, errno == EEXIST ? MU_E_CONFLICT : MU_E_UNAVAILABLE, "'%s': %s", path,
                       strerror(errno));
    st = format == ARCHIVE_ZIP ? pack_zip(folder, names, out, err)
                               : pack_tar(folder, names, out, err);
    if (st == MU_OK && (fflush(out) != 0 || fsync(fileno(out)) != 0))
        st = mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    if (st != MU_OK)
        (void)unlink(path);
    return st;
}

enum mu_status archive_pack(const char *folder, enum archive_format format, const char *path,
                            struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(NAMES_MAX_BYTES);
    struct names names = {.arena = arena};
    enum mu_status st = list_folder(folder, "", 0, &names, err);

    if (st == MU_OK && names.count > 0)
        qsort(names.items, names.count, sizeof(*names.items), by_name);
    if (st == MU_OK)
        st = pack(folder, format, path, &names, err);
    free(names.items);
    return st == MU_OK ? MU_OK : mu_wrap(err, "archive");
}

/* ---- unpacking ---- */

enum mu_status archive_unpack(const char *path, const struct archive_limits *limits,
                              const char *only, const char *folder,
                              char ret_entry[ARCHIVE_NAME_MAX + 1], struct mu_error *err)
{
    struct unpack unpack = {.folder = folder, .limits = *limits, .only = only, .fd = -1};
    enum mu_status st;

    switch (archive_format_of_file(path)) {
    case ARCHIVE_ZIP:
        st = zip_unpack(path, &unpack, err);
        break;
    case ARCHIVE_TAR_ZST:
        st = tar_zst_unpack(path, &unpack, err);
        break;
    default:
        st = mu_fail(err, MU_E_INVALID, "is neither a zip nor a tar.zst");
    }
    unpack_done(&unpack);
    (void)snprintf(ret_entry, ARCHIVE_NAME_MAX + 1, "%s", st == MU_OK ? "" : unpack.name);
    return st;
}
