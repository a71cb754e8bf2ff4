#include "database/input.h"

#include "database/zip_input.h"
#include "layer/layer_inflate.h"

#include "base/clock.h"
#include "base/scope.h"
#include "base/sha256.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, FOLDER_DEPTH_MAX = 4 };

struct input {
    struct builder *builder;
    const struct document_kind *kind; /* asked for; NULL: told by content */
    struct document_tally *tally;
    struct mu_sha256 *hash;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

/* ---- one file ---- */

static enum mu_status take_document(void *opaque, const char *name, const char *bytes, size_t len,
                                    struct mu_error *err)
{
    const struct input *input = opaque;
    MU_AUTO(document)
    struct document *document = document_new(input->builder, input->kind, name, input->tally);
    enum mu_status st = document_feed(document, bytes, len, err);

    return st == MU_OK ? document_end(document, err) : st;
}

static enum mu_status on_bytes(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    return document_feed(opaque, bytes, len, err);
}

static enum mu_status read_failed(const char *path, struct mu_error *err)
{
    return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE, "'%s': %s", path,
                   strerror(errno));
}

/* Reads the file through, hashing it; `inflate` NULL: only that. */
static enum mu_status read_through(const struct input *input, int fd, const char *path,
                                   struct layer_inflate *inflate, struct mu_error *err)
{
    char bytes[READ_BYTES];
    enum mu_status st = MU_OK;
    ssize_t len;

    while (st == MU_OK && (len = read(fd, bytes, sizeof(bytes))) != 0) {
        if (len < 0)
            return read_failed(path, err);
        mu_sha256_update(input->hash, bytes, (size_t)len);
        if (inflate)
            st = layer_inflate_write(inflate, bytes, (size_t)len, err);
    }
    return st;
}

static enum mu_status read_stream(const struct input *input, int fd, const char *path,
                                  struct mu_error *err)
{
    MU_AUTO(layer_inflate) struct layer_inflate *inflate = NULL;
    MU_AUTO(document)
    struct document *document = document_new(input->builder, input->kind, path, input->tally);
    enum mu_status st = layer_inflate_new(on_bytes, document, &inflate, err);

    if (st == MU_OK)
        st = read_through(input, fd, path, inflate, err);
    if (st == MU_OK)
        st = layer_inflate_finish(inflate, err);
    if (st == MU_OK)
        st = document_end(document, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "'%s'", path);
}

static bool is_zip(int fd)
{
    char magic[4];

    return pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
           (memcmp(magic, "PK\3\4", 4) == 0 || memcmp(magic, "PK\5\6", 4) == 0);
}

static enum mu_status read_file(struct input *input, const char *path, struct mu_error *err)
{
    MU_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum mu_status st;

    if (fd < 0)
        return read_failed(path, err);
    if (!is_zip(fd))
        return read_stream(input, fd, path, err);
    st = read_through(input, fd, path, NULL, err);
    return st == MU_OK ? zip_input_read(path, take_document, input, err) : st;
}

/* ---- folders ---- */

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int compare_entries(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_feed(const char *name)
{
    static const char *const ends[] = {".json", ".yaml", ".yml", ".zip",  ".csv",
                                       ".gz",   ".zst",  ".csv", ".jsonl"};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (mu_text_ends(name, ends[i]))
            return true;
    return false;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as FOLDER_DEPTH_MAX
static enum mu_status read_folder(struct input *input, const char *path, unsigned depth,
                                  struct mu_error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_visible, compare_entries);
    enum mu_status st = MU_OK;

    if (count < 0)
        return read_failed(path, err);
    for (int i = 0; i < count; i++) {
        char file[PATH_MAX];
        struct stat status;

        if (st == MU_OK &&
            snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name) >= (int)sizeof(file))
            st = mu_fail(err, MU_E_LIMIT, "folder '%s': a path of too many bytes", path);
        if (st == MU_OK && stat(file, &status) != 0)
            st = read_failed(file, err);
        if (st == MU_OK && S_ISDIR(status.st_mode) && depth < FOLDER_DEPTH_MAX)
            st = read_folder(input, file, depth + 1, err);
        else if (st == MU_OK && S_ISREG(status.st_mode) && is_feed(entries[i]->d_name))
            st = read_file(input, file, err);
        free(entries[i]);
    }
    free(entries);
    return st;
}

/* ---- the input ---- */

static void add_source(const struct input *input, const char *path)
{
    const struct document_tally *tally = input->tally;
    struct builder_source source = {.name = base_name(path),
                                    .kind = tally->kind ? document_kind_name(tally->kind) : "",
                                    .records = tally->records,
                                    .rejected = tally->rejected,
                                    .newest_at_us = tally->newest_at_us};

    mu_sha256_final(input->hash, source.sha256);
    builder_add_source(input->builder, &source);
}

static enum mu_status read_path(struct input *input, const char *path, struct mu_error *err)
{
    struct stat status;
    enum mu_status st;

    if (stat(path, &status) != 0)
        return read_failed(path, err);
    st = S_ISDIR(status.st_mode) ? read_folder(input, path, 0, err) : read_file(input, path, err);
    if (st == MU_OK && input->tally->records == 0)
        st = mu_fail(err, MU_E_INVALID, "'%s': no record is in it", path);
    if (st == MU_OK)
        add_source(input, path);
    return st;
}

enum mu_status input_add(struct builder *builder, const char *spec, struct document_tally *tally,
                         struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    const char *colon = strchr(spec, ':');
    struct input input = {.builder = builder, .tally = tally, .hash = hash};

    tally->kind = NULL;
    tally->records = tally->rejected = 0;
    tally->newest_at_us = MU_TIME_NONE;
    (void)builder_newest_us(builder);
    if (colon)
        input.kind = document_kind_named(spec, (size_t)(colon - spec));
    return read_path(&input, input.kind ? colon + 1 : spec, err);
}
