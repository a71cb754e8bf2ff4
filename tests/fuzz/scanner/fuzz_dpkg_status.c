/* Any bytes as dpkg's status, in both forms: what comes out is printable ASCII of the input. */
#include "os_fuzz.h"
#include "package/os/dpkg_status.h"
#include "package/os/os_finders.h"

#include <stdint.h>
#include <stdlib.h>

struct input {
    const char *bytes;
    size_t len;
};

static void must_be_word(const struct input *input, struct dpkg_text text)
{
    if (text.len == 0 || text.text < input->bytes || text.len > input->len ||
        text.text + text.len > input->bytes + input->len)
        abort();
    for (size_t i = 0; i < text.len; i++)
        if (text.text[i] <= ' ' || text.text[i] > '~')
            abort();
}

static enum mu_status on_package(void *opaque, const struct dpkg_package *package,
                                 struct mu_error *err)
{
    const struct input *input = opaque;

    (void)err;
    must_be_word(input, package->name);
    must_be_word(input, package->version);
    must_be_word(input, package->source_name);
    must_be_word(input, package->source_version);
    if (package->architecture.text)
        must_be_word(input, package->architecture);
    if (package->maintainer.text &&
        !mu_utf8_valid(package->maintainer.text, package->maintainer.len))
        abort();
    return MU_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct input input = {(const char *)bytes, len};
    size_t unreadable;
    struct mu_error err;

    if (dpkg_status_parse(input.bytes, len, DPKG_STATUS, on_package, &input, &unreadable, &err) !=
                MU_OK ||
        dpkg_status_parse(input.bytes, len, DPKG_STATUS_D, on_package, &input, &unreadable, &err) !=
                MU_OK)
        abort();
    os_fuzz_read(&finder_dpkg_status, "var/lib/dpkg/status", bytes, len);
    os_fuzz_read(&finder_dpkg_status_d, "var/lib/dpkg/status.d/a", bytes, len);
    return 0;
}
