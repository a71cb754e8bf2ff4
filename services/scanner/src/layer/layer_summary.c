#include "layer/layer_summary.h"

#include "base/scratch.h"
#include "base/text.h"
#include "layer/tar_path.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char summary_magic[8] = {'M', 'U', 'S', 'T', 'L', 'A', 'Y', 2};

void summary_make_id(struct summary_make *make)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    char text[128];

    assert(make->finder_count <= SUMMARY_FINDERS_MAX);
    mu_sha256_update(hash, summary_magic, sizeof(summary_magic));
    mu_sha256_update(hash, MU_VERSION, sizeof(MU_VERSION));
    mu_sha256_update(hash, &make->key, sizeof(make->key));
    for (size_t i = 0; i < make->finder_count; i++) {
        const struct finder *finder = make->finders[i];
        int len = snprintf(text, sizeof(text), "%.80s/%u;", finder->name, finder->version);

        mu_sha256_update(hash, text, (size_t)len);
    }
    mu_sha256_final(hash, make->id);
}

unsigned layer_summary_path(const struct layer_summary *summary, uint64_t hash)
{
    mu_scratch_look();
    return path_set_flags(summary->paths, (size_t)summary->head->path_count, hash);
}

/* ---- entries ---- */

void summary_entries_begin(const struct layer_summary *summary, struct summary_cursor *cursor)
{
    cursor->in = (struct summary_reader){.at = summary->entries,
                                         .end = summary->entries + summary->head->entry_bytes};
    cursor->left = summary->head->entry_count;
    cursor->path_len = cursor->link_len = 0;
    cursor->path[0] = cursor->link[0] = '\0';
}

/* A text that begins like the one before. */
static void like_before(struct summary_reader *in, char *text, size_t *len)
{
    uint64_t same = summary_get_number(in);
    struct summary_text rest = summary_get_text(in);

    if (same > *len || rest.len > TAR_PATH_MAX_BYTES - same || memchr(rest.text, '\0', rest.len)) {
        in->bad = true;
        return;
    }
    memcpy(text + same, rest.text, rest.len);
    *len = (size_t)same + rest.len;
    text[*len] = '\0';
}

bool summary_entries_next(struct summary_cursor *cursor, struct summary_entry *ret_entry)
{
    struct summary_reader *in = &cursor->in;
    struct summary_entry entry = {.link = ""};
    uint64_t kind;

    if (cursor->left == 0)
        return false;
    cursor->left--;
    kind = summary_get_number(in);
    if (kind == 0 || kind >= SUMMARY_KINDS)
        in->bad = true;
    entry.kind = (enum summary_kind)kind;
    like_before(in, cursor->path, &cursor->path_len);
    entry.path = cursor->path;
    entry.path_len = cursor->path_len;
    if (kind == SUMMARY_SYMLINK || kind == SUMMARY_HARDLINK) {
        like_before(in, cursor->link, &cursor->link_len);
        entry.link = cursor->link;
        entry.link_len = cursor->link_len;
    }
    entry.evidence = summary_get_number(in) - 1; /* 0 is none */
    entry.wanted = kind == SUMMARY_HARDLINK ? summary_get_number(in) : 0;
    *ret_entry = entry;
    return !in->bad;
}

/* ---- evidence ---- */

/* NULL for none; otherwise it ends with a NUL of its own. */
static const char *text_or_null(struct summary_reader *in)
{
    uint64_t len = summary_get_number(in);
    const char *text = (const char *)in->at;

    if (in->bad || len == 0)
        return NULL;
    if (len > FINDER_TEXT_MAX_BYTES + 1 || len > (uint64_t)(in->end - in->at) ||
        memchr(text, '\0', (size_t)len) != text + len - 1 ||
        !mu_utf8_valid(text, (size_t)len - 1)) {
        in->bad = true;
        return NULL;
    }
    in->at += len;
    return text;
}

static const char *text_of(struct summary_reader *in)
{
    const char *text = text_or_null(in);

    if (!text)
        in->bad = true;
    return text ? text : "";
}

