#include "package/os/sqlite_wal.h"

#include "base/scratch.h"
#include "package/os/rpm_bytes.h"

#include <stdbool.h>
#include <string.h>

enum {
    HEAD_BYTES = 32,
    HEAD_SUMMED_BYTES = 24,
    FRAME_HEAD_BYTES = 24,
    FRAME_SUMMED_BYTES = 8,
    SALT_BYTES = 8,
    SALT_AT = 16, /* in the head of the file */
    FRAME_SALT_AT = 8,
    FRAME_SUM_AT = 16,
    PAGE_MIN_BYTES = 512,
    PAGE_MAX_BYTES = 65536
};

static const uint32_t magic = 0x377f0682; /* the lowest bit: sums are of big-endian words */

struct sum {
    bool big_endian;
    uint32_t a, b;
};

static uint32_t word(const uint8_t *at, bool big_endian)
{
    return big_endian ? rpm_be32(at) : rpm_le32(at);
}

static void sum_add(struct sum *sum, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len; at += 8) {
        sum->a += word(bytes + at, sum->big_endian) + sum->b;
        sum->b += word(bytes + at + 4, sum->big_endian) + sum->a;
    }
}

static bool sum_is(const struct sum *sum, const uint8_t *at)
{
    return sum->a == rpm_be32(at) && sum->b == rpm_be32(at + 4);
}

static const uint8_t *frame_at(const struct sqlite_wal *wal, uint32_t frame)
{
    return wal->bytes + HEAD_BYTES + (size_t)frame * (FRAME_HEAD_BYTES + (size_t)wal->page_bytes);
}

/* The head; false: SQLite would not look further. */
static bool head_read(const uint8_t *bytes, size_t len, struct sqlite_wal *wal, struct sum *sum)
{
    uint32_t page_bytes;

    if (len < HEAD_BYTES || (rpm_be32(bytes) & ~1U) != magic)
        return false;
    page_bytes = rpm_be32(bytes + 8);
    if (page_bytes < PAGE_MIN_BYTES || page_bytes > PAGE_MAX_BYTES ||
        (page_bytes & (page_bytes - 1)) != 0)
        return false;
    wal->page_bytes = page_bytes;
    sum->big_endian = rpm_be32(bytes) & 1;
    sum_add(sum, bytes, HEAD_SUMMED_BYTES);
    return sum_is(sum, bytes + HEAD_SUMMED_BYTES);
}

/* How many frames belong to finished transactions; the size after the last is wal->pages. */
static uint32_t frames_count(struct sqlite_wal *wal, size_t len, struct sum sum)
{
    size_t frame_bytes = FRAME_HEAD_BYTES + (size_t)wal->page_bytes;
    uint32_t most = (uint32_t)((len - HEAD_BYTES) / frame_bytes), finished = 0;

    for (uint32_t i = 0; i < most; i++) {
        const uint8_t *frame = frame_at(wal, i);

        sum_add(&sum, frame, FRAME_SUMMED_BYTES);
        sum_add(&sum, frame + FRAME_HEAD_BYTES, wal->page_bytes);
        if (memcmp(frame + FRAME_SALT_AT, wal->bytes + SALT_AT, SALT_BYTES) != 0 ||
            !sum_is(&sum, frame + FRAME_SUM_AT) || rpm_be32(frame) == 0)
            break;
        if (rpm_be32(frame + 4) != 0) {
            finished = i + 1;
            wal->pages = rpm_be32(frame + 4);
        }
    }
    return finished;
}

enum mu_status sqlite_wal_open(const uint8_t *bytes, size_t len, struct sqlite_wal *ret_wal,
                               struct mu_error *err)
{
    struct sqlite_wal wal = {.bytes = bytes};
    struct sum sum = {.big_endian = false};
    uint32_t count = head_read(bytes, len, &wal, &sum) ? frames_count(&wal, len, sum) : 0;

    *ret_wal = (struct sqlite_wal){.bytes = NULL};
    if (count == 0)
        return MU_OK;
    if ((uint64_t)wal.pages * wal.page_bytes > SQLITE_WAL_BYTES_MAX)
        return mu_fail(err, MU_E_LIMIT, "a database of more than %llu bytes with its log",
                       (unsigned long long)SQLITE_WAL_BYTES_MAX);
    wal.frames = mu_scratch_zeroed(((size_t)wal.pages + 1) * sizeof(*wal.frames));
    if (!wal.frames)
        return mu_fail(err, MU_E_NOMEM, "no memory for %u pages", wal.pages);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = rpm_be32(frame_at(&wal, i));

        if (number <= wal.pages)
            wal.frames[number] = i + 1;
    }
    *ret_wal = wal;
    return MU_OK;
}

void sqlite_wal_done(struct sqlite_wal *wal)
{
    mu_scratch_free(wal->frames);
    *wal = (struct sqlite_wal){.bytes = NULL};
}

const uint8_t *sqlite_wal_page(const struct sqlite_wal *wal, uint32_t number)
{
    if (number == 0 || number > wal->pages || wal->frames[number] == 0)
        return NULL;
    return frame_at(wal, wal->frames[number] - 1) + FRAME_HEAD_BYTES;
}
