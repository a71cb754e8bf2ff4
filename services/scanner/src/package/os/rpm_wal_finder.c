/*
 * SQLite keeps what was written last in a log beside the database until it is carried over. A
 * finder sees one file, so the log is not applied: the image is told to be read in part instead.
 * Images normally have none, or an empty one: closing the database carries everything over.
 * Source: sqlite.org "Write-Ahead Logging", "WAL-mode File Format".
 */
#include "package/os/os_finders.h"

#include "package/os/os_path.h"
#include "package/os/rpm_bytes.h"

#include <string.h>

enum {
    WAL_MAX_BYTES = 256 << 20,
    WAL_HEAD_BYTES = 32,
    FRAME_HEAD_BYTES = 24,
    SALT_BYTES = 8,
    SALT_AT = 16, /* in the head of the file */
    FRAME_SALT_AT = 8,
    PAGE_MIN_BYTES = 512,
    PAGE_MAX_BYTES = 65536
};

static const uint32_t magic_wal = 0x377f0682; /* the lowest bit is the order of the checksums */

/* Pages that belong to finished transactions. Frames of an older round have another salt. */
static size_t pages_count(const uint8_t *bytes, size_t len, uint32_t page_bytes)
{
    size_t frame_bytes = FRAME_HEAD_BYTES + (size_t)page_bytes, seen = 0, finished = 0;

    for (size_t at = WAL_HEAD_BYTES; len - at >= frame_bytes; at += frame_bytes) {
        if (memcmp(bytes + at + FRAME_SALT_AT, bytes + SALT_AT, SALT_BYTES) != 0)
            break;
        seen++;
        if (rpm_be32(bytes + at + 4) != 0) /* the size of the database after a commit */
            finished = seen;
    }
    return finished;
}

static bool wal_wants(const struct finder_entry *entry)
{
    return os_path_is_in_rpm(entry->path, "rpmdb.sqlite-wal");
}

static enum mu_status wal_read(const struct finder_input *input, const struct finder_sink *sink,
                               struct mu_error *err)
{
    uint32_t page_bytes;
    size_t pages;

    (void)sink;
    if (input->len < WAL_HEAD_BYTES || (rpm_be32(input->bytes) | 1) != (magic_wal | 1))
        return MU_OK; /* SQLite takes no notice of it either */
    page_bytes = rpm_be32(input->bytes + 8);
    if (page_bytes < PAGE_MIN_BYTES || page_bytes > PAGE_MAX_BYTES)
        return MU_OK;
    pages = pages_count(input->bytes, input->len, page_bytes);
    if (pages > 0)
        return mu_fail(err, MU_E_INVALID,
                       "%zu pages of the rpm database are only in its write-ahead log, which is "
                       "not read: packages may be missing or out of date",
                       pages);
    return MU_OK;
}

const struct finder finder_rpm_wal = {.name = "rpm-wal",
                                      .version = 1,
                                      .max_bytes = WAL_MAX_BYTES,
                                      .required = true,
                                      .wants = wal_wants,
                                      .read = wal_read};
