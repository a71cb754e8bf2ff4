/*
 * apk's database of installed packages: blocks of "X:value" lines, an empty line after each. The
 * letter's case matters. A file is R: in the folder of the last F: before it.
 * Source: apk-tools' src/database.c, where the lists of files are read and written.
 */
#include "package/os/os_finders.h"

#include "base/memory.h"
#include "package/os/os_path.h"
#include "package/os/os_text.h"

#include <string.h>

enum { INSTALLED_MAX_BYTES = 64 << 20, ARENA_MAX_BYTES = 32 << 10 };

/* The second is where systems with everything below usr keep it (Wolfi, Alpine from 3.22 on). */
static const char *const installed_paths[] = {"lib/apk/db/installed", "usr/lib/apk/db/installed"};

struct slice {
    const char *text; /* NULL: absent */
    size_t len;
};

/* One block while it is read. The package is told before its first file. */
struct block {
    struct slice name, version, architecture, origin, license;
    struct slice folder; /* of the last F: */
    bool any;            /* it has a line */
    bool told;           /* the package was: `kept_name` names it */
    bool left_out;       /* it is unreadable or no real package */
    const char *kept_name;
};

struct reading {
    const struct finder_sink *sink;
    struct mu_arena *arena; /* of one block */
    struct block block;
    size_t unreadable;
};

static bool word_usable(struct slice slice)
{
    return slice.text && os_word_usable(slice.text, slice.len);
}

static const char *word_keep(struct mu_arena *arena, struct slice slice)
{
    return word_usable(slice) ? mu_arena_strndup(arena, slice.text, slice.len) : NULL;
}

static const char *line_keep(struct mu_arena *arena, struct slice slice)
{
    return slice.text && os_line_usable(slice.text, slice.len)
                   ? mu_arena_strndup(arena, slice.text, slice.len)
                   : NULL;
}

/* "apk add --virtual .name" makes a package that has nothing in it. */
static bool is_virtual(struct slice name)
{
    return name.len > 0 && name.text[0] == '.';
}

static enum mu_status package_tell(struct reading *reading, struct mu_error *err)
{
    struct block *block = &reading->block;
    struct mu_arena *arena = reading->arena;
    struct found_package package = {.type = "apk",
                                    .architecture = word_keep(arena, block->architecture),
                                    .license = line_keep(arena, block->license)};

    block->told = true;
    if (!word_usable(block->name) || !word_usable(block->version)) {
        block->left_out = true;
        reading->unreadable++;
        return MU_OK;
    }
    block->left_out = is_virtual(block->name);
    package.name = block->kept_name = word_keep(arena, block->name);
    package.version = package.source_version = word_keep(arena, block->version);
    package.source_name =
            word_usable(block->origin) ? word_keep(arena, block->origin) : package.name;
    if (!package.name || !package.version || !package.source_name)
        return mu_fail(err, MU_E_NOMEM, "no memory for a package");
    return block->left_out ? MU_OK : reading->sink->package(reading->sink->opaque, &package, err);
}

static enum mu_status file_tell(struct reading *reading, struct slice base, struct mu_error *err)
{
    const struct block *block = &reading->block;
    char joined[2 * OS_FILE_MAX_BYTES + 2];
    const char *path;
    size_t at = block->folder.len, len;

    if (block->left_out || at > OS_FILE_MAX_BYTES || base.len > OS_FILE_MAX_BYTES)
        return MU_OK;
    if (at > 0) {
        memcpy(joined, block->folder.text, at);
        joined[at++] = '/';
    }
    memcpy(joined + at, base.text, base.len);
    joined[at + base.len] = '\0';
    path = os_file_usable(joined, at + base.len, &len);
    return path ? reading->sink->owns(reading->sink->opaque, "apk", block->kept_name, path, err)
                : MU_OK;
}

static enum mu_status block_end(struct reading *reading, struct mu_error *err)
{
    if (reading->block.any && !reading->block.told && package_tell(reading, err) != MU_OK)
        return err->status;
    reading->block = (struct block){0};
    mu_arena_reset(reading->arena);
    return MU_OK;
}

static enum mu_status line_take(struct reading *reading, struct slice line, struct mu_error *err)
{
    struct block *block = &reading->block;
    const struct {
        char letter;
        struct slice *to;
    } fields[] = {{'P', &block->name},   {'V', &block->version}, {'A', &block->architecture},
                  {'o', &block->origin}, {'L', &block->license}, {'F', &block->folder}};
    struct slice value;

    block->any = true;
    if (line.len < 2 || line.text[1] != ':')
        return MU_OK;
    value = (struct slice){.text = line.text + 2, .len = line.len - 2};
    if ((line.text[0] == 'F' || line.text[0] == 'R') && !block->told &&
        package_tell(reading, err) != MU_OK)
        return err->status;
    if (line.text[0] == 'R')
        return file_tell(reading, value, err);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (fields[i].letter == line.text[0])
            *fields[i].to = value;
    }
    return MU_OK;
}

static bool installed_wants(const struct finder_entry *entry)
{
    return os_path_is_one_of(entry->path, installed_paths,
                             sizeof(installed_paths) / sizeof(installed_paths[0]));
}

static enum mu_status lines_read(struct reading *reading, const char *text, size_t len,
                                 struct mu_error *err)
{
    size_t at = 0;

    while (at < len) {
        const char *newline = memchr(text + at, '\n', len - at);
        size_t end = newline ? (size_t)(newline - text) : len;
        struct slice line = {.text = text + at, .len = end - at};

        if (line.len > 0 && line.text[line.len - 1] == '\r')
            line.len--;
        if ((line.len == 0 ? block_end(reading, err) : line_take(reading, line, err)) != MU_OK)
            return err->status;
        at = end + 1;
    }
    return block_end(reading, err);
}

static enum mu_status installed_read(const struct finder_input *input,
                                     const struct finder_sink *sink, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_MAX_BYTES);
    struct reading reading = {.sink = sink, .arena = arena};

    if (lines_read(&reading, (const char *)input->bytes, input->len, err) != MU_OK)
        return err->status;
    if (reading.unreadable > 0)
        return mu_fail(err, MU_E_INVALID, "%zu packages have no usable name or version",
                       reading.unreadable);
    return MU_OK;
}

const struct finder finder_apk_installed = {.name = "apk-installed",
                                            .version = 1,
                                            .max_bytes = INSTALLED_MAX_BYTES,
                                            .required = true,
                                            .wants = installed_wants,
                                            .read = installed_read};
