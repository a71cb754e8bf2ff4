#include "workbook/cell_text.h"

#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is encoded decodes to the same bytes; any text can be decoded. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO_FREE char *text = strndup((const char *)data, size);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf encoded;

    mu_buf_init(&encoded, 8 * size + 16);
    if (mu_utf8_valid(text, strlen(text))) {
        cell_text_encode(text, &encoded);
        cell_text_decode(encoded.data);
        if (encoded.failed || !mu_text_equal(encoded.data, text))
            abort();
    }
    cell_text_decode(text);
    (void)cell_text_length(text);
    return 0;
}
