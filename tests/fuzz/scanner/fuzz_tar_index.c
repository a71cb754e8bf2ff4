/* Any bytes as a tar: every file that is found lies within it. */
#include "source/tar_index.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const names[] = {"manifest.json", "index.json", "a", "b/layer.tar", ""};
    MU_AUTO(tar_index) struct tar_index *index = NULL;
    int fd = memfd_create("tar", MFD_CLOEXEC);
    struct mu_error err;

    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
        abort();
    if (tar_index_read(fd, len, &index, &err) == MU_OK) {
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            uint64_t offset, size;

            if (tar_index_find(index, names[i], &offset, &size, &err) == MU_OK &&
                (offset > len || size > len - offset))
                abort();
        }
    }
    (void)close(fd);
    return 0;
}
