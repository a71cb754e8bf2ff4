/* rpm_fuzz: a walk over any bytes hands over no more than they are. */
#ifndef TESTS_FUZZ_SCANNER_RPM_FUZZ_H
#define TESTS_FUZZ_SCANNER_RPM_FUZZ_H

#include "os_fuzz.h"
#include "package/os/os_finders.h"
#include "package/os/rpm_database.h"

/* `opaque`: how many bytes are left, a size_t. */
static inline enum mu_status rpm_fuzz_blob(void *opaque, const uint8_t *bytes, size_t len,
                                           struct mu_error *err)
{
    size_t *left = opaque;

    (void)err;
    (void)bytes;
    if (len > *left)
        abort();
    *left -= len;
    return MU_OK;
}

#endif
