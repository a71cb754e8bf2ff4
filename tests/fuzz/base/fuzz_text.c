/* Any bytes through the readers of text: times, months, numbers, hex, UTF-8, JSON strings, errors.
 */
#include "base/clock.h"
#include "base/sha256.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* What was read is written in a form that is read to the same. */
static void check_time(const char *bytes, size_t len)
{
    char text[MU_TIME_TEXT_SIZE];
    int64_t at_us, back_us, end_us;
    struct mu_error err;

    if (mu_time_parse(bytes, len, &at_us, &err) == MU_OK) {
        mu_time_format(at_us, text);
        if (mu_time_parse(text, strlen(text), &back_us, &err) != MU_OK || back_us != at_us)
            abort();
    }
    if (mu_month_parse(bytes, &at_us, &end_us, &err) == MU_OK && end_us <= at_us)
        abort();
}

static void check_json(const char *bytes, size_t len)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;

    mu_buf_init(&out, 8 * len + 2);
    mu_text_to_json(bytes, len, &out);
    if (out.failed || !mu_utf8_valid(out.data, out.len) || strchr(out.data, '\n'))
        abort();
}

static void check_clean(char *text)
{
    struct mu_error err;

    (void)mu_fail(&err, MU_E_INVALID, "%s", text);
    if (!mu_utf8_valid(err.message, strlen(err.message)) || strpbrk(err.message, "\n\r\t\x1b"))
        abort();
    mu_utf8_clean(text);
    if (!mu_utf8_valid(text, strlen(text)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = strndup((const char *)bytes, len);
    uint8_t hex[16];
    uint64_t number;
    struct mu_error err;

    if (!text)
        return 0;
    check_time(text, strlen(text));
    check_json((const char *)bytes, len);
    (void)!mu_text_to_u64(text, "n", &number, &err);
    (void)mu_hex_decode(text, strlen(text), hex, sizeof(hex));
    (void)mu_digest_valid(text, strlen(text));
    check_clean(text);
    free(text);
    return 0;
}
