#include "layer/summary_writer.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct summary_writer {
    const struct summary_make *make;
    struct path_set paths;
    struct mu_buf entries, evidence;
    uint64_t entry_count;
    size_t group, record, items; /* where they begin in `evidence` */
    uint64_t unpack_left, unpack_refused;
    bool has_group, has_record, sorted;
    char *owner; /* "type\0name": whom the last owned path belonged to in this record */
    size_t owner_len, owner_capacity;
    struct finder_sink sink;
    size_t path_len, link_len;
    char path[TAR_PATH_MAX_BYTES + 1], link[TAR_PATH_MAX_BYTES + 1];
};

/* ---- texts ---- */

static enum mu_status text_check(const char *text, struct mu_error *err)
{
    size_t len = text ? strnlen(text, FINDER_TEXT_MAX_BYTES + 1) : 0;

    if (len > FINDER_TEXT_MAX_BYTES)
        return mu_fail(err, MU_E_INVALID, "a text of more than %d bytes", FINDER_TEXT_MAX_BYTES);
    if (len > 0 && !mu_utf8_valid(text, len))
        return mu_fail(err, MU_E_INVALID, "a text that is no UTF-8");
    return MU_OK;
}

static void text_put(struct mu_buf *out, const char *text)
{
    if (text)
        summary_put_text(out, text, strlen(text) + 1);
    else
        summary_put_number(out, 0);
}

static enum mu_status texts_put(struct summary_writer *writer, enum evidence_kind kind,
                                const char *const *texts, size_t count, struct mu_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (text_check(texts[i], err) != MU_OK)
            return err->status;
    }
    summary_put_number(&writer->evidence, kind);
    for (size_t i = 0; i < count; i++)
        text_put(&writer->evidence, texts[i]);
    return mu_buf_status(&writer->evidence, "evidence of a layer", err);
}

/* ---- the sink ---- */

static enum mu_status take_package(void *opaque, const struct found_package *package,
                                   struct mu_error *err)
{
    const char *texts[] = {package->type,        package->name,           package->version,
                           package->source_name, package->source_version, package->architecture,
                           package->vendor,      package->module,         package->license,
                           package->inner_path};

    if (!package->type || !package->name || !package->version)
        return mu_fail(err, MU_E_INVALID, "a package without type, name or version");
    return texts_put(opaque, EVIDENCE_PACKAGE, texts, sizeof(texts) / sizeof(texts[0]), err);
}

static enum mu_status take_issue(void *opaque, const struct found_issue *issue,
                                 struct mu_error *err)
{
    struct summary_writer *writer = opaque;
    const char *texts[] = {issue->check, issue->evidence};

    if (!issue->check)
        return mu_fail(err, MU_E_INVALID, "an issue without its check");
    if (texts_put(writer, EVIDENCE_ISSUE, texts, 2, err) != MU_OK)
        return err->status;
    summary_put_number(&writer->evidence, issue->line);
    return mu_buf_status(&writer->evidence, "evidence of a layer", err);
}

static enum mu_status take_fact(void *opaque, const char *name, const char *value,
                                struct mu_error *err)
{
    const char *texts[] = {name, value};

    return texts_put(opaque, EVIDENCE_FACT, texts, 2, err);
}

/* Both texts are checked: at most twice FINDER_TEXT_MAX_BYTES. */
static bool owner_is_same(struct summary_writer *writer, const char *type, const char *name)
{
    size_t type_len = strlen(type) + 1, len = type_len + strlen(name) + 1;

    if (writer->owner_len == len && memcmp(writer->owner, type, type_len) == 0 &&
        memcmp(writer->owner + type_len, name, len - type_len) == 0)
        return true;
    if (len > writer->owner_capacity) {
        free(writer->owner);
        writer->owner = mu_xcalloc(1, len);
        writer->owner_capacity = len;
    }
    memcpy(writer->owner, type, type_len);
    memcpy(writer->owner + type_len, name, len - type_len);
    writer->owner_len = len;
    return false;
}

static enum mu_status take_owned(void *opaque, const char *type, const char *name, const char *path,
                                 struct mu_error *err)
{
    struct summary_writer *writer = opaque;
    const char *texts[] = {type, name};
    uint64_t hash;

