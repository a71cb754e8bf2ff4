#include "package/os/rpm_bytes.h"
#include "package/os/rpm_database.h"
#include "package/os/rpm_header.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    META_BYTES = 512,
    PAGE_MIN_BYTES = 512,
    PAGE_MAX_BYTES = 64 << 10,
    PAGE_HEAD_BYTES = 26,
    KEY_BYTES = 4
};

enum { PAGE_HASH_UNSORTED = 2, PAGE_OVERFLOW = 7, PAGE_HASH_META = 8, PAGE_HASH = 13 };

enum { ITEM_KEY_DATA = 1, ITEM_OFF_PAGE = 3, OFF_PAGE_BYTES = 12 };

static const uint32_t magic_hash = 0x00061561;

struct bdb {
    const uint8_t *bytes;
    size_t len;
    uint32_t page_bytes, page_count;
    bool swapped;           /* written by a machine of big-endian order */
    uint32_t overflow_left; /* pages of chains: each belongs to one value */
    size_t left;            /* bytes to hand over: values do not overlap */
    struct mu_error damage; /* the first; MU_OK: none. What lies elsewhere is read all the same */
    rpm_blob_fn *blob;
    void *opaque;
};

/* Goes on after damage to one value or page, whose description is in `err`. */
static enum mu_status damage_keep(struct bdb *bdb, const struct mu_error *err)
{
    if (bdb->damage.status == MU_OK)
        bdb->damage = *err;
    return MU_OK;
}

static uint32_t u32_at(const struct bdb *bdb, const uint8_t *at)
{
    return bdb->swapped ? rpm_be32(at) : rpm_le32(at);
}

static uint32_t u16_at(const struct bdb *bdb, const uint8_t *at)
{
    return bdb->swapped ? (uint32_t)at[0] << 8 | at[1] : (uint32_t)at[1] << 8 | at[0];
}

static enum mu_status meta_read(struct bdb *bdb, struct mu_error *err)
{
    uint32_t last_page;

    if (bdb->len < META_BYTES)
        return mu_fail(err, MU_E_INVALID, "no Berkeley DB");
    bdb->swapped = rpm_be32(bdb->bytes + 12) == magic_hash;
    if (u32_at(bdb, bdb->bytes + 12) != magic_hash || bdb->bytes[25] != PAGE_HASH_META)
        return mu_fail(err, MU_E_INVALID, "no hash of Berkeley DB");
    if (bdb->bytes[24] != 0)
        return mu_fail(err, MU_E_INVALID, "an encrypted Berkeley DB");
    bdb->page_bytes = u32_at(bdb, bdb->bytes + 20);
    if (bdb->page_bytes < PAGE_MIN_BYTES || bdb->page_bytes > PAGE_MAX_BYTES ||
        (bdb->page_bytes & (bdb->page_bytes - 1)) != 0)
        return mu_fail(err, MU_E_INVALID, "pages of %u bytes", bdb->page_bytes);
    last_page = u32_at(bdb, bdb->bytes + 32);
    if (last_page >= bdb->len / bdb->page_bytes)
        return mu_fail(err, MU_E_INVALID, "the file ends before page %u", last_page);
    bdb->page_count = last_page + 1;
    bdb->overflow_left = last_page;
    bdb->left = bdb->len;
    return MU_OK;
}

static const uint8_t *page_at(const struct bdb *bdb, uint32_t page)
{
    return bdb->bytes + (size_t)page * bdb->page_bytes;
}

/* Adds what one page of a chain holds to `value` and goes to the next. */
static enum mu_status overflow_take(struct bdb *bdb, uint32_t *page, uint8_t *value, size_t *filled,
                                    size_t len, struct mu_error *err)
{
    const uint8_t *at;
    uint32_t held;

    if (*page == 0 || *page >= bdb->page_count || bdb->overflow_left == 0)
        return mu_fail(err, MU_E_INVALID, "a chain of pages leads astray");
    bdb->overflow_left--;
    at = page_at(bdb, *page);
    held = u16_at(bdb, at + 22);
    if (at[25] != PAGE_OVERFLOW || held == 0 || held > bdb->page_bytes - PAGE_HEAD_BYTES ||
        held > len - *filled)
        return mu_fail(err, MU_E_INVALID, "page %u is none of a chain", *page);
    memcpy(value + *filled, at + PAGE_HEAD_BYTES, held);
    *filled += held;
    *page = u32_at(bdb, at + 16);
    return MU_OK;
}

static enum mu_status chain_gather(struct bdb *bdb, uint32_t page, uint8_t *value, size_t len,
                                   struct mu_error *err)
{
    size_t filled = 0;

    while (filled < len) {
        if (overflow_take(bdb, &page, value, &filled, len, err) != MU_OK)
            return err->status;
    }
    if (page != 0)
        return mu_fail(err, MU_E_INVALID, "a chain of pages goes on behind its value");
    return MU_OK;
}

