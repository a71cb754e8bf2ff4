#include "package/language/zip_directory.h"

#include "base/memory.h"
#include "base/scratch.h"

#include <isa-l.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR64_SIZE = 20,
    CENTRAL_SIZE = 46,
    LOCAL_SIZE = 30,
    COMMENT_MAX = 65535,
    DEFLATE_RATIO_MAX = 1032, /* what the format can reach */
    FLAG_ENCRYPTED = 1 << 0,
    FLAG_STRONG = 1 << 6,
    FLAG_MASKED = 1 << 13,
    METHOD_STORED = 0,
    METHOD_DEFLATED = 8,
    EXTRA_ZIP64 = 1
};

#define END_MAGIC       0x06054b50U
#define END64_MAGIC     0x06064b50U
#define LOCATOR64_MAGIC 0x07064b50U
#define CENTRAL_MAGIC   0x02014b50U
#define LOCAL_MAGIC     0x04034b50U

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) | (uint32_t)get16(at + 2) << 16;
}

static uint64_t get64(const uint8_t *at)
{
    return (uint64_t)get32(at) | (uint64_t)get32(at + 4) << 32;
}

/* What the end records say. */
struct ending {
    size_t at; /* where the directory must end */
    uint64_t members, directory_bytes, directory_at;
    uint64_t disks; /* sum of the disk numbers: 0 for one disk */
};

/* The last end record whose comment fits into the file; `len` when there is none. */
static size_t end_find(const uint8_t *bytes, size_t len)
{
    size_t lowest = len > END_SIZE + COMMENT_MAX ? len - END_SIZE - COMMENT_MAX : 0;

    if (len < END_SIZE)
        return len;
    for (size_t at = len - END_SIZE + 1; at-- > lowest;) {
        if (bytes[at] == 'P' && get32(bytes + at) == END_MAGIC &&
            get16(bytes + at + 20) <= len - at - END_SIZE)
            return at;
    }
    return len;
}

static bool end_wants_64(const struct ending *ending)
{
    return ending->members == 0xffff || ending->directory_bytes == 0xffffffff ||
           ending->directory_at == 0xffffffff;
}

/* The ZIP64 end record by its locator; the place it names counts without the prefix, so that the
 * record directly before the locator is tried too. */
static bool end64_find(const uint8_t *bytes, size_t end_at, size_t *ret_at)
{
    const uint8_t *locator = bytes + end_at - LOCATOR64_SIZE;
    uint64_t named;

    if (end_at < LOCATOR64_SIZE + END64_SIZE || get32(locator) != LOCATOR64_MAGIC)
        return false;
    named = get64(locator + 8);
    if (named <= end_at - LOCATOR64_SIZE - END64_SIZE && get32(bytes + named) == END64_MAGIC) {
        *ret_at = (size_t)named;
        return true;
    }
    *ret_at = end_at - LOCATOR64_SIZE - END64_SIZE;
    return get32(bytes + *ret_at) == END64_MAGIC;
}

static enum mu_status ending_read(const uint8_t *bytes, size_t len, struct ending *ret_ending,
                                  struct mu_error *err)
{
    size_t at = end_find(bytes, len);
    const uint8_t *end = bytes + at;

    if (at == len)
        return mu_fail(err, MU_E_NOT_FOUND, "not a ZIP archive: it has no end record");
    *ret_ending = (struct ending){.at = at,
                                  .disks = (uint64_t)get16(end + 4) + get16(end + 6),
                                  .members = get16(end + 10),
                                  .directory_bytes = get32(end + 12),
                                  .directory_at = get32(end + 16)};
    if (end_wants_64(ret_ending) && end64_find(bytes, at, &at)) {
        end = bytes + at;
        *ret_ending = (struct ending){.at = at,
                                      .disks = (uint64_t)get32(end + 16) + get32(end + 20),
                                      .members = get64(end + 32),
                                      .directory_bytes = get64(end + 40),
                                      .directory_at = get64(end + 48)};
    }
    return MU_OK;
}

/* The ZIP64 field takes the place of each value that is all ones, in this order. */
static bool extra_apply(struct zip_member *member, const uint8_t *extra, size_t len)
{
    uint64_t *const wanting[] = {&member->size_bytes, &member->packed_bytes, &member->local_at};

    while (len >= 4) {
        size_t size = get16(extra + 2);

        if (size > len - 4)
            return true; /* junk behind the fields, as some writers leave */
        if (get16(extra) == EXTRA_ZIP64) {
            const uint8_t *value = extra + 4;

            for (size_t i = 0; i < 3; i++) {
                if (*wanting[i] != 0xffffffff)
                    continue;
                if ((size_t)(value - extra) + 8 > size + 4)
                    return false;
                *wanting[i] = get64(value);
                value += 8;
            }
        }
        extra += size + 4;
        len -= size + 4;
    }
    return true;
}

