#include "base/signature.h"
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read, written again, is read as the same. */
static void read_again(const struct mu_buf *plain)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf again;
    struct mu_error err;

    mu_buf_init(&text, 1 << 20);
    mu_buf_init(&again, 1 << 20);
    mu_base64_encode(plain->data, plain->len, &text);
    for (size_t i = 0; i < text.len; i++)
        text.data[i] = text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : text.data[i];
    if (mu_base64url_decode(text.data, text.len, &again, &err) != MU_OK ||
        again.len != plain->len || memcmp(again.data, plain->data, again.len) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf plain;
    struct mu_error err;

    mu_buf_init(&plain, 1 << 16);
    if (mu_base64url_decode((const char *)data, size, &plain, &err) == MU_OK)
        read_again(&plain);
    return 0;
}
