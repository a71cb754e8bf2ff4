/* Any bytes as an image's config: only issues of the table come out, with clean texts. */
#include "check/checks.h"
#include "check/config_check.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static enum mu_status on_issue(void *opaque, const struct found_issue *issue, struct mu_error *err)
{
    (void)opaque;
    (void)err;
    if (!check_find(issue->check) ||
        (issue->evidence && !mu_utf8_valid(issue->evidence, strlen(issue->evidence))))
        abort();
    return MU_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct check_config_input input = {
            .json = (const char *)bytes, .len = len, .users = "root\nweb\n"};
    const struct finder_sink sink = {.issue = on_issue};
    struct mu_error err;
    enum mu_status st = check_config(&input, &sink, &err);

    if (st != MU_OK && st != MU_E_INVALID && st != MU_E_LIMIT)
        abort();
    return 0;
}