enum mu_status zip_directory_next(struct zip_directory *directory, struct zip_member *ret_member,
                                  struct mu_error *err)
{
    const uint8_t *at = directory->bytes + directory->at;
    size_t left = directory->end - directory->at, name_len, extra_len, size;
    struct zip_member member;

    if (directory->members == 0)
        return MU_END;
    if (left < CENTRAL_SIZE || get32(at) != CENTRAL_MAGIC)
        return mu_fail(err, MU_E_INVALID, "ZIP directory ends before its last member");
    name_len = get16(at + 28);
    extra_len = get16(at + 30);
    size = CENTRAL_SIZE + name_len + extra_len + get16(at + 32);
    if (left < size)
        return mu_fail(err, MU_E_INVALID, "ZIP directory is cut off within a member");
    member = (struct zip_member){.name = lang_bytes(at + CENTRAL_SIZE, name_len),
                                 .flags = get16(at + 8),
                                 .method = get16(at + 10),
                                 .crc = get32(at + 16),
                                 .packed_bytes = get32(at + 20),
                                 .size_bytes = get32(at + 24),
                                 .local_at = get32(at + 42)};
    if (!extra_apply(&member, at + CENTRAL_SIZE + name_len, extra_len))
        return mu_fail(err, MU_E_INVALID, "ZIP member with a broken ZIP64 field");
    if (member.local_at > directory->len - directory->prefix)
        return mu_fail(err, MU_E_INVALID, "ZIP member outside of the file");
    member.local_at += directory->prefix;
    directory->at += size;
    directory->members--;
    *ret_member = member;
    return MU_OK;
}

struct extent {
    uint64_t from, to;
};

#define EXTENTS_MAX_BYTES (ZIP_MEMBERS_MAX * sizeof(struct extent))

static int extent_order(const void *a, const void *b)
{
    const struct extent *left = a, *right = b;

    return (left->from > right->from) - (left->from < right->from);
}

/* Each member takes at least its local header, its name and its packed bytes. */
static enum mu_status extents_check(struct zip_directory directory, struct mu_error *err)
{
    size_t directory_at = directory.at, count = (size_t)directory.members;
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(2 * EXTENTS_MAX_BYTES);
    struct extent *extents = mu_arena_alloc(arena, (count + 1) * sizeof(*extents));
    struct zip_member member;
    enum mu_status st;
    size_t n = 0;

    if (!extents)
        return mu_fail(err, MU_E_NOMEM, "no memory for %zu ZIP members", count);
    while ((st = zip_directory_next(&directory, &member, err)) == MU_OK) {
        uint64_t head = member.local_at + LOCAL_SIZE + member.name.len;

        if (head > directory_at || member.packed_bytes > directory_at - head)
            return mu_fail(err, MU_E_INVALID, "ZIP member reaches into the directory");
        extents[n++] = (struct extent){.from = member.local_at, .to = head + member.packed_bytes};
    }
    if (st != MU_END)
        return st;
    qsort(extents, n, sizeof(*extents), extent_order);
    for (size_t i = 1; i < n; i++) {
        if (extents[i].from < extents[i - 1].to)
            return mu_fail(err, MU_E_INVALID, "ZIP members overlap");
    }
    return MU_OK;
}

/* It ends where the end record begins; what is missing before it is a prefix. When no member is
 * there (a signature lies between), the named place counts. */
static void directory_place(struct zip_directory *directory, const struct ending *ending)
{
    directory->at = ending->at - (size_t)ending->directory_bytes;
    directory->end = ending->at;
    if (ending->directory_bytes >= CENTRAL_SIZE &&
        get32(directory->bytes + directory->at) != CENTRAL_MAGIC)
        directory->at = (size_t)ending->directory_at;
    directory->prefix = directory->at - (size_t)ending->directory_at;
}

/* As many as there are: a count of 16 bits may have run over, but may not hide any. */
static enum mu_status members_count(struct zip_directory *directory, uint64_t told,
                                    struct mu_error *err)
{
    struct zip_directory walk = *directory;
    struct zip_member member;
    uint64_t count = 0;

    walk.members = UINT64_MAX;
    while (walk.end - walk.at >= CENTRAL_SIZE && get32(walk.bytes + walk.at) == CENTRAL_MAGIC) {
        if (++count > ZIP_MEMBERS_MAX)
            return mu_fail(err, MU_E_LIMIT, "ZIP archive of more than %d members", ZIP_MEMBERS_MAX);
        if (zip_directory_next(&walk, &member, err) != MU_OK)
            return err->status;
    }
    if ((uint16_t)count != (uint16_t)told)
        return mu_fail(err, MU_E_INVALID, "ZIP archive with other members than it says");
    directory->members = count;
    return MU_OK;
}

enum mu_status zip_directory_open(const uint8_t *bytes, size_t len,
                                  struct zip_directory *ret_directory, struct mu_error *err)
{
    struct zip_directory directory = {.bytes = bytes, .len = len};
    struct ending ending = {.at = 0};

