#include "layer/layer_analysis.h"

#include "base/memory.h"
#include "base/scratch.h"
#include "base/text.h"
#include "layer/file_bytes.h"
#include "layer/name_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = TAR_PATH_MAX_BYTES / 2 + 1 };

/* The directories above an entry; most entries lie where the one before lay. */
struct chain {
    size_t len;   /* of the directory's path, which is dir[0..len) */
    size_t depth; /* hashes in use: one for each directory, outermost first */
    bool through_link;
    uint64_t hashes[DEPTH_MAX];
    size_t ends[DEPTH_MAX]; /* where each directory's path ends */
    char dir[TAR_PATH_MAX_BYTES + 1];
};

/* The file whose content is coming in. */
struct open_file {
    struct finder_entry entry; /* as the finders see it; its path is in `as` */
    uint64_t hash, hole_bytes;
    size_t own_path_len;
    char own_path[TAR_PATH_MAX_BYTES + 1];
    uint64_t by_path, by_head; /* finders, by bit */
    bool named, decided, skipping;
    size_t head_len;
    uint8_t head[FINDER_HEAD_BYTES];
};

/* The last file that another one may need (struct finder, `beside`), under the path shown. */
struct kept_file {
    uint8_t *bytes; /* scratch memory; NULL: none */
    size_t len;
    char path[2 * TAR_PATH_MAX_BYTES + 2];
};

struct layer_analysis {
    const struct summary_make *make;
    struct layer_wants wants;
    struct summary_writer *writer;
    struct file_bytes bytes;
    struct name_set names;
    uint64_t heads; /* finders that look at first bytes */
    struct chain chain;
    struct open_file file;
    struct kept_file kept;
    char as[2 * TAR_PATH_MAX_BYTES + 2];
};

struct layer_analysis *layer_analysis_new(const struct summary_make *make, struct layer_wants wants,
                                          int temp_fd)
{
    struct layer_analysis *analysis = mu_xcalloc(1, sizeof(*analysis));

    analysis->make = make;
    analysis->wants = wants;
    analysis->writer = summary_writer_new(make);
    file_bytes_init(&analysis->bytes, temp_fd);
    for (size_t i = 0; i < make->finder_count; i++) {
        if (make->finders[i]->wants_head && make->finders[i]->read)
            analysis->heads |= UINT64_C(1) << i;
    }
    return analysis;
}

void layer_analysis_free(struct layer_analysis *analysis)
{
    if (!analysis)
        return;
    summary_writer_free(analysis->writer);
    file_bytes_done(&analysis->bytes);
    name_set_done(&analysis->names);
    mu_scratch_free(analysis->kept.bytes);
    free(analysis);
}

struct summary_writer *layer_analysis_writer(struct layer_analysis *analysis)
{
    return analysis->writer;
}

/* ---- where an entry lies ---- */

static size_t dir_len_of(const char *path, size_t len)
{
    while (len > 0 && path[len - 1] != '/')
        len--;
    return len > 0 ? len - 1 : 0;
}

/* How many of the chain's directories also stand above `dir`. */
static size_t depth_shared(const struct chain *chain, const char *dir, size_t len)
{
    size_t same = 0, depth = 0;

    while (same < len && same < chain->len && dir[same] == chain->dir[same])
        same++;
    while (depth < chain->depth &&
           (chain->ends[depth] < same ||
            (chain->ends[depth] == same && (same == len || dir[same] == '/'))))
        depth++;
    return depth;
}

/* Makes the chain that of the entry at `path`; directories new to it are parents from now on. */
static enum mu_status chain_move(struct layer_analysis *analysis, const char *path, size_t path_len,
                                 struct mu_error *err)
{
    struct chain *chain = &analysis->chain;
    size_t len = dir_len_of(path, path_len), depth;

