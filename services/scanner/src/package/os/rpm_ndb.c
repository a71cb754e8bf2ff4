#include "package/os/rpm_bytes.h"
#include "package/os/rpm_database.h"
#include "package/os/rpm_header.h"

enum { PAGE_BYTES = 4096, SLOT_BYTES = 16, SLOTS_AT = 32, BLOCK_BYTES = 16 };

enum { BLOB_HEAD_BYTES = 16, BLOB_TAIL_BYTES = 12 };

enum { ADLER_MODULUS = 65521, ADLER_RUN = 5552 /* sums that fit into 32 bits (RFC 1950) */ };

static const uint32_t magic_file = 0x506d7052;      /* "RpmP" */
static const uint32_t magic_slot = 0x746f6c53;      /* "Slot" */
static const uint32_t magic_blob = 0x53626c42;      /* "BlbS" */
static const uint32_t magic_blob_tail = 0x45626c42; /* "BlbE" */

/* Adler-32 as rpm counts it. */
static uint32_t adler32_of(const uint8_t *bytes, size_t len)
{
    uint32_t low = 1, high = 0;

    while (len > 0) {
        size_t run = len < ADLER_RUN ? len : ADLER_RUN;

        len -= run;
        for (; run > 0; run--) {
            low += *bytes++;
            high += low;
        }
        low %= ADLER_MODULUS;
        high %= ADLER_MODULUS;
    }
    return high << 16 | low;
}

/* The blob that the slot at `at` names, checked as rpm does. Takes it off `left`. */
static enum mu_status blob_find(const uint8_t *bytes, size_t len, size_t at, size_t *left,
                                const uint8_t **ret_blob, size_t *ret_len, struct mu_error *err)
{
    uint32_t package = rpm_le32(bytes + at + 4);
    uint64_t from = (uint64_t)rpm_le32(bytes + at + 8) * BLOCK_BYTES;
    uint64_t size = (uint64_t)rpm_le32(bytes + at + 12) * BLOCK_BYTES, blob_len;
    const uint8_t *head, *tail;

    if (rpm_le32(bytes + at) != magic_slot)
        return mu_fail(err, MU_E_INVALID, "no slot at byte %zu", at);
    if (from > len || size > len - from || size < BLOB_HEAD_BYTES + BLOB_TAIL_BYTES)
        return mu_fail(err, MU_E_INVALID, "package %u lies outside of the file", package);
    if (size > *left)
        return mu_fail(err, MU_E_INVALID, "packages are larger than the file");
    *left -= size;
    head = bytes + from;
    tail = head + size - BLOB_TAIL_BYTES;
    blob_len = rpm_le32(head + 12);
    if (rpm_le32(head) != magic_blob || rpm_le32(head + 4) != package ||
        (BLOB_HEAD_BYTES + blob_len + BLOB_TAIL_BYTES + BLOCK_BYTES - 1) / BLOCK_BYTES !=
                size / BLOCK_BYTES)
        return mu_fail(err, MU_E_INVALID, "package %u is not where its slot says", package);
    if (rpm_le32(tail + 4) != blob_len || rpm_le32(tail + 8) != magic_blob_tail ||
        rpm_le32(tail) != adler32_of(head, size - BLOB_TAIL_BYTES))
        return mu_fail(err, MU_E_INVALID, "package %u is damaged", package);
    *ret_blob = head + BLOB_HEAD_BYTES;
    *ret_len = blob_len;
    return MU_OK;
}

/* Goes on after a damaged slot or blob; the first is what is told in the end. */
static enum mu_status slots_walk(const uint8_t *bytes, size_t len, size_t slots_end,
                                 rpm_blob_fn *blob, void *opaque, struct mu_error *err)
{
    struct mu_error damage = {.status = MU_OK};
    size_t left = len; /* blobs do not overlap */

    for (size_t at = SLOTS_AT; at + SLOT_BYTES <= slots_end; at += SLOT_BYTES) {
        const uint8_t *found = NULL;
        size_t found_len = 0;

        if (rpm_le32(bytes + at + 8) == 0 && rpm_le32(bytes + at) == magic_slot)
            continue; /* free */
        if (blob_find(bytes, len, at, &left, &found, &found_len, err) == MU_OK) {
            if (blob(opaque, found, found_len, err) != MU_OK)
                return err->status;
        } else if (damage.status == MU_OK) {
            damage = *err;
        }
    }
    if (damage.status != MU_OK)
        *err = damage;
    return damage.status;
}

enum mu_status rpm_ndb_walk(const uint8_t *bytes, size_t len, rpm_blob_fn *blob, void *opaque,
                            struct mu_error *err)
{
    uint32_t slot_pages;

    if (len < SLOTS_AT || rpm_le32(bytes) != magic_file)
        return mu_fail(err, MU_E_INVALID, "no ndb database");
    if (rpm_le32(bytes + 4) != 0)
        return mu_fail(err, MU_E_INVALID, "ndb of version %u", rpm_le32(bytes + 4));
    slot_pages = rpm_le32(bytes + 12);
    if (slot_pages == 0 || slot_pages > len / PAGE_BYTES)
        return mu_fail(err, MU_E_INVALID, "%u pages of slots in %zu bytes", slot_pages, len);
    return slots_walk(bytes, len, (size_t)slot_pages * PAGE_BYTES, blob, opaque, err);
}
