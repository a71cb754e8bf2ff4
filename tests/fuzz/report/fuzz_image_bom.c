#include "scans/image_bom.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is written of any scan is JSON. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mu_json_limits limits = {1 << 20, 32};
    static char path[64];
    MU_AUTO(json_document) json_t *scan = NULL;
    struct image_bom bom = {
            .evidence_digest = "sha256:e", .digest = "sha256:d", .repository = "r/a"};
    struct mu_error err;
    json_t *written;

    if (mu_json_parse_bounded((const char *)data, size, &limits, 100000, &scan, &err) != MU_OK)
        return 0;
    (void)snprintf(path, sizeof(path), "/dev/shm/fuzz-bom-%d", getpid());
    (void)unlink(path);
    bom.scan = scan;
    if (image_bom_write(&bom, path, &err) != MU_OK)
        abort();
    written = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (!written)
        abort();
    json_decref(written);
    (void)unlink(path);
    return 0;
}
