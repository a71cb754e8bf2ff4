/* Any bytes as an rpm database and, behind the place that the first two name, the write-ahead log
 * beside it: nothing is read outside of both. */
#include "os_fuzz.h"
#include "package/os/os_finders.h"
#include "package/os/rpm_database.h"

static enum mu_status on_blob(void *opaque, const uint8_t *bytes, size_t len, struct mu_error *err)
{
    (void)err;
    for (size_t i = 0; i < len; i++)
        *(uint8_t *)opaque ^= bytes[i];
    return MU_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t at = len < 2 ? len : (size_t)bytes[0] << 8 | bytes[1];
    struct sqlite_wal wal;
    struct mu_error err;
    uint8_t all = 0;

    bytes += len < 2 ? 0 : 2;
    len -= len < 2 ? 0 : 2;
    at = at < len ? at : len;
    os_fuzz_read(&finder_rpm_wal, "var/lib/rpm/rpmdb.sqlite-wal", bytes + at, len - at);
    if (sqlite_wal_open(bytes + at, len - at, &wal, &err) != MU_OK)
        return 0;
    if (wal.pages > 0)
        (void)!rpm_sqlite_walk_wal(bytes, at, &wal, on_blob, &all, &err);
    sqlite_wal_done(&wal);
    return 0;
}