void summary_evidence_begin(const struct layer_summary *summary, uint64_t place,
                            struct evidence_cursor *cursor)
{
    *cursor = (struct evidence_cursor){
            .in = {.at = summary->evidence + place,
                   .end = summary->evidence + summary->head->evidence_bytes}};
    cursor->as = text_or_null(&cursor->in);
}

static void package_get(struct summary_reader *in, struct found_package *package)
{
    package->type = text_of(in);
    package->name = text_of(in);
    package->version = text_of(in);
    package->source_name = text_or_null(in);
    package->source_version = text_or_null(in);
    package->architecture = text_or_null(in);
    package->vendor = text_or_null(in);
    package->module = text_or_null(in);
    package->license = text_or_null(in);
    package->inner_path = text_or_null(in);
}

static void end_get(struct evidence_cursor *cursor, struct evidence_item *item)
{
    uint64_t status = summary_get_number(&cursor->in);

    if (status > -MU_E_INTERNAL)
        cursor->in.bad = true;
    item->status = (enum mu_status)(-(int)status);
    item->message = status != 0 ? text_of(&cursor->in) : "";
    item->last = cursor->in.at < cursor->in.end && *cursor->in.at == 0;
    cursor->in_record = false;
}

static void record_begin(struct evidence_cursor *cursor)
{
    uint64_t finder = summary_get_number(&cursor->in), how = summary_get_number(&cursor->in);

    if (finder == 0 || finder > SUMMARY_FINDERS_MAX || how >= EVIDENCE_HOWS) {
        cursor->in.bad = true;
        return;
    }
    cursor->finder = (unsigned)finder - 1;
    cursor->how = (enum evidence_how)how;
    cursor->in_record = true;
}

static void item_get(struct evidence_cursor *cursor, uint64_t kind, struct evidence_item *item)
{
    struct summary_reader *in = &cursor->in;

    item->kind = (enum evidence_kind)kind;
    item->finder = cursor->finder;
    item->how = cursor->how;
    switch (kind) {
    case EVIDENCE_END:
        end_get(cursor, item);
        break;
    case EVIDENCE_PACKAGE:
        package_get(in, &item->package);
        break;
    case EVIDENCE_ISSUE:
        item->issue.check = text_of(in);
        item->issue.evidence = text_or_null(in);
        item->issue.line = (uint32_t)summary_get_number(in);
        break;
    case EVIDENCE_FACT:
    case EVIDENCE_OWNER:
        item->name = text_of(in);
        item->value = text_of(in);
        break;
    case EVIDENCE_OWNED:
        item->path = summary_get_word(in);
        break;
    default:
        in->bad = true;
    }
}

bool summary_evidence_next(struct evidence_cursor *cursor, struct evidence_item *ret_item)
{
    struct evidence_item item = {.name = NULL};

    if (!cursor->in_record) {
        if (cursor->in.at == cursor->in.end || *cursor->in.at == 0)
            return false;
        record_begin(cursor);
    }
    item_get(cursor, summary_get_number(&cursor->in), &item);
    *ret_item = item;
    return !cursor->in.bad;
}

/* ---- checks ---- */

static enum mu_status wrong(struct mu_error *err, const char *what)
{
    return mu_fail(err, MU_E_INVALID, "a layer's summary is not what it should be: %s", what);
}

/* Places the parts; each size has its limit, so no sum overflows. */
static const char *parts_place(const uint8_t *bytes, size_t len, struct layer_summary *summary)
{
    const struct summary_head *head = (const void *)bytes;
    uint64_t need;

    if (len < sizeof(*head) + MU_SHA256_BYTES)
        return "it is too short";
    if (head->path_count > SUMMARY_PATHS_MAX || head->entry_count > SUMMARY_ENTRIES_MAX ||
        head->entry_bytes > SUMMARY_ENTRY_BYTES_MAX ||
        head->evidence_bytes > SUMMARY_EVIDENCE_BYTES_MAX)
        return "its sizes exceed the limits";
    need = sizeof(*head) + head->path_count * sizeof(uint64_t) + head->entry_bytes +
           head->evidence_bytes + MU_SHA256_BYTES;
    if (need != len)
        return "its length";
    summary->head = head;
    summary->paths = (const void *)(bytes + sizeof(*head));
    summary->entries = (const uint8_t *)(summary->paths + head->path_count);
    summary->evidence = summary->entries + head->entry_bytes;
    return NULL;
}

