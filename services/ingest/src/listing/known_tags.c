#include "listing/known_tags.h"

#include "base/memory.h"
#include "base/sha256.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "muster-listing-1"
#define END   "#end" /* no repository is named so */

enum { HEAD_FIELDS = 3, FOOT_FIELDS = 2, FIELD_SIZE = 96 };

/* ---- reading ---- */

struct known_tags {
    char *path;
    FILE *file; /* NULL: there is none */
    struct known_tags_head head;
    size_t read;
};

static enum mu_status damaged(const char *path, const char *what, struct mu_error *err)
{
    return mu_fail(err, MU_E_INVALID, "'%s' is damaged: %s", path, what);
}

/* One line without its newline, of at least one byte. MU_END at the end. */
static enum mu_status read_line(FILE *file, const char *path, char line[TAG_LINE_MAX_BYTES],
                                size_t *ret_len, struct mu_error *err)
{
    if (!fgets(line, TAG_LINE_MAX_BYTES, file))
        return ferror(file) ? mu_fail(err, MU_E_UNAVAILABLE, "read '%s': %s", path, strerror(errno))
                            : MU_END;
    *ret_len = strlen(line);
    if (*ret_len < 2 || line[*ret_len - 1] != '\n')
        return damaged(path, "a line is torn", err);
    line[--*ret_len] = '\0';
    return MU_OK;
}

/* "word TAB field TAB field": false when it is anything else. */
static bool split_fields(const char *line, const char *word, char fields[][FIELD_SIZE],
                         size_t count)
{
    if (!mu_text_starts(line, word))
        return false;
    line += strlen(word);
    for (size_t i = 0; i < count; i++) {
        size_t len = *line == '\t' ? strcspn(++line, "\t") : FIELD_SIZE;

        if (len >= FIELD_SIZE)
            return false;
        memcpy(fields[i], line, len);
        fields[i][len] = '\0';
        line += len;
    }
    return *line == '\0';
}

static bool read_number(const char *text, int64_t *ret_number)
{
    uint64_t number = 0;
    struct mu_error ignored;

    if (mu_text_to_u64(text, "number", &number, &ignored) != MU_OK || number > INT64_MAX)
        return false;
    *ret_number = (int64_t)number;
    return true;
}

static enum mu_status read_head(struct known_tags *known, const char *line, struct mu_error *err)
{
    char fields[HEAD_FIELDS][FIELD_SIZE];
    struct known_tags_head *head = &known->head;

    if (!split_fields(line, MAGIC, fields, HEAD_FIELDS) || !read_number(fields[0], &head->epoch) ||
        !read_number(fields[1], &head->generation) || !read_number(fields[2], &head->listed_at_us))
        return damaged(known->path, "its first line is not known", err);
    if (head->listed_at_us == 0)
        head->listed_at_us = MU_TIME_NONE;
    return MU_OK;
}

static enum mu_status check_foot(const struct known_tags *known, const char *line,
                                 const char *digest, struct mu_error *err)
{
    char fields[FOOT_FIELDS][FIELD_SIZE];
    int64_t count = 0;

    if (!split_fields(line, END, fields, FOOT_FIELDS) || !read_number(fields[0], &count) ||
        (size_t)count != known->head.count || !mu_text_equal(fields[1], digest))
        return damaged(known->path, "its sum is wrong", err);
    return MU_OK;
}

/* Lines are in order, so that none is there twice. */
static enum mu_status check_tag(struct known_tags *known, const char *line, size_t len,
                                struct tag_line *last, struct mu_error *err)
{
    struct tag_line tag;

    if (tag_line_parse(line, len, &tag, err) != MU_OK || tag.tag[0] == '\0' ||
        (known->head.count > 0 && tag_line_compare(last, &tag) >= 0))
        return damaged(known->path, "a line is wrong", err);
    *last = tag;
    known->head.count++;
    return MU_OK;
}

/* The whole file once, before anything of it is believed. */
static enum mu_status check_file(struct known_tags *known, struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    char line[TAG_LINE_MAX_BYTES], digest[MU_DIGEST_TEXT_SIZE];
    struct tag_line last;
    size_t len = 0;
    enum mu_status st = read_line(known->file, known->path, line, &len, err);

    if (st == MU_OK)
        st = read_head(known, line, err);
    while (st == MU_OK) {
        line[len] = '\n';
        mu_sha256_update(hash, line, len + 1);
        st = read_line(known->file, known->path, line, &len, err);
        if (st == MU_OK && mu_text_starts(line, END "\t"))
            break;
        if (st == MU_OK)
            st = check_tag(known, line, len, &last, err);
    }
    if (st == MU_END)
        return damaged(known->path, "its end is missing", err);
    if (st != MU_OK)
        return st;
    mu_sha256_final_text(hash, digest);
    if (check_foot(known, line, digest, err) != MU_OK)
        return err->status;
    st = read_line(known->file, known->path, line, &len, err);
    return st == MU_END ? MU_OK : damaged(known->path, "something follows its end", err);
}

/* To the first tag. */
static enum mu_status rewind_file(struct known_tags *known, struct mu_error *err)
{
    char line[TAG_LINE_MAX_BYTES];
    size_t len = 0;

    if (fseek(known->file, 0, SEEK_SET) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "seek '%s': %s", known->path, strerror(errno));
    return read_line(known->file, known->path, line, &len, err);
}

