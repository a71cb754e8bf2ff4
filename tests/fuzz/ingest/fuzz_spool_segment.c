#include "spool/spool.h"
#include "spool/spool_record.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read must be what writing it would give: nothing comes out that nobody put in. */
static enum mu_status write_again(void *opaque, const struct mu_outgoing *message,
                                  struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf record;

    mu_buf_init(&record, 2 * SPOOL_RECORD_MAX_BYTES);
    if (spool_record_write(message, &record, err) != MU_OK)
        abort();
    *(size_t *)opaque += record.len;
    return MU_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t written = 0;
    struct mu_error err;
    bool damaged = false;

    if (spool_parse((const char *)data, size, write_again, &written, &damaged, &err) != MU_OK)
        abort();
    if (written > size)
        abort();
    return 0;
}
