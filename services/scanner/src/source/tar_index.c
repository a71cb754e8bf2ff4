#include "source/tar_index.h"

#include "base/buf.h"
#include "base/memory.h"
#include "layer/tar_header.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    NAMES_MAX_BYTES = 64 * 1024 * 1024,
    META_MAX_BYTES = 1024 * 1024, /* one PAX header or long name */
    LINK_STEPS_MAX = 16
};

struct entry {
    const char *name, *link; /* link NULL: a file */
    uint64_t offset, size_bytes;
    size_t order; /* in the archive */
};

struct tar_index {
    struct mu_arena *names;
    struct entry *entries; /* by name, then order */
    size_t count, capacity;
};

/* The walk from header to header. */
struct walk {
    struct tar_index *index;
    int fd;
    uint64_t size_bytes, at;
    struct mu_buf pax, long_name, long_link; /* for the next entry; len 0: none */
};

static enum mu_status read_at(const struct walk *walk, uint64_t at, void *bytes, size_t len,
                              struct mu_error *err)
{
    size_t done = 0;

    if (at > walk->size_bytes || len > walk->size_bytes - at)
        return mu_fail(err, MU_E_INVALID, "the tar ends in the middle of an entry");
    while (done < len) {
        ssize_t n = pread(walk->fd, (char *)bytes + done, len - done, (off_t)(at + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return mu_fail(err, MU_E_UNAVAILABLE, "reading the tar: %s",
                           n < 0 ? strerror(errno) : "it became shorter");
        done += (size_t)n;
    }
    return MU_OK;
}

/* ---- names ---- */

/* Without "./" and "/" in front and '/' behind. Errors: MU_E_INVALID (".." in it), MU_E_LIMIT. */
static enum mu_status name_keep(struct tar_index *index, const char *name, size_t len,
                                const char **ret_name, struct mu_error *err)
{
    while (len > 0 && (name[0] == '/' || (name[0] == '.' && len > 1 && name[1] == '/'))) {
        size_t skipped = name[0] == '/' ? 1 : 2;

        name += skipped;
        len -= skipped;
    }
    while (len > 0 && name[len - 1] == '/')
        len--;
    if (len > TAR_INDEX_NAME_MAX)
        return mu_fail(err, MU_E_LIMIT, "a name of %zu bytes in the tar", len);
    *ret_name = mu_arena_strndup(index->names, name, len);
    if (!*ret_name)
        return mu_fail(err, MU_E_LIMIT, "the names in the tar need too much memory");
    return MU_OK;
}

static bool leads_out(const char *name)
{
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return true;
    }
    return false;
}

/* What a symbolic link at `name` leads to, seen from the archive's root; false: out of it. */
static bool link_join(const char *name, const char *target, char *ret_path, size_t size)
{
    const char *slash = strrchr(name, '/');
    size_t len = slash && target[0] != '/' ? (size_t)(slash - name) : 0;

    if (len >= size)
        return false;
    memcpy(ret_path, name, len);
    for (const char *part = target; *part != '\0';) {
        size_t part_len = strcspn(part, "/");

        if (part_len == 2 && part[0] == '.' && part[1] == '.') {
            if (len == 0)
                return false;
            while (len > 0 && ret_path[--len] != '/')
                continue;
        } else if (part_len > 0 && !(part_len == 1 && part[0] == '.')) {
            if (len + part_len + 2 > size)
                return false;
            if (len > 0)
                ret_path[len++] = '/';
            memcpy(ret_path + len, part, part_len);
            len += part_len;
        }
        part += part_len + (part[part_len] == '/');
    }
    ret_path[len] = '\0';
    return true;
}

/* ---- entries ---- */

static enum mu_status entry_add(struct tar_index *index, struct entry entry, struct mu_error *err)
{
    if (index->count == TAR_INDEX_ENTRIES_MAX)
        return mu_fail(err, MU_E_LIMIT, "more than %d entries in the tar", TAR_INDEX_ENTRIES_MAX);
    if (index->count == index->capacity) {
        size_t capacity = index->capacity ? 2 * index->capacity : 256;
        struct entry *entries = realloc(index->entries, capacity * sizeof(*entries));

        if (!entries)
            return mu_fail(err, MU_E_NOMEM, "no memory for the tar's entries");
        index->entries = entries;
        index->capacity = capacity;
    }
    entry.order = index->count;
    index->entries[index->count++] = entry;
    return MU_OK;
}

struct named {
    const char *name, *link;
    size_t name_len, link_len;
};

/* What the headers in front of an entry say of it. */
static enum mu_status names_of(const struct walk *walk, const struct tar_header *header,
                               struct named *ret_named, uint64_t *size_bytes, struct mu_error *err)
{
    struct tar_pax pax = {0};
    struct named named = {header->name, header->link, strlen(header->name), strlen(header->link)};