enum mu_status known_tags_open(const char *path, struct known_tags **ret_known,
                               struct mu_error *err)
{
    MU_AUTO(known_tags) struct known_tags *known = mu_xcalloc(1, sizeof(*known));
    enum mu_status st = MU_OK;

    known->path = mu_xstrdup(path);
    known->head = (struct known_tags_head){.epoch = mu_now_us(), .listed_at_us = MU_TIME_NONE};
    known->file = fopen(path, "re");
    if (!known->file && errno != ENOENT)
        return mu_fail(err, MU_E_UNAVAILABLE, "open '%s': %s", path, strerror(errno));
    if (known->file)
        st = check_file(known, err);
    if (known->file && st == MU_OK)
        st = rewind_file(known, err);
    if (st != MU_OK)
        return st;
    *ret_known = known;
    known = NULL;
    return MU_OK;
}

void known_tags_close(struct known_tags *known)
{
    if (!known)
        return;
    if (known->file)
        (void)fclose(known->file);
    free(known->path);
    free(known);
}

const struct known_tags_head *known_tags_head(const struct known_tags *known)
{
    return &known->head;
}

enum mu_status known_tags_next(struct known_tags *known, struct tag_line *ret_line,
                               struct mu_error *err)
{
    char line[TAG_LINE_MAX_BYTES];
    size_t len = 0;
    enum mu_status st;

    if (known->read == known->head.count)
        return MU_END;
    st = read_line(known->file, known->path, line, &len, err);
    if (st == MU_OK)
        st = tag_line_parse(line, len, ret_line, err);
    known->read += st == MU_OK;
    return st == MU_END ? damaged(known->path, "it was cut", err) : st;
}

/* ---- writing ---- */

struct known_tags_writer {
    char *path, *beside;
    FILE *file;
    struct mu_sha256 *hash;
    size_t count;
    bool committed;
};

static enum mu_status failed(const struct known_tags_writer *writer, const char *what,
                             struct mu_error *err)
{
    return mu_fail(err, MU_E_UNAVAILABLE, "%s '%s': %s", what, writer->beside, strerror(errno));
}

static enum mu_status put(struct known_tags_writer *writer, const struct mu_buf *line,
                          struct mu_error *err)
{
    mu_sha256_update(writer->hash, line->data, line->len);
    return fwrite(line->data, 1, line->len, writer->file) == line->len
                   ? MU_OK
                   : failed(writer, "write", err);
}

static char *beside(const char *path)
{
    char name[PATH_MAX];

    (void)snprintf(name, sizeof(name), "%s.new", path);
    return mu_xstrdup(name);
}

enum mu_status known_tags_write(const char *path, const struct known_tags_head *head,
                                struct known_tags_writer **ret_writer, struct mu_error *err)
{
    MU_AUTO(known_tags_writer)
    struct known_tags_writer *writer = mu_xcalloc(1, sizeof(*writer));
    MU_AUTO_DONE(mu_buf_done) struct mu_buf line;
    enum mu_status st;

    mu_buf_init(&line, TAG_LINE_MAX_BYTES);
    writer->path = mu_xstrdup(path);
    writer->beside = beside(path);
    writer->hash = mu_sha256_new();
    writer->file = fopen(writer->beside, "we");
    if (!writer->file)
        return failed(writer, "open", err);
    mu_buf_printf(&line, MAGIC "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\n", head->epoch,
                  head->generation, head->listed_at_us == MU_TIME_NONE ? 0 : head->listed_at_us);
    st = put(writer, &line, err);
    if (st != MU_OK)
        return st;
    *ret_writer = writer;
    writer = NULL;
    return MU_OK;
}

enum mu_status known_tags_add(struct known_tags_writer *writer, const struct tag_line *line,
                              struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st;

    mu_buf_init(&text, TAG_LINE_MAX_BYTES);
    st = tag_line_print(line, &text, err);
    if (st == MU_OK)
        st = put(writer, &text, err);
    writer->count += st == MU_OK;
    return st;
}

/* A rename is on disk when its folder is. */
static enum mu_status sync_folder(const struct known_tags_writer *writer, struct mu_error *err)
{
    MU_AUTO_FREE char *folder = mu_xstrdup(writer->path);
    MU_AUTO_FD int fd = -1;
    char *slash = strrchr(folder, '/');

    if (slash)
        *slash = '\0';
    fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? MU_OK : failed(writer, "sync folder of", err);
}

enum mu_status known_tags_commit(struct known_tags_writer *writer, struct mu_error *err)
{
    char digest[MU_DIGEST_TEXT_SIZE];

    mu_sha256_final_text(writer->hash, digest);
    if (fprintf(writer->file, END "\t%zu\t%s\n", writer->count, digest) < 0 ||
        fflush(writer->file) != 0)
        return failed(writer, "write", err);
    if (fsync(fileno(writer->file)) != 0)
        return failed(writer, "sync", err);
    if (rename(writer->beside, writer->path) != 0)
        return failed(writer, "rename", err);
    writer->committed = true;
    return sync_folder(writer, err);
}

void known_tags_writer_free(struct known_tags_writer *writer)
{
    if (!writer)
        return;
    if (writer->file)
        (void)fclose(writer->file);
    if (writer->file && !writer->committed)
        (void)unlink(writer->beside);
    mu_sha256_free(writer->hash);
    free(writer->path);
    free(writer->beside);
    free(writer);
}
