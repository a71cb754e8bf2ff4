#include "base/cms.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As a signature and as a time stamp; the authorities are those of Debian, or none. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char authorities[] = "/etc/ssl/certs/ISRG_Root_X1.pem";
    char signer[MU_CMS_NAME_SIZE];
    struct mu_error err;
    int64_t at_us;

    mu_cms_signer(data, size, signer);
    (void)mu_cms_verify(data, size, "{}", 2, authorities, INT64_C(1796083199000000), signer, &err);
    (void)mu_timestamp_verify(data, size, "{}", 2, authorities, &at_us, &err);
    (void)mu_timestamp_accept(data, size, data, size, &err);
    return 0;
}