    if (walk->long_name.len > 0)
        named.name = walk->long_name.data, named.name_len = strlen(walk->long_name.data);
    if (walk->long_link.len > 0)
        named.link = walk->long_link.data, named.link_len = strlen(walk->long_link.data);
    if (walk->pax.len > 0 && tar_pax_parse(walk->pax.data, walk->pax.len, &pax, err) != MU_OK)
        return err->status;
    if (header->type == 'S' || pax.sparse)
        return mu_fail(err, MU_E_INVALID, "'%.100s' is a sparse file, which no image archive has",
                       header->name);
    if (pax.path)
        named.name = pax.path, named.name_len = pax.path_len;
    if (pax.link)
        named.link = pax.link, named.link_len = pax.link_len;
    if (pax.has_size)
        *size_bytes = pax.size_bytes;
    *ret_named = named;
    return MU_OK;
}

static enum mu_status entry_take(struct walk *walk, const struct tar_header *header,
                                 uint64_t *size_bytes, struct mu_error *err)
{
    bool is_file = header->type == '0' || header->type == '\0' || header->type == '7';
    bool is_link = header->type == '1' || header->type == '2';
    struct entry entry = {.offset = walk->at};
    char target[TAR_INDEX_NAME_MAX + 1];
    struct named named = {0};

    if (names_of(walk, header, &named, size_bytes, err) != MU_OK)
        return err->status;
    if (is_link)
        *size_bytes = 0; /* GNU tar and POSIX: a link has no data, whatever it says */
    entry.size_bytes = *size_bytes;
    if (!is_file && !is_link)
        return MU_OK;
    if (name_keep(walk->index, named.name, named.name_len, &entry.name, err) != MU_OK)
        return err->status;
    if (leads_out(entry.name))
        return mu_fail(err, MU_E_INVALID, "'%.100s' in the tar leads out of it", entry.name);
    if (is_link && name_keep(walk->index, named.link, named.link_len, &entry.link, err) != MU_OK)
        return err->status;
    if (is_link &&
        !link_join(header->type == '2' ? entry.name : "", entry.link, target, sizeof(target)))
        return MU_OK; /* to something outside: as if it was not there */
    if (is_link && name_keep(walk->index, target, strlen(target), &entry.link, err) != MU_OK)
        return err->status;
    return entry_add(walk->index, entry, err);
}

static enum mu_status meta_read(const struct walk *walk, uint64_t size_bytes, struct mu_buf *meta,
                                struct mu_error *err)
{
    char bytes[4096];
    size_t len;

    mu_buf_reset(meta);
    if (size_bytes > META_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "a header of %llu bytes in the tar",
                       (unsigned long long)size_bytes);
    for (uint64_t at = 0; at < size_bytes; at += len) {
        len = size_bytes - at < sizeof(bytes) ? (size_t)(size_bytes - at) : sizeof(bytes);
        if (read_at(walk, walk->at + at, bytes, len, err) != MU_OK)
            return err->status;
        mu_buf_append(meta, bytes, len);
    }
    return mu_buf_status(meta, "header in the tar", err);
}

/* A header for the next entry, or the entry. `size_bytes` is that of its data. */
static enum mu_status header_take(struct walk *walk, const struct tar_header *header,
                                  uint64_t *size_bytes, struct mu_error *err)
{
    enum mu_status st;

    switch (header->type) {
    case 'g': /* of all entries: comments, no names */
        return MU_OK;
    case 'x':
        return meta_read(walk, *size_bytes, &walk->pax, err);
    case 'L':
        return meta_read(walk, *size_bytes, &walk->long_name, err);
    case 'K':
        return meta_read(walk, *size_bytes, &walk->long_link, err);
    default:
        st = entry_take(walk, header, size_bytes, err);
        mu_buf_reset(&walk->pax);
        mu_buf_reset(&walk->long_name);
        mu_buf_reset(&walk->long_link);
        return st;
    }
}

/* MU_END behind the last entry. */
static enum mu_status step(struct walk *walk, struct mu_error *err)
{
    uint8_t block[TAR_BLOCK_BYTES];
    struct tar_header header;
    uint64_t size_bytes, padded;
    enum mu_status st;