    if (len == chain->len && memcmp(chain->dir, path, len) == 0)
        return MU_OK;
    depth = depth_shared(chain, path, len);
    memcpy(chain->dir, path, len);
    chain->dir[len] = '\0';
    chain->len = len;
    for (size_t at = depth > 0 ? chain->ends[depth - 1] + 1 : 0; at < len;) {
        const char *slash = memchr(path + at, '/', len - at);
        size_t end = slash ? (size_t)(slash - path) : len;

        chain->ends[depth] = end;
        chain->hashes[depth] = path_hash(&analysis->make->key, path, end);
        if (summary_writer_path(analysis->writer, chain->hashes[depth], PATH_PARENT, err) != MU_OK)
            return err->status;
        depth++;
        at = end + 1;
    }
    chain->depth = depth;
    chain->through_link = false;
    for (size_t i = 0; i < depth; i++)
        chain->through_link |=
                (name_set_flags(&analysis->names, chain->hashes[i]) & NAME_SYMLINK) != 0;
    return MU_OK;
}

/* Whether the entry must be known by name because of what was named before. */
static bool order_matters(const struct layer_analysis *analysis, uint64_t hash, enum tar_kind kind)
{
    unsigned flags = name_set_flags(&analysis->names, hash);

    if (analysis->chain.through_link)
        return true;
    return kind == TAR_DIRECTORY ? (flags & NAME_ENTRY) != 0 : flags != 0;
}

static enum mu_status name_remember(struct layer_analysis *analysis, uint64_t hash, unsigned flags,
                                    struct mu_error *err)
{
    struct chain *chain = &analysis->chain;

    if (name_set_add(&analysis->names, hash, flags, err) != MU_OK)
        return err->status;
    for (size_t i = chain->depth; i-- > 0;) {
        if (name_set_flags(&analysis->names, chain->hashes[i]) & NAME_PARENT)
            break; /* and so are those above */
        if (name_set_add(&analysis->names, chain->hashes[i], NAME_PARENT, err) != MU_OK)
            return err->status;
    }
    if (flags & NAME_SYMLINK)
        chain->len = chain->depth = 0; /* may lead elsewhere now: made anew for the next entry */
    return MU_OK;
}

static enum mu_status entry_put(struct layer_analysis *analysis, const struct summary_entry *entry,
                                uint64_t hash, struct mu_error *err)
{
    unsigned flags = NAME_ENTRY | (entry->kind == SUMMARY_SYMLINK ? NAME_SYMLINK : 0u);

    if (summary_writer_entry(analysis->writer, entry, err) != MU_OK)
        return err->status;
    return name_remember(analysis, hash, flags, err);
}

/* ---- what finders say ---- */

/* The path that finders are shown, in analysis->as when it is another one. */
static const char *shown_path(struct layer_analysis *analysis, const struct tar_entry *entry)
{
    for (size_t i = 0; i < analysis->wants.count; i++) {
        const struct layer_want *want = &analysis->wants.items[i];
        size_t len = strlen(want->path), as_len = strlen(want->as), rest;

        if (entry->path_len < len || memcmp(entry->path, want->path, len) != 0 ||
            (entry->path[len] != '/' && entry->path[len] != '\0'))
            continue;
        rest = entry->path_len - len;
        if (as_len + rest > TAR_PATH_MAX_BYTES)
            continue;
        memcpy(analysis->as, want->as, as_len);
        memcpy(analysis->as + as_len, entry->path + len, rest + 1);
        return analysis->as;
    }
    return entry->path;
}

static struct finder_entry finder_entry_of(const struct tar_entry *entry, const char *path)
{
    struct finder_entry seen = {.path = path,
                                .path_len = strlen(path),
                                .kind = FINDER_OTHER,
                                .mode = entry->mode,
                                .uid = entry->uid,
                                .gid = entry->gid,
                                .size_bytes = entry->size_bytes};

    if (entry->kind == TAR_FILE || entry->kind == TAR_HARDLINK)
        seen.kind = FINDER_FILE;
    else if (entry->kind == TAR_DIRECTORY)
        seen.kind = FINDER_DIRECTORY;
    else if (entry->kind == TAR_SYMLINK)
        seen.kind = FINDER_SYMLINK;
    return seen;
}

