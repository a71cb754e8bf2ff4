/* Any bytes as a line of the file of known tags: what is read prints as what it was read from. */
#include "listing/tag_line.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct tag_line line, again;
    struct mu_error err;

    mu_buf_init(&text, TAG_LINE_MAX_BYTES);
    if (tag_line_parse((const char *)bytes, len, &line, &err) != MU_OK)
        return 0;
    if (tag_line_print(&line, &text, &err) != MU_OK ||
        tag_line_parse(text.data, text.len - 1, &again, &err) != MU_OK ||
        tag_line_compare(&line, &again) != 0 || strcmp(line.digest, again.digest) != 0 ||
        line.seen_at_us != again.seen_at_us)
        abort();
    return 0;
}
