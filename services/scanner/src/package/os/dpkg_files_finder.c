/*
 * Which package a file belongs to: dpkg's lists info/PACKAGE.list and info/PACKAGE:ARCH.list (a
 * path a line, folders among them), and, where status.d replaces the database, the checksums
 * PACKAGE.md5sums ("checksum  path" a line). Source: dpkg's man pages dpkg-query(1),
 * deb-md5sums(5).
 */
#include "package/os/os_finders.h"

#include "base/text.h"
#include "package/os/os_path.h"
#include "package/os/os_text.h"

#include <string.h>

enum { LIST_MAX_BYTES = 64 << 20, MD5_DIGITS = 32 };

struct line {
    const char *text;
    size_t len;
};

/* The package that a file of `folders` is named after; false: another kind of file. */
static bool package_of(const char *name, const char *suffix,
                       char ret_package[OS_WORD_MAX_BYTES + 1])
{
    size_t len = name ? strlen(name) : 0;
    const char *colon;

    if (len <= strlen(suffix) || len > OS_WORD_MAX_BYTES || !mu_text_ends(name, suffix))
        return false;
    colon = strchr(name, ':'); /* before the architecture, where several can be installed */
    len = colon ? (size_t)(colon - name) : len - strlen(suffix);
    if (!os_word_usable(name, len))
        return false;
    memcpy(ret_package, name, len);
    ret_package[len] = '\0';
    return true;
}

static struct line line_at(const struct finder_input *input, size_t at)
{
    const char *text = (const char *)input->bytes + at;
    const char *newline = at < input->len ? memchr(text, '\n', input->len - at) : NULL;

    return (struct line){.text = text, .len = newline ? (size_t)(newline - text) : input->len - at};
}

static enum mu_status file_tell(struct line line, const char *package,
                                const struct finder_sink *sink, struct mu_error *err)
{
    char path[OS_FILE_MAX_BYTES + 1];
    size_t len;
    const char *file = os_file_usable(line.text, line.len, &len);

    if (!file)
        return MU_OK;
    memcpy(path, file, len);
    path[len] = '\0';
    return sink->owns(sink->opaque, "deb", package, path, err);
}

/* A folder comes before what is in it: no need to tell it. */
static bool is_folder_of(struct line line, struct line next)
{
    return next.len > line.len && next.text[line.len] == '/' &&
           memcmp(next.text, line.text, line.len) == 0;
}

static enum mu_status list_read(const struct finder_input *input, const struct finder_sink *sink,
                                struct mu_error *err)
{
    char package[OS_WORD_MAX_BYTES + 1];
    struct line line = line_at(input, 0);

    if (!package_of(os_path_child(input->path, "var/lib/dpkg/info/"), ".list", package))
        return mu_fail(err, MU_E_INVALID, "a list of files of no package");
    for (size_t at = 0; at < input->len;) {
        struct line next;

        at += line.len + 1;
        next = line_at(input, at < input->len ? at : input->len);
        if (!is_folder_of(line, next) && file_tell(line, package, sink, err) != MU_OK)
            return err->status;
        line = next;
    }
    return MU_OK;
}

static const char *md5sums_name(const char *path)
{
    const char *name = os_path_child(path, "var/lib/dpkg/status.d/");

    return name ? name : os_path_child(path, "usr/lib/dpkg/status.d/");
}

static enum mu_status md5sums_read(const struct finder_input *input, const struct finder_sink *sink,
                                   struct mu_error *err)
{
    char package[OS_WORD_MAX_BYTES + 1];

    if (!package_of(md5sums_name(input->path), ".md5sums", package))
        return mu_fail(err, MU_E_INVALID, "checksums of no package");
    for (size_t at = 0; at < input->len;) {
        struct line line = line_at(input, at);

        at += line.len + 1;
        if (line.len <= MD5_DIGITS + 2 || line.text[MD5_DIGITS] != ' ')
            continue;
        line.text += MD5_DIGITS + 2; /* a blank, and a blank or '*' */
        line.len -= MD5_DIGITS + 2;
        if (file_tell(line, package, sink, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static bool list_wants(const struct finder_entry *entry)
{
    char package[OS_WORD_MAX_BYTES + 1];

    return package_of(os_path_child(entry->path, "var/lib/dpkg/info/"), ".list", package);
}

static bool md5sums_wants(const struct finder_entry *entry)
{
    char package[OS_WORD_MAX_BYTES + 1];

    return package_of(md5sums_name(entry->path), ".md5sums", package);
}

const struct finder finder_dpkg_list = {.name = "dpkg-list",
                                        .version = 1,
                                        .max_bytes = LIST_MAX_BYTES,
                                        .required = false,
                                        .wants = list_wants,
                                        .read = list_read};

const struct finder finder_dpkg_md5sums = {.name = "dpkg-md5sums",
                                           .version = 1,
                                           .max_bytes = LIST_MAX_BYTES,
                                           .required = false,
                                           .wants = md5sums_wants,
                                           .read = md5sums_read};