static uint64_t wanted_by_path(const struct layer_analysis *analysis,
                               const struct finder_entry *entry)
{
    uint64_t wanted = 0;

    for (size_t i = 0; i < analysis->make->finder_count; i++) {
        const struct finder *finder = analysis->make->finders[i];

        if (finder->wants && finder->read && finder->wants(entry))
            wanted |= UINT64_C(1) << i;
    }
    return wanted;
}

static uint64_t wanted_by_head(const struct layer_analysis *analysis,
                               const struct finder_entry *entry, const uint8_t *head, size_t len)
{
    uint64_t wanted = 0;

    for (size_t i = 0; i < analysis->make->finder_count; i++) {
        if ((analysis->heads >> i & 1) && analysis->make->finders[i]->wants_head(entry, head, len))
            wanted |= UINT64_C(1) << i;
    }
    return wanted;
}

static enum mu_status look_all(struct layer_analysis *analysis, const struct finder_entry *entry,
                               struct mu_error *err)
{
    for (size_t i = 0; i < analysis->make->finder_count; i++) {
        const struct finder *finder = analysis->make->finders[i];
        struct mu_error why = {.status = MU_OK};

        if (!finder->look)
            continue;
        summary_writer_record_begin(analysis->writer, (unsigned)i, EVIDENCE_BY_LOOK);
        why.status = finder->look(entry, summary_writer_sink(analysis->writer), &why);
        if (summary_writer_record_end(analysis->writer, &why, false, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

/* A record of each finder in `which` that says why it did not read the file. */
static enum mu_status refuse(struct layer_analysis *analysis, uint64_t which,
                             const struct mu_error *why, struct mu_error *err)
{
    for (size_t i = 0; i < analysis->make->finder_count; i++) {
        if (!(which >> i & 1))
            continue;
        summary_writer_record_begin(analysis->writer, (unsigned)i, EVIDENCE_BY_PATH);
        if (summary_writer_record_end(analysis->writer, why, true, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

/* Takes those that refuse a file of this size out of `which`. */
static enum mu_status refuse_large(struct layer_analysis *analysis, uint64_t *which,
                                   uint64_t size_bytes, struct mu_error *err)
{
    bool fits = file_bytes_fits(&analysis->bytes, size_bytes);

    for (size_t i = 0; i < analysis->make->finder_count; i++) {
        uint64_t bit = UINT64_C(1) << i;
        uint64_t most = fits ? analysis->make->finders[i]->max_bytes : FILE_BYTES_MEMORY_MAX;
        struct mu_error why;

        if (!(*which & bit) || size_bytes <= most)
            continue;
        (void)mu_fail(&why, MU_E_LIMIT, "a file of %llu bytes, more than %llu",
                      (unsigned long long)size_bytes, (unsigned long long)most);
        *which &= ~bit;
        if (refuse(analysis, bit, &why, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

/* ---- files ---- */

static enum mu_status file_open(struct layer_analysis *analysis, const struct tar_entry *entry,
                                uint64_t hash, const struct finder_entry *seen,
                                struct mu_error *err)
{
    struct open_file *file = &analysis->file;

    file->entry = *seen;
    file->hash = hash;
    file->hole_bytes = entry->hole_bytes;
    file->own_path_len = entry->path_len;
    memcpy(file->own_path, entry->path, entry->path_len + 1);
    if (seen->path == entry->path)
        file->entry.path = file->own_path;
    file->named = order_matters(analysis, hash, entry->kind);
    file->by_path = wanted_by_path(analysis, seen);
    file->by_head = 0;
    file->decided = false;
    file->skipping = false;
    file->head_len = 0;
    return refuse_large(analysis, &file->by_path, entry->size_bytes, err);
}

/* Zeros that are not stored cost as what is unpacked: too many are refused. */
static enum mu_status holes_refuse(struct layer_analysis *analysis, struct mu_error *err)
{
    struct open_file *file = &analysis->file;
    uint64_t wanted = file->by_path | file->by_head;
    struct mu_error why;

    if (wanted == 0 ||
        finder_may_unpack(summary_writer_sink(analysis->writer), file->hole_bytes, &why) == MU_OK)
        return MU_OK;
    file->by_path = file->by_head = 0;
    return refuse(analysis, wanted, &why, err);
}

static enum mu_status file_decide(struct layer_analysis *analysis, const uint8_t *head, size_t len,
                                  struct mu_error *err)
{
    struct open_file *file = &analysis->file;

    file->decided = true;
    file->by_head = wanted_by_head(analysis, &file->entry, head, len) & ~file->by_path;
    if (file->by_head &&
        refuse_large(analysis, &file->by_head, file->entry.size_bytes, err) != MU_OK)
        return err->status;
    if (file->hole_bytes > 0 && holes_refuse(analysis, err) != MU_OK)
        return err->status;
    file->skipping = (file->by_path | file->by_head) == 0;
    if (!file->skipping)
        file_bytes_begin(&analysis->bytes, file->entry.size_bytes);
    return MU_OK;
}

/* Collects first bytes that come in pieces. */
static enum mu_status head_collect(struct layer_analysis *analysis, const uint8_t *bytes,
                                   size_t len, size_t need, struct mu_error *err)
{
    struct open_file *file = &analysis->file;
    size_t take = len < need - file->head_len ? len : need - file->head_len;

    memcpy(file->head + file->head_len, bytes, take);
    file->head_len += take;
    if (file->head_len < need)
        return MU_OK;
    if (file_decide(analysis, file->head, file->head_len, err) != MU_OK)
        return err->status;
    if (file->skipping)
        return MU_OK;
    if (file_bytes_add(&analysis->bytes, file->head, file->head_len, err) != MU_OK)
        return err->status;
    return len > take ? file_bytes_add(&analysis->bytes, bytes + take, len - take, err) : MU_OK;
}

static enum mu_status sink_content(void *opaque, const void *bytes, size_t len,
                                   struct mu_error *err)
{
    struct layer_analysis *analysis = opaque;
    struct open_file *file = &analysis->file;
    uint64_t size_bytes = file->entry.size_bytes;
    size_t need = size_bytes < FINDER_HEAD_BYTES ? (size_t)size_bytes : FINDER_HEAD_BYTES;

    if (file->skipping)
        return MU_OK;
    if (!file->decided) {
        if (file->head_len > 0 || len < need)
            return head_collect(analysis, bytes, len, need, err);
        if (file_decide(analysis, bytes, need, err) != MU_OK)
            return err->status;
        if (file->skipping)
            return MU_OK;
    }
    return file_bytes_add(&analysis->bytes, bytes, len, err);
}

static bool sink_wants_hole(void *opaque)
{
    const struct layer_analysis *analysis = opaque;

    return !analysis->file.skipping;
}

/* Whether some finder wants the file whose name has an ending more. */
static bool is_beside(const struct layer_analysis *analysis, const char *path)
{
    char longer[2 * TAR_PATH_MAX_BYTES + 32];

    for (size_t i = 0; i < analysis->make->finder_count; i++) {
        const struct finder *finder = analysis->make->finders[i];
        int len =
                finder->beside ? snprintf(longer, sizeof(longer), "%s%s", path, finder->beside) : 0;
        const struct finder_entry entry = {
                .path = longer, .path_len = (size_t)len, .kind = FINDER_FILE};

        if (len > 0 && (size_t)len < sizeof(longer) && finder->wants(&entry))
            return true;
    }
    return false;
}

/* Without memory for it the other file is read as if this one were not there. */
static void file_keep(struct layer_analysis *analysis, const struct finder_input *input)
{
    struct kept_file *kept = &analysis->kept;

    mu_scratch_free(kept->bytes);
    kept->bytes =
            input->len <= MU_SCRATCH_BLOCK_MAX ? mu_scratch_realloc(NULL, 0, input->len + 1) : NULL;
    kept->len = input->len;
    (void)snprintf(kept->path, sizeof(kept->path), "%s", input->path);
    if (kept->bytes)
        memcpy(kept->bytes, input->bytes, input->len);
}

static void beside_find(const struct layer_analysis *analysis, const struct finder *finder,
                        struct finder_input *input)
{
    const struct kept_file *kept = &analysis->kept;
    size_t len = strlen(kept->path);

    input->beside = NULL;
    if (!finder->beside || !kept->bytes || strncmp(input->path, kept->path, len) != 0 ||
        strcmp(input->path + len, finder->beside) != 0)
        return;
    input->beside = kept->bytes;
    input->beside_len = kept->len;
}

static enum mu_status file_read(struct layer_analysis *analysis, struct mu_error *err)
{
    struct open_file *file = &analysis->file;
    struct finder_input input = {.path = file->entry.path, .len = (size_t)file->entry.size_bytes};

    if (file_bytes_get(&analysis->bytes, &input.bytes, err) != MU_OK)
        return err->status;
    if (file->by_path != 0 && is_beside(analysis, input.path))
        file_keep(analysis, &input);
    for (size_t i = 0; i < analysis->make->finder_count; i++) {
        bool by_path = file->by_path >> i & 1;
        struct mu_error why = {.status = MU_OK};

        if (!by_path && !(file->by_head >> i & 1))
            continue;
        beside_find(analysis, analysis->make->finders[i], &input);
        summary_writer_record_begin(analysis->writer, (unsigned)i,
                                    by_path ? EVIDENCE_BY_PATH : EVIDENCE_BY_HEAD);
        why.status = analysis->make->finders[i]->read(&input, summary_writer_sink(analysis->writer),
                                                      &why);
        if (summary_writer_record_end(analysis->writer, &why, by_path, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status file_close(struct layer_analysis *analysis, struct mu_error *err)
{
    const struct open_file *file = &analysis->file;
    const struct summary_entry entry = {
            .kind = SUMMARY_FILE, .path = file->own_path, .path_len = file->own_path_len};

    if (!file->named && !summary_writer_group_told(analysis->writer))
        return MU_OK;
    return entry_put(analysis, &entry, file->hash, err);
}

static enum mu_status sink_end(void *opaque, struct mu_error *err)
{
    struct layer_analysis *analysis = opaque;
    struct open_file *file = &analysis->file;
    enum mu_status st = MU_OK;

    if (!file->decided) /* an empty file */
        file_bytes_begin(&analysis->bytes, 0);
    if (!file->skipping && (file->by_path | file->by_head) != 0)
        st = file_read(analysis, err);
    file_bytes_end(&analysis->bytes);
    return st == MU_OK ? file_close(analysis, err) : st;
}

/* ---- entries ---- */

/* "dir/.wh.name" hides `name` or, as ".wh..wh..opq", all of dir. True: it is such an entry. */
static bool whiteout_of(const struct tar_entry *entry, struct summary_entry *ret_entry, char *path)
{
    static const char mark[] = ".wh.", special[] = ".wh..wh.";
    size_t dir_len = dir_len_of(entry->path, entry->path_len);
    const char *base = entry->path + dir_len + (entry->path[dir_len] == '/');
    size_t at = (size_t)(base - entry->path);

    if (strncmp(base, mark, strlen(mark)) != 0)
        return false;
    memcpy(path, entry->path, dir_len);
    path[dir_len] = '\0';
    *ret_entry = (struct summary_entry){.path = path, .path_len = dir_len};
    if (strcmp(base, ".wh..wh..opq") == 0) {
        ret_entry->kind = SUMMARY_OPAQUE;
        return true;
    }
    base += strlen(mark);
    if (strncmp(base - strlen(mark), special, strlen(special)) == 0 || base[0] == '\0' ||
        strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return true; /* aufs' own, or nothing */
    memcpy(path, entry->path, at);
    memcpy(path + at, base, strlen(base) + 1);
    ret_entry->kind = SUMMARY_WHITEOUT;
    ret_entry->path_len = at + strlen(base);
    return true;
}

static enum mu_status whiteout_take(struct layer_analysis *analysis,
                                    const struct summary_entry *entry, struct mu_error *err)
{
    return entry->kind == 0 ? MU_OK : summary_writer_entry(analysis->writer, entry, err);
}

static enum mu_status link_take(struct layer_analysis *analysis, const struct tar_entry *entry,
                                uint64_t hash, const struct finder_entry *seen,
                                struct mu_error *err)
{
    struct summary_entry put = {.kind = entry->kind == TAR_SYMLINK ? SUMMARY_SYMLINK
                                                                   : SUMMARY_HARDLINK,
                                .path = entry->path,
                                .path_len = entry->path_len,
                                .link = entry->link,
                                .link_len = entry->link_len};

    if (entry->kind == TAR_HARDLINK)
        put.wanted = wanted_by_path(analysis, seen);
    return entry_put(analysis, &put, hash, err);
}

/* What has no content that is read: directories, devices. */
static enum mu_status plain_take(struct layer_analysis *analysis, const struct tar_entry *entry,
                                 uint64_t hash, struct mu_error *err)
{
    const struct summary_entry put = {.kind = entry->kind == TAR_DIRECTORY ? SUMMARY_DIRECTORY
                                                                           : SUMMARY_OTHER,
                                      .path = entry->path,
                                      .path_len = entry->path_len};

    if (!order_matters(analysis, hash, entry->kind) && !summary_writer_group_told(analysis->writer))
        return MU_OK;
    return entry_put(analysis, &put, hash, err);
}

static enum mu_status sink_entry(void *opaque, const struct tar_entry *entry,
                                 enum tar_want *ret_want, struct mu_error *err)
{
    struct layer_analysis *analysis = opaque;
    char hidden[TAR_PATH_MAX_BYTES + 1];
    struct summary_entry whiteout;
    struct finder_entry seen;
    const char *shown;
    uint64_t hash;

    summary_writer_passes(analysis->writer, entry->size_bytes - entry->hole_bytes);
    if (whiteout_of(entry, &whiteout, hidden))
        return whiteout_take(analysis, &whiteout, err);
    if (entry->path_len == 0)
        return MU_OK; /* the root itself */
    hash = path_hash(&analysis->make->key, entry->path, entry->path_len);
    if (chain_move(analysis, entry->path, entry->path_len, err) != MU_OK ||
        summary_writer_path(analysis->writer, hash,
                            entry->kind == TAR_DIRECTORY ? PATH_DIRECTORY : PATH_NO_DIRECTORY,
                            err) != MU_OK)
        return err->status;
    shown = shown_path(analysis, entry);
    summary_writer_group_begin(analysis->writer, shown == entry->path ? NULL : shown);
    seen = finder_entry_of(entry, entry->path);
    if (look_all(analysis, &seen, err) != MU_OK)
        return err->status;
    seen = finder_entry_of(entry, shown);
    if (entry->kind == TAR_SYMLINK || entry->kind == TAR_HARDLINK)
        return link_take(analysis, entry, hash, &seen, err);
    if (entry->kind != TAR_FILE)
        return plain_take(analysis, entry, hash, err);
    *ret_want = TAR_KEEP;
    return file_open(analysis, entry, hash, &seen, err);
}

void layer_analysis_sink(struct layer_analysis *analysis, struct tar_sink *ret_sink)
{
    *ret_sink = (struct tar_sink){.opaque = analysis,
                                  .on_entry = sink_entry,
                                  .on_content = sink_content,
                                  .wants_hole = sink_wants_hole,
                                  .on_end = sink_end};
}