    if (walk->at == walk->size_bytes)
        return MU_END; /* some writers leave the zero blocks out */
    st = read_at(walk, walk->at, block, sizeof(block), err);
    if (st != MU_OK || tar_block_is_zero(block))
        return st == MU_OK ? MU_END : st;
    if (tar_header_parse(block, &header, err) != MU_OK)
        return err->status;
    walk->at += TAR_BLOCK_BYTES;
    size_bytes = header.size_bytes;
    st = header_take(walk, &header, &size_bytes, err);
    if (st != MU_OK)
        return st;
    if (size_bytes > walk->size_bytes - walk->at)
        return mu_fail(err, MU_E_INVALID, "'%.100s' ends behind the end of the tar: it was cut off",
                       header.name);
    padded = (size_bytes + TAR_BLOCK_BYTES - 1) / TAR_BLOCK_BYTES * TAR_BLOCK_BYTES;
    walk->at = padded > walk->size_bytes - walk->at ? walk->size_bytes : walk->at + padded;
    return MU_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    int order = strcmp(left->name, right->name);

    if (order != 0)
        return order;
    return left->order < right->order ? -1 : left->order > right->order;
}

static void walk_done(struct walk *walk)
{
    mu_buf_done(&walk->pax);
    mu_buf_done(&walk->long_name);
    mu_buf_done(&walk->long_link);
}

enum mu_status tar_index_read(int fd, uint64_t size_bytes, struct tar_index **ret_index,
                              struct mu_error *err)
{
    MU_AUTO(tar_index) struct tar_index *index = mu_xcalloc(1, sizeof(*index));
    MU_AUTO_DONE(walk_done) struct walk walk = {.index = index, .fd = fd, .size_bytes = size_bytes};
    enum mu_status st;

    index->names = mu_arena_new(NAMES_MAX_BYTES);
    mu_buf_init(&walk.pax, META_MAX_BYTES + 1);
    mu_buf_init(&walk.long_name, META_MAX_BYTES + 1);
    mu_buf_init(&walk.long_link, META_MAX_BYTES + 1);
    while ((st = step(&walk, err)) == MU_OK)
        continue;
    if (st != MU_END)
        return st;
    if (index->count > 0)
        qsort(index->entries, index->count, sizeof(*index->entries), by_name);
    *ret_index = index;
    index = NULL;
    return MU_OK;
}

void tar_index_free(struct tar_index *index)
{
    if (!index)
        return;
    mu_arena_free(index->names);
    free(index->entries);
    free(index);
}

static const struct entry *entry_find(const struct tar_index *index, const char *name)
{
    size_t low = 0, high = index->count;

    while (low < high) { /* to behind the last of that name */
        size_t middle = low + (high - low) / 2;

        if (strcmp(index->entries[middle].name, name) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || strcmp(index->entries[low - 1].name, name) != 0)
        return NULL;
    return &index->entries[low - 1];
}

enum mu_status tar_index_find(const struct tar_index *index, const char *name, uint64_t *ret_offset,
                              uint64_t *ret_size_bytes, struct mu_error *err)
{
    const struct entry *entry = entry_find(index, name);

    for (int steps = 0; entry && entry->link && steps < LINK_STEPS_MAX; steps++)
        entry = entry_find(index, entry->link);
    if (!entry || entry->link)
        return mu_fail(err, MU_E_NOT_FOUND, "no file '%.200s'", name);
    *ret_offset = entry->offset;
    *ret_size_bytes = entry->size_bytes;
    return MU_OK;
}
