/* Any bytes as an rpm database of the form ndb: no more is handed over than the file has, and what
 * is told is text. */
#include "os_fuzz.h"
#include "package/os/os_finders.h"
#include "package/os/rpm_database.h"

static enum mu_status on_blob(void *opaque, const uint8_t *bytes, size_t len, struct mu_error *err)
{
    size_t *left = opaque;

    (void)err;
    (void)bytes;
    if (len > *left)
        abort();
    *left -= len;
    return MU_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t left = len;
    struct mu_error err;

    (void)rpm_ndb_walk(bytes, len, on_blob, &left, &err);
    os_fuzz_read(&finder_rpm_ndb, "var/lib/rpm/Packages.db", bytes, len);
    return 0;
}