static const char *head_check(const struct summary_head *head, const struct summary_make *make)
{
    if (memcmp(head->magic, summary_magic, sizeof(summary_magic)) != 0)
        return "its form";
    if (memcmp(head->make_id, make->id, sizeof(make->id)) != 0)
        return "other finders or another key made it";
    if (head->diff_id[MU_DIGEST_TEXT_SIZE - 1] != '\0' ||
        !mu_digest_valid(head->diff_id, strlen(head->diff_id)))
        return "its diff_id";
    return NULL;
}

static bool paths_ascend(const struct layer_summary *summary)
{
    for (uint64_t i = 1; i < summary->head->path_count; i++) {
        if (summary->paths[i - 1] >> 3 >= summary->paths[i] >> 3)
            return false;
    }
    return true;
}

static bool path_is_clean(const char *path, size_t len)
{
    char cleaned[TAR_PATH_MAX_BYTES + 1];

    return tar_path_clean(path, len, cleaned) == len && memcmp(cleaned, path, len) == 0;
}

static const char *group_check(const struct layer_summary *summary, uint64_t place,
                               const struct summary_make *make, uint64_t *ret_end)
{
    struct evidence_cursor cursor;
    struct evidence_item item;

    summary_evidence_begin(summary, place, &cursor);
    if (cursor.as && !path_is_clean(cursor.as, strlen(cursor.as)))
        return "a path";
    while (summary_evidence_next(&cursor, &item)) {
        if (item.finder >= make->finder_count)
            return "a finder that is none";
    }
    *ret_end = (uint64_t)(cursor.in.at - summary->evidence) + 1;
    return cursor.in.bad || cursor.in_record || cursor.in.at == cursor.in.end ? "its evidence"
                                                                              : NULL;
}

/* Groups follow each other as their entries do, so that checking them all takes one reading. */
static const char *entries_check(const struct layer_summary *summary,
                                 const struct summary_make *make)
{
    struct summary_cursor cursor;
    struct summary_entry entry;
    uint64_t next = 0;
    const char *why = NULL;

    summary_entries_begin(summary, &cursor);
    while (!why && summary_entries_next(&cursor, &entry)) {
        if (!path_is_clean(entry.path, entry.path_len) ||
            (entry.kind == SUMMARY_HARDLINK && !path_is_clean(entry.link, entry.link_len)))
            return "a path";
        if (entry.evidence == SUMMARY_NO_EVIDENCE)
            continue;
        if (entry.evidence < next || entry.evidence >= summary->head->evidence_bytes)
            return "the place of evidence";
        why = group_check(summary, entry.evidence, make, &next);
    }
    if (why)
        return why;
    return cursor.in.bad || cursor.in.at != cursor.in.end ? "its entries" : NULL;
}

static bool checksum_right(const uint8_t *bytes, size_t len)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    uint8_t digest[MU_SHA256_BYTES];

    mu_sha256_update(hash, bytes, len - MU_SHA256_BYTES);
    mu_sha256_final(hash, digest);
    return memcmp(digest, bytes + len - MU_SHA256_BYTES, MU_SHA256_BYTES) == 0;
}

enum mu_status layer_summary_open(const void *bytes, size_t len, const struct summary_make *make,
                                  struct layer_summary *ret_summary, struct mu_error *err)
{
    struct layer_summary summary = {.head = NULL};
    const char *why = parts_place(bytes, len, &summary);

    if (!why && !checksum_right(bytes, len))
        why = "its checksum";
    if (!why)
        why = head_check(summary.head, make);
    if (!why && !paths_ascend(&summary))
        why = "its paths";
    if (!why)
        why = entries_check(&summary, make);
    if (why)
        return wrong(err, why);
    *ret_summary = summary;
    return MU_OK;
}