    if (ending_read(bytes, len, &ending, err) != MU_OK)
        return err->status;
    if (ending.disks != 0)
        return mu_fail(err, MU_E_INVALID, "ZIP archive of several disks");
    if (ending.directory_bytes > ending.at ||
        ending.directory_at > ending.at - ending.directory_bytes)
        return mu_fail(err, MU_E_INVALID, "ZIP directory is not in the file");
    directory_place(&directory, &ending);
    if (members_count(&directory, ending.members, err) != MU_OK ||
        extents_check(directory, err) != MU_OK)
        return err->status;
    *ret_directory = directory;
    return MU_OK;
}

void zip_content_done(struct zip_content *content)
{
    mu_scratch_free(content->owned);
    *content = (struct zip_content){0};
}

/* The packed bytes, behind the local header. */
static enum mu_status packed_find(const struct zip_directory *directory,
                                  const struct zip_member *member, struct lang_span *ret_packed,
                                  struct mu_error *err)
{
    size_t left = directory->len - (size_t)member->local_at, head;
    const uint8_t *local = directory->bytes + member->local_at;

    if (left < LOCAL_SIZE || get32(local) != LOCAL_MAGIC)
        return mu_fail(err, MU_E_INVALID, "ZIP member without a local header");
    head = (size_t)LOCAL_SIZE + get16(local + 26) + get16(local + 28);
    if (left < head || left - head < member->packed_bytes)
        return mu_fail(err, MU_E_INVALID, "ZIP member is cut off");
    if (!lang_same(lang_bytes(local + LOCAL_SIZE, get16(local + 26)), member->name))
        return mu_fail(err, MU_E_INVALID, "ZIP member has two names");
    *ret_packed = lang_bytes(local + head, (size_t)member->packed_bytes);
    return MU_OK;
}

static enum mu_status member_check(const struct zip_member *member, uint64_t max_bytes,
                                   struct mu_error *err)
{
    if (member->flags & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED))
        return mu_fail(err, MU_E_INVALID, "ZIP member is encrypted");
    if (member->method != METHOD_STORED && member->method != METHOD_DEFLATED)
        return mu_fail(err, MU_E_LIMIT, "ZIP member is packed by method %u, which is not read",
                       member->method);
    if (member->size_bytes > max_bytes)
        return mu_fail(err, MU_E_LIMIT, "ZIP member of more than %llu bytes",
                       (unsigned long long)max_bytes);
    if (member->method == METHOD_STORED
                ? member->size_bytes != member->packed_bytes
                : member->size_bytes / DEFLATE_RATIO_MAX > member->packed_bytes)
        return mu_fail(err, MU_E_INVALID, "ZIP member with a size it cannot have");
    return MU_OK;
}

/* `out` is one byte longer than the size, so that it is there for an empty member too. */
static enum mu_status inflate_whole(struct lang_span packed, uint8_t *out, size_t size_bytes,
                                    struct mu_error *err)
{
    struct inflate_state state;

    isal_inflate_init(&state);
    state.next_in = (uint8_t *)(uintptr_t)packed.text; /* not written to */
    state.avail_in = (uint32_t)packed.len;
    state.next_out = out;
    state.avail_out = (uint32_t)size_bytes;
    state.crc_flag = ISAL_DEFLATE;
    if (isal_inflate_stateless(&state) != ISAL_DECOMP_OK || state.avail_out != 0)
        return mu_fail(err, MU_E_INVALID, "ZIP member does not unpack to its size");
    return MU_OK;
}

enum mu_status zip_member_unpack(const struct zip_directory *directory,
                                 const struct zip_member *member, uint64_t max_bytes,
                                 struct zip_content *ret_content, struct mu_error *err)
{
    struct lang_span packed;
    MU_AUTO(scratch) void *owned = NULL;
    const uint8_t *bytes;

    max_bytes = max_bytes < UINT32_MAX ? max_bytes : UINT32_MAX - 1;
    if (member_check(member, max_bytes, err) != MU_OK ||
        packed_find(directory, member, &packed, err) != MU_OK)
        return err->status;
    if (packed.len >= UINT32_MAX)
        return mu_fail(err, MU_E_LIMIT, "ZIP member of more than 4 GiB");
    bytes = (const uint8_t *)packed.text;
    if (member->method == METHOD_DEFLATED) {
        owned = mu_scratch_realloc(NULL, 0, (size_t)member->size_bytes + 1);
        if (!owned)
            return mu_fail(err, MU_E_NOMEM, "no memory to unpack a ZIP member");
        if (inflate_whole(packed, owned, (size_t)member->size_bytes, err) != MU_OK)
            return err->status;
        bytes = owned;
    }
    if (crc32_gzip_refl(0, bytes, member->size_bytes) != member->crc)
        return mu_fail(err, MU_E_INVALID, "ZIP member with a wrong CRC");
    *ret_content =
            (struct zip_content){.bytes = bytes, .len = (size_t)member->size_bytes, .owned = owned};
    owned = NULL;
    return MU_OK;
}