    if (text_check(type, err) != MU_OK || text_check(name, err) != MU_OK)
        return err->status;
    if (!owner_is_same(writer, type, name) &&
        texts_put(writer, EVIDENCE_OWNER, texts, 2, err) != MU_OK)
        return err->status;
    hash = path_hash(&writer->make->key, path, strlen(path));
    summary_put_number(&writer->evidence, EVIDENCE_OWNED);
    mu_buf_append(&writer->evidence, &hash, sizeof(hash));
    return mu_buf_status(&writer->evidence, "evidence of a layer", err);
}

/* What is left is not given to smaller files behind it: what passes from now on is for them. */
static enum mu_status take_unpack(void *opaque, uint64_t bytes, struct mu_error *err)
{
    struct summary_writer *writer = opaque;

    if (bytes <= writer->unpack_left) {
        writer->unpack_left -= bytes;
        return MU_OK;
    }
    writer->unpack_refused++;
    writer->unpack_left = 0;
    return mu_fail(err, MU_E_LIMIT, "the files of the layer unpack to more than %d times its size",
                   SUMMARY_UNPACK_FACTOR);
}

void summary_writer_passes(struct summary_writer *writer, uint64_t bytes)
{
    const uint64_t most = UINT64_MAX / 2;

    writer->unpack_left +=
            bytes < most / SUMMARY_UNPACK_FACTOR ? bytes * SUMMARY_UNPACK_FACTOR : most;
    if (writer->unpack_left > most)
        writer->unpack_left = most;
}

/* ---- life ---- */

struct summary_writer *summary_writer_new(const struct summary_make *make)
{
    struct summary_writer *writer = mu_xcalloc(1, sizeof(*writer));

    writer->make = make;
    path_set_init(&writer->paths, SUMMARY_PATHS_MAX);
    mu_buf_init_scratch(&writer->entries, SUMMARY_ENTRY_BYTES_MAX);
    mu_buf_init_scratch(&writer->evidence, SUMMARY_EVIDENCE_BYTES_MAX);
    writer->sink = (struct finder_sink){.opaque = writer,
                                        .package = take_package,
                                        .owns = take_owned,
                                        .issue = take_issue,
                                        .fact = take_fact,
                                        .unpack = take_unpack};
    writer->unpack_left = SUMMARY_UNPACK_MIN_BYTES;
    return writer;
}

void summary_writer_free(struct summary_writer *writer)
{
    if (!writer)
        return;
    path_set_done(&writer->paths);
    mu_buf_done(&writer->entries);
    mu_buf_done(&writer->evidence);
    free(writer->owner);
    free(writer);
}

const struct finder_sink *summary_writer_sink(struct summary_writer *writer)
{
    return &writer->sink;
}

enum mu_status summary_writer_path(struct summary_writer *writer, uint64_t hash, unsigned flags,
                                   struct mu_error *err)
{
    return path_set_add(&writer->paths, hash, flags, err);
}

/* ---- evidence ---- */

static void evidence_cut(struct summary_writer *writer, size_t len)
{
    if (!writer->evidence.failed)
        writer->evidence.len = len;
}

void summary_writer_group_begin(struct summary_writer *writer, const char *as)
{
    if (writer->has_group)
        evidence_cut(writer, writer->group); /* nobody put its entry */
    writer->group = writer->evidence.len;
    writer->has_group = true;
    writer->has_record = false;
    text_put(&writer->evidence, as && mu_utf8_valid(as, strlen(as)) ? as : NULL);
}

void summary_writer_record_begin(struct summary_writer *writer, unsigned finder,
                                 enum evidence_how how)
{
    writer->record = writer->evidence.len;
    writer->owner_len = 0;
    summary_put_number(&writer->evidence, finder + 1);
    summary_put_number(&writer->evidence, how);
    writer->items = writer->evidence.len;
}

