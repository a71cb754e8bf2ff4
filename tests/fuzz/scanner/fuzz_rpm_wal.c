/* Any bytes as an rpm database and, behind the place that the first two name, the write-ahead log
 * beside it: nothing is read outside of both. */
#include "os_fuzz.h"
#include "package/os/os_finders.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct finder_input input = {.path = "var/lib/rpm/rpmdb.sqlite-wal"};
    struct mu_error err = {.status = MU_OK};
    size_t at = len < 2 ? len : (size_t)bytes[0] << 8 | bytes[1];

    bytes += len < 2 ? 0 : 2;
    len -= len < 2 ? 0 : 2;
    at = at < len ? at : len;
    input.beside = bytes;
    input.beside_len = at;
    input.bytes = bytes + at;
    input.len = len - at;
    if (finder_rpm_wal.read(&input, &fuzz_sink, &err) != MU_OK && err.message[0] == '\0')
        abort();
    return 0;
}
