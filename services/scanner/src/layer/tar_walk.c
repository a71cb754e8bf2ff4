#include "layer/tar_walk.h"

#include "base/buf.h"
#include "base/memory.h"
#include "layer/tar_header.h"
#include "layer/tar_path.h"
#include "layer/tar_sparse.h"

#include <stdlib.h>
#include <string.h>

enum walk_state {
    WALK_HEADER,           /* collecting a header block */
    WALK_SPARSE_EXTENSION, /* collecting an old GNU sparse map block */
    WALK_SPARSE_MAP,       /* collecting a block of a map before the data */
    WALK_META,             /* collecting a PAX header or long name */
    WALK_CONTENT,          /* handing content to the sink */
    WALK_SKIP,             /* passing data or padding by */
    WALK_ENDED             /* behind two zero blocks */
};

struct tar_walk {
    struct tar_sink sink;
    uint64_t max_entries, entries;
    enum walk_state state;
    uint64_t left;    /* bytes of META, CONTENT or SKIP still to come */
    uint64_t padding; /* bytes to the block boundary behind them */
    uint8_t block[TAR_BLOCK_BYTES];
    size_t block_len;
    bool zero_seen; /* the block before was zero */
    char meta_type; /* 'x' 'L' 'K' */
    struct mu_buf meta;
    struct mu_buf pax, long_name, long_link; /* for the next entry */
    struct tar_header header;                /* while sparse extension blocks pass */
    struct tar_sparse sparse;                /* of the entry, as the next says */
    enum tar_sparse_form form;
    char path[TAR_PATH_MAX_BYTES + 1];
    char link[TAR_PATH_MAX_BYTES + 1];
};

/* The names of an entry before they are cleaned. */
struct walk_names {
    const char *path;
    size_t path_len;
    const char *link;
    size_t link_len;
};

struct tar_walk *tar_walk_new(const struct tar_sink *sink, uint64_t max_entries)
{
    struct tar_walk *walk = mu_xcalloc(1, sizeof(*walk));

    walk->sink = *sink;
    walk->max_entries = max_entries;
    mu_buf_init(&walk->meta, TAR_META_MAX_BYTES);
    mu_buf_init(&walk->pax, TAR_META_MAX_BYTES);
    mu_buf_init(&walk->long_name, TAR_META_MAX_BYTES);
    mu_buf_init(&walk->long_link, TAR_META_MAX_BYTES);
    return walk;
}

void tar_walk_free(struct tar_walk *walk)
{
    if (!walk)
        return;
    mu_buf_done(&walk->meta);
    mu_buf_done(&walk->pax);
    mu_buf_done(&walk->long_name);
    mu_buf_done(&walk->long_link);
    tar_sparse_done(&walk->sparse);
    free(walk);
}

uint64_t tar_walk_entries(const struct tar_walk *walk)
{
    return walk->entries;
}