enum mu_status summary_writer_record_end(struct summary_writer *writer, const struct mu_error *why,
                                         bool keep, struct mu_error *err)
{
    enum mu_status st = mu_buf_status(&writer->evidence, "evidence of a layer", err);

    if (st != MU_OK)
        return st;
    if (why->status == MU_E_NOMEM) {
        *err = *why;
        return why->status;
    }
    if (why->status == MU_OK && !keep && writer->evidence.len == writer->items) {
        evidence_cut(writer, writer->record);
        return MU_OK;
    }
    writer->has_record = true;
    summary_put_number(&writer->evidence, EVIDENCE_END);
    summary_put_number(&writer->evidence, (uint64_t)(-(int)why->status));
    if (why->status != MU_OK)
        text_put(&writer->evidence, why->message);
    return mu_buf_status(&writer->evidence, "evidence of a layer", err);
}

bool summary_writer_group_told(const struct summary_writer *writer)
{
    return writer->has_group && writer->has_record;
}

/* The place of the group's evidence and one; 0: there is none. */
static uint64_t group_end(struct summary_writer *writer)
{
    bool told = summary_writer_group_told(writer);

    if (told)
        summary_put_number(&writer->evidence, 0);
    else if (writer->has_group)
        evidence_cut(writer, writer->group);
    writer->has_group = false;
    return told ? (uint64_t)writer->group + 1 : 0;
}

/* ---- entries ---- */

static void like_before(struct mu_buf *out, char *before, size_t *before_len, const char *text,
                        size_t len)
{
    size_t same = 0;

    while (same < len && same < *before_len && text[same] == before[same])
        same++;
    summary_put_number(out, same);
    summary_put_text(out, text + same, len - same);
    memcpy(before, text, len); /* at most TAR_PATH_MAX_BYTES: the walk's limit */
    *before_len = len;
}

enum mu_status summary_writer_entry(struct summary_writer *writer,
                                    const struct summary_entry *entry, struct mu_error *err)
{
    struct mu_buf *out = &writer->entries;

    if (writer->entry_count == SUMMARY_ENTRIES_MAX)
        return mu_fail(err, MU_E_LIMIT, "more than %d links, whiteouts and evidence files",
                       SUMMARY_ENTRIES_MAX);
    writer->entry_count++;
    summary_put_number(out, entry->kind);
    like_before(out, writer->path, &writer->path_len, entry->path, entry->path_len);
    if (entry->kind == SUMMARY_SYMLINK || entry->kind == SUMMARY_HARDLINK)
        like_before(out, writer->link, &writer->link_len, entry->link, entry->link_len);
    summary_put_number(out, group_end(writer));
    if (entry->kind == SUMMARY_HARDLINK)
        summary_put_number(out, entry->wanted);
    if (mu_buf_status(&writer->evidence, "evidence of a layer", err) != MU_OK)
        return err->status;
    return mu_buf_status(out, "links and evidence files of a layer", err);
}

/* ---- out ---- */

uint64_t summary_writer_size(struct summary_writer *writer)
{
    (void)group_end(writer);
    if (!writer->sorted)
        path_set_finish(&writer->paths);
    writer->sorted = true;
    return sizeof(struct summary_head) + writer->paths.count * sizeof(uint64_t) +
           writer->entries.len + writer->evidence.len + MU_SHA256_BYTES;
}

enum mu_status summary_writer_finish(struct summary_writer *writer, struct summary_head *head,
                                     summary_out_fn *out, void *opaque, struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    uint8_t checksum[MU_SHA256_BYTES];
    const struct {
        const void *bytes;
        size_t len;
    } parts[] = {{head, sizeof(*head)},
                 {writer->paths.items, writer->paths.count * sizeof(uint64_t)},
                 {writer->entries.data, writer->entries.len},
                 {writer->evidence.data, writer->evidence.len}};

    if (!writer->sorted)
        return mu_fail(err, MU_E_INTERNAL, "a summary that is not sorted");
    memcpy(head->magic, summary_magic, sizeof(head->magic));
    memcpy(head->make_id, writer->make->id, sizeof(head->make_id));
    head->unpack_refused = writer->unpack_refused;
    head->path_count = writer->paths.count;
    head->entry_count = writer->entry_count;
    head->entry_bytes = writer->entries.len;
    head->evidence_bytes = writer->evidence.len;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].len == 0)
            continue;
        mu_sha256_update(hash, parts[i].bytes, parts[i].len);
        if (out(opaque, parts[i].bytes, parts[i].len, err) != MU_OK)
            return err->status;
    }
    mu_sha256_final(hash, checksum);
    return out(opaque, checksum, sizeof(checksum), err);
}