static enum mu_status value_check(const struct bdb *bdb, size_t len, struct mu_error *err)
{
    if (len > RPM_HEADER_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "a header of %zu bytes", len);
    if (len == 0 || len > bdb->left)
        return mu_fail(err, MU_E_INVALID, "headers are larger than the file");
    return MU_OK;
}

static enum mu_status value_off_page(struct bdb *bdb, const uint8_t *item, struct mu_error *err)
{
    uint32_t page = u32_at(bdb, item + 4), len = u32_at(bdb, item + 8);
    enum mu_status st;
    uint8_t *value;

    if (value_check(bdb, len, err) != MU_OK)
        return damage_keep(bdb, err);
    bdb->left -= len;
    value = malloc(len);
    if (!value)
        return mu_fail(err, MU_E_NOMEM, "no memory for a header of %u bytes", len);
    if (chain_gather(bdb, page, value, len, err) == MU_OK)
        st = bdb->blob(bdb->opaque, value, len, err);
    else
        st = damage_keep(bdb, err);
    free(value);
    return st;
}

static enum mu_status value_take(struct bdb *bdb, const uint8_t *item, size_t len,
                                 struct mu_error *err)
{
    if (item[0] == ITEM_OFF_PAGE && len >= OFF_PAGE_BYTES)
        return value_off_page(bdb, item, err);
    if (item[0] != ITEM_KEY_DATA || len < 2)
        (void)mu_fail(err, MU_E_INVALID, "a value of kind %u and %zu bytes", item[0], len);
    else if (value_check(bdb, len, err) == MU_OK) {
        bdb->left -= len;
        return bdb->blob(bdb->opaque, item + 1, len - 1, err);
    }
    return damage_keep(bdb, err);
}

/* Whether a key is a package's number. 0 is the counter of numbers. */
static bool key_is_package(const uint8_t *item, size_t len)
{
    static const uint8_t counter[KEY_BYTES];

    return len == 1 + KEY_BYTES && item[0] == ITEM_KEY_DATA &&
           memcmp(item + 1, counter, KEY_BYTES) != 0;
}

/* Items of a page: an index from its head on, contents from its end down. */
static enum mu_status item_find(const struct bdb *bdb, const uint8_t *page, uint32_t index,
                                const uint8_t **ret_item, size_t *ret_len, struct mu_error *err)
{
    const uint8_t *slot = page + PAGE_HEAD_BYTES + (size_t)index * 2;
    uint32_t entries = u16_at(bdb, page + 20);
    uint32_t from = u16_at(bdb, slot), end = index ? u16_at(bdb, slot - 2) : bdb->page_bytes;

    if (from < PAGE_HEAD_BYTES + entries * 2 || from >= end || end > bdb->page_bytes)
        return mu_fail(err, MU_E_INVALID, "item %u of page %u lies outside of it", index,
                       u32_at(bdb, page + 8));
    *ret_item = page + from;
    *ret_len = end - from;
    return MU_OK;
}

static enum mu_status page_walk(struct bdb *bdb, const uint8_t *page, struct mu_error *err)
{
    uint32_t entries = u16_at(bdb, page + 20);

    if (entries % 2 != 0 || entries > (bdb->page_bytes - PAGE_HEAD_BYTES) / 2) {
        (void)mu_fail(err, MU_E_INVALID, "a page of %u items", entries);
        return damage_keep(bdb, err);
    }
    for (uint32_t i = 0; i < entries; i += 2) {
        const uint8_t *key = NULL, *value = NULL;
        size_t key_len = 0, value_len = 0;

        if (item_find(bdb, page, i, &key, &key_len, err) != MU_OK ||
            item_find(bdb, page, i + 1, &value, &value_len, err) != MU_OK)
            return damage_keep(bdb, err);
        if (key_is_package(key, key_len) && value_take(bdb, value, value_len, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

enum mu_status rpm_bdb_walk(const uint8_t *bytes, size_t len, rpm_blob_fn *blob, void *opaque,
                            struct mu_error *err)
{
    struct bdb bdb = {.bytes = bytes,
                      .len = len,
                      .damage = {.status = MU_OK},
                      .blob = blob,
                      .opaque = opaque};

    if (meta_read(&bdb, err) != MU_OK)
        return err->status;
    for (uint32_t i = 1; i < bdb.page_count; i++) {
        const uint8_t *page = page_at(&bdb, i);

        if ((page[25] == PAGE_HASH || page[25] == PAGE_HASH_UNSORTED) &&
            page_walk(&bdb, page, err) != MU_OK)
            return err->status;
    }
    if (bdb.damage.status != MU_OK)
        *err = bdb.damage;
    return bdb.damage.status;
}