static uint64_t padding_of(uint64_t size_bytes)
{
    return (TAR_BLOCK_BYTES - size_bytes % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES;
}

static void walk_expect_header(struct tar_walk *walk)
{
    walk->state = WALK_HEADER;
    walk->block_len = 0;
}

static void walk_skip(struct tar_walk *walk, uint64_t bytes)
{
    if (bytes == 0) {
        walk_expect_header(walk);
        return;
    }
    walk->state = WALK_SKIP;
    walk->left = bytes;
    walk->padding = 0;
}

static bool carries_no_data(char type)
{
    return type >= '1' && type <= '6';
}

static enum tar_kind kind_of(char type, const struct walk_names *names)
{
    switch (type) {
    case '\0': /* V7 knows a directory only by its last slash */
        if (names->path_len > 0 && names->path[names->path_len - 1] == '/')
            return TAR_DIRECTORY;
        return TAR_FILE;
    case '0':
    case '7':
    case 'S':
        return TAR_FILE;
    case '1':
        return TAR_HARDLINK;
    case '2':
        return TAR_SYMLINK;
    case '5':
        return TAR_DIRECTORY;
    default:
        return TAR_OTHER;
    }
}

/* Precedence as in Go's archive/tar: GNU long names, PAX, header block. */
static void names_choose(const struct tar_walk *walk, const struct tar_pax *pax,
                         struct walk_names *ret_names)
{
    struct walk_names names = {.path = walk->header.name,
                               .path_len = strlen(walk->header.name),
                               .link = walk->header.link,
                               .link_len = strlen(walk->header.link)};

    if (pax->path) {
        names.path = pax->path;
        names.path_len = pax->path_len;
    }
    if (pax->sparse_name) {
        names.path = pax->sparse_name;
        names.path_len = pax->sparse_name_len;
    }
    if (pax->link) {
        names.link = pax->link;
        names.link_len = pax->link_len;
    }
    if (walk->long_name.data[0] != '\0') { /* up to its NUL */
        names.path = walk->long_name.data;
        names.path_len = strlen(walk->long_name.data);
    }
    if (walk->long_link.data[0] != '\0') {
        names.link = walk->long_link.data;
        names.link_len = strlen(walk->long_link.data);
    }
    *ret_names = names;
}

static enum mu_status names_check(const struct walk_names *names, struct mu_error *err)
{
    if (names->path_len > TAR_PATH_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "tar entry with a name of %zu bytes, more than %d",
                       names->path_len, TAR_PATH_MAX_BYTES);
    if (names->link_len > TAR_PATH_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT,
                       "tar entry '%.200s': link target of %zu bytes, more than %d", names->path,
                       names->link_len, TAR_PATH_MAX_BYTES);
    return MU_OK;
}

/* Fills walk->path and walk->link from the names, and `entry` with them. */
static void entry_name(struct tar_walk *walk, const struct walk_names *names,
                       struct tar_entry *entry)
{
    entry->path = walk->path;
    entry->path_len = tar_path_clean(names->path, names->path_len, walk->path);
    entry->link = walk->link;
    walk->link[0] = '\0';
    if (entry->kind == TAR_HARDLINK) {
        entry->link_len = tar_path_clean(names->link, names->link_len, walk->link);
    } else if (entry->kind == TAR_SYMLINK) {
        memcpy(walk->link, names->link, names->link_len);
        walk->link[names->link_len] = '\0';
        entry->link_len = names->link_len;
    }
}

static enum mu_status meta_end(struct tar_walk *walk, struct mu_error *err)
{
    struct mu_buf *to = walk->meta_type == 'x'   ? &walk->pax
                        : walk->meta_type == 'L' ? &walk->long_name
                                                 : &walk->long_link;

    if (mu_buf_status(&walk->meta, "PAX header", err) != MU_OK)
        return err->status;
    mu_buf_reset(to);
    mu_buf_append(to, walk->meta.data, walk->meta.len);
    return mu_buf_status(to, "PAX header", err);
}

/* The data of META, CONTENT or SKIP is complete; or there is none, and no map. */
static enum mu_status data_end(struct tar_walk *walk, struct mu_error *err)
{
    enum walk_state was = walk->state;

    walk_skip(walk, walk->padding);
    if (was == WALK_META)
        return meta_end(walk, err);
    if (was == WALK_CONTENT && walk->form != TAR_SPARSE_NONE &&
        tar_sparse_end(&walk->sparse, &walk->sink, err) != MU_OK)
        return err->status;
    if (was == WALK_SPARSE_MAP)
        return mu_fail(err, MU_E_INVALID, "a sparse file without a whole map");
    if (was == WALK_CONTENT)
        return walk->sink.on_end(walk->sink.opaque, err);
    return MU_OK;
}

/* `stored_bytes` follow in the archive. */
static enum mu_status entry_start(struct tar_walk *walk, const struct tar_entry *entry,
                                  uint64_t stored_bytes, struct mu_error *err)
{
    enum tar_want want = TAR_SKIP;

    if (++walk->entries > walk->max_entries)
        return mu_fail(err, MU_E_LIMIT, "more than %llu entries in a tar",
                       (unsigned long long)walk->max_entries);
    if (walk->sink.on_entry(walk->sink.opaque, entry, &want, err) != MU_OK)
        return err->status;
    if (want == TAR_SKIP || entry->kind != TAR_FILE) {
        walk_skip(walk, stored_bytes + padding_of(stored_bytes));
        return MU_OK;
    }
    walk->left = stored_bytes;
    walk->padding = padding_of(stored_bytes);
    walk->state = walk->form == TAR_SPARSE_IN_DATA ? WALK_SPARSE_MAP : WALK_CONTENT;
    walk->block_len = 0;
    if (walk->form == TAR_SPARSE_KNOWN &&
        tar_sparse_check(&walk->sparse, stored_bytes, err) != MU_OK)
        return err->status;
    return stored_bytes == 0 ? data_end(walk, err) : MU_OK;
}

/* Which form of sparse file the entry is, if any: its name and its size are other ones then. */
static enum mu_status sparse_choose(struct tar_walk *walk, uint64_t stored_bytes,
                                    struct tar_pax *pax, struct mu_error *err)
{
    walk->form = walk->header.type == 'S' ? TAR_SPARSE_KNOWN : TAR_SPARSE_NONE;
    if (walk->form == TAR_SPARSE_NONE && pax->sparse &&
        tar_sparse_pax(&walk->sparse, walk->pax.data, walk->pax.len, stored_bytes, &walk->form,
                       err) != MU_OK)
        return err->status;
    if (walk->form == TAR_SPARSE_NONE)
        pax->sparse_name = NULL;
    return MU_OK;
}

static enum mu_status sparse_apply(const struct tar_walk *walk, uint64_t stored_bytes,
                                   struct tar_entry *entry, struct mu_error *err)
{
    if (walk->form == TAR_SPARSE_NONE)
        return MU_OK;
    if (entry->kind != TAR_FILE)
        return mu_fail(err, MU_E_INVALID, "a sparse file that is no file");
    entry->size_bytes = walk->sparse.size_bytes;
    if (entry->size_bytes > stored_bytes)
        entry->hole_bytes = entry->size_bytes - stored_bytes;
    return MU_OK;
}

/* An entry that is no PAX header or long name: walk->header with what came before it. */
static enum mu_status entry_take(struct tar_walk *walk, struct mu_error *err)
{
    struct tar_pax pax;
    struct walk_names names;
    struct tar_entry entry = {0};
    uint64_t stored_bytes;

    if (tar_pax_parse(walk->pax.data, walk->pax.len, &pax, err) != MU_OK)
        return err->status;
    stored_bytes = pax.has_size ? pax.size_bytes : walk->header.size_bytes;
    if (sparse_choose(walk, stored_bytes, &pax, err) != MU_OK)
        return err->status;
    names_choose(walk, &pax, &names);
    if (names_check(&names, err) != MU_OK)
        return err->status;
    entry.kind = kind_of(walk->header.type, &names);
    entry.mode = walk->header.mode;
    entry.uid = pax.has_uid ? pax.uid : walk->header.uid;
    entry.gid = pax.has_gid ? pax.gid : walk->header.gid;
    if (carries_no_data(walk->header.type) || entry.kind == TAR_DIRECTORY)
        stored_bytes = 0;
    entry.size_bytes = stored_bytes;
    if (sparse_apply(walk, stored_bytes, &entry, err) != MU_OK)
        return err->status;
    entry_name(walk, &names, &entry);
    mu_buf_reset(&walk->pax);
    mu_buf_reset(&walk->long_name);
    mu_buf_reset(&walk->long_link);
    return entry_start(walk, &entry, stored_bytes, err);
}

static enum mu_status meta_start(struct tar_walk *walk, struct mu_error *err)
{
    const struct tar_header *header = &walk->header;

    if (header->size_bytes > TAR_META_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "PAX header or long name of %llu bytes, more than %d",
                       (unsigned long long)header->size_bytes, TAR_META_MAX_BYTES);
    walk->meta_type = header->type;
    mu_buf_reset(&walk->meta);
    walk->state = WALK_META;
    walk->left = header->size_bytes;
    walk->padding = padding_of(header->size_bytes);
    return MU_OK;
}

static enum mu_status header_take(struct tar_walk *walk, struct mu_error *err)
{
    if (tar_header_parse(walk->block, &walk->header, err) != MU_OK)
        return mu_wrap(err, "after %llu entries", (unsigned long long)walk->entries);
    switch (walk->header.type) {
    case 'x':
    case 'L':
    case 'K':
        return meta_start(walk, err);
    case 'g':
        walk_skip(walk, walk->header.size_bytes + padding_of(walk->header.size_bytes));
        return MU_OK;
    default:
        break;
    }
    if (walk->header.type == 'S' && tar_sparse_header(&walk->sparse, walk->block, err) != MU_OK)
        return err->status;
    if (walk->header.sparse_continues) {
        walk->state = WALK_SPARSE_EXTENSION;
        return MU_OK;
    }
    return entry_take(walk, err);
}

static enum mu_status extension_take(struct tar_walk *walk, struct mu_error *err)
{
    bool more;

    if (tar_sparse_extension(&walk->sparse, walk->block, &more, err) != MU_OK)
        return err->status;
    return more ? MU_OK : entry_take(walk, err);
}

static enum mu_status map_take(struct tar_walk *walk, struct mu_error *err)
{
    bool done;

    if (walk->left < TAR_BLOCK_BYTES)
        return mu_fail(err, MU_E_INVALID, "a sparse file without a whole map");
    walk->left -= TAR_BLOCK_BYTES;
    if (tar_sparse_text(&walk->sparse, walk->block, &done, err) != MU_OK)
        return err->status;
    if (!done)
        return MU_OK;
    if (tar_sparse_check(&walk->sparse, walk->left, err) != MU_OK)
        return err->status;
    walk->state = WALK_CONTENT;
    return walk->left == 0 ? data_end(walk, err) : MU_OK;
}

static enum mu_status block_take(struct tar_walk *walk, struct mu_error *err)
{
    bool zero;

    walk->block_len = 0;
    if (walk->state == WALK_SPARSE_EXTENSION)
        return extension_take(walk, err);
    if (walk->state == WALK_SPARSE_MAP)
        return map_take(walk, err);
    zero = tar_block_is_zero(walk->block);
    if (zero && walk->zero_seen) {
        walk->state = WALK_ENDED;
        return MU_OK;
    }
    if (walk->zero_seen)
        return mu_fail(err, MU_E_INVALID, "after %llu entries: a single zero block inside a tar",
                       (unsigned long long)walk->entries);
    walk->zero_seen = zero;
    return zero ? MU_OK : header_take(walk, err);
}

static enum mu_status block_feed(struct tar_walk *walk, const uint8_t *bytes, size_t len,
                                 size_t *ret_used, struct mu_error *err)
{
    size_t need = TAR_BLOCK_BYTES - walk->block_len, take = len < need ? len : need;

    memcpy(walk->block + walk->block_len, bytes, take);
    walk->block_len += take;
    *ret_used = take;
    return walk->block_len == TAR_BLOCK_BYTES ? block_take(walk, err) : MU_OK;
}

static enum mu_status content_feed(struct tar_walk *walk, const uint8_t *bytes, size_t len,
                                   struct mu_error *err)
{
    return walk->form == TAR_SPARSE_NONE
                   ? walk->sink.on_content(walk->sink.opaque, bytes, len, err)
                   : tar_sparse_write(&walk->sparse, &walk->sink, bytes, len, err);
}

static enum mu_status data_feed(struct tar_walk *walk, const uint8_t *bytes, size_t len,
                                size_t *ret_used, struct mu_error *err)
{
    size_t take = len < walk->left ? len : (size_t)walk->left;

    if (walk->state == WALK_META)
        mu_buf_append(&walk->meta, bytes, take);
    else if (walk->state == WALK_CONTENT && content_feed(walk, bytes, take, err) != MU_OK)
        return err->status;
    walk->left -= take;
    *ret_used = take;
    return walk->left == 0 ? data_end(walk, err) : MU_OK;
}

enum mu_status tar_walk_write(struct tar_walk *walk, const void *bytes, size_t len,
                              struct mu_error *err)
{
    const uint8_t *at = bytes;
    enum mu_status st = MU_OK;

    while (len > 0 && st == MU_OK && walk->state != WALK_ENDED) {
        size_t used = 0;

        if (walk->state == WALK_HEADER || walk->state == WALK_SPARSE_EXTENSION ||
            walk->state == WALK_SPARSE_MAP)
            st = block_feed(walk, at, len, &used, err);
        else
            st = data_feed(walk, at, len, &used, err);
        at += used;
        len -= used;
    }
    return st;
}

enum mu_status tar_walk_finish(struct tar_walk *walk, struct mu_error *err)
{
    bool meta_waits = walk->pax.len + walk->long_name.len + walk->long_link.len > 0;

    if (walk->state == WALK_ENDED ||
        (walk->state == WALK_HEADER && walk->block_len == 0 && !meta_waits))
        return MU_OK;
    return mu_fail(err, MU_E_INVALID, "tar is cut off after %llu entries",
                   (unsigned long long)walk->entries);
}
