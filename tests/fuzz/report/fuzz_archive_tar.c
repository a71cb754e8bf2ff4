#include "archive/tar_zst.h"

#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

/* One input as the tar inside, one as the packed bytes: whichever its first bit says. Nothing may
 * come out of the folder. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char folder[] = "/dev/shm/muster-fuzz-tar-XXXXXX", packed[1 << 17];
    struct unpack unpack = {.folder = folder, .limits = {1 << 20, 100}, .fd = -1};
    size_t len = size > 0 && size < 1 << 16 && !(data[0] & 1)
                         ? ZSTD_compress(packed, sizeof(packed), data, size, 1)
                         : 0;
    FILE *in = len > 0 ? fmemopen(packed, len, "r")
                       : fmemopen((void *)(uintptr_t)data, size ? size : 1, "r");
    struct mu_error err;

    if (!in)
        return 0;
    if (!mkdtemp(folder))
        abort();
    (void)tar_zst_unpack_stream(in, &unpack, &err);
    unpack_done(&unpack);
    (void)fclose(in);
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    for (size_t i = sizeof(folder) - 7; i < sizeof(folder) - 1; i++)
        folder[i] = 'X';
    return 0;
}
