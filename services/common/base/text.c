#include "base/text.h"

#include <openssl/crypto.h>
#include <string.h>

bool mu_text_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool mu_text_starts(const char *text, const char *prefix)
{
    return text && strncmp(text, prefix, strlen(prefix)) == 0;
}

bool mu_text_ends(const char *text, const char *suffix)
{
    size_t len = text ? strlen(text) : 0, suffix_len = strlen(suffix);

    return text && len >= suffix_len && memcmp(text + len - suffix_len, suffix, suffix_len) == 0;
}

bool mu_secret_equal(const char *secret, size_t secret_len, const char *given, size_t given_len)
{
    return secret_len == given_len && CRYPTO_memcmp(secret, given, secret_len) == 0;
}

enum mu_status mu_text_to_u64(const char *text, const char *what, uint64_t *ret_value,
                              struct mu_error *err)
{
    uint64_t value = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
            return mu_fail(err, MU_E_INVALID, "%s: '%.40s' is too large", what, text);
    if (at == text || *at)
        return mu_fail(err, MU_E_INVALID, "%s: '%.40s' is no whole number", what, text);
    *ret_value = value;
    return MU_OK;
}

size_t mu_text_of_number(int64_t number, char ret_text[MU_NUMBER_TEXT_SIZE])
{
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
    char text[MU_NUMBER_TEXT_SIZE], *at = text + sizeof(text);
    size_t len;

    *--at = '\0';
    do
        *--at = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (number < 0)
        *--at = '-';
    len = (size_t)(text + sizeof(text) - at);
    memcpy(ret_text, at, len);
    return len - 1;
}

/* Length of the UTF-8 sequence at `at` (RFC 3629 section 4), or 0 when it is none. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t len;
    } rows[] = {
            {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
            {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
            {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (at[0] < rows[i].first_low || at[0] > rows[i].first_high)
            continue;
        if (rows[i].len > left)
            return 0;
        if (rows[i].len > 1 && (at[1] < rows[i].second_low || at[1] > rows[i].second_high))
            return 0;
        for (size_t n = 2; n < rows[i].len; n++)
            if (at[n] < 0x80 || at[n] > 0xbf)
                return 0;
        return rows[i].len;
    }
    return 0;
}

/* Whether the eight bytes at `at` are all ASCII. */
static bool ascii_word(const unsigned char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

bool mu_utf8_valid(const char *bytes, size_t len)
{
    const unsigned char *at = (const unsigned char *)bytes;

    while (len > 0) {
        size_t step;

        if (len >= sizeof(uint64_t) && ascii_word(at))
            step = sizeof(uint64_t);
        else
            step = *at < 0x80 ? 1 : utf8_length(at, len);

        if (step == 0)
            return false;
        at += step;
        len -= step;
    }
    return true;
}

void mu_utf8_clean(char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        size_t step = utf8_length((const unsigned char *)text, len);

        if (step == 0) {
            *text = '?';
            step = 1;
        }
        text += step;
        len -= step;
    }
}

char *mu_utf8_put(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

size_t mu_utf8_count(const char *bytes, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return count;
}

static void put_json_ascii(unsigned char c, struct mu_buf *out)
{
    if (c == '"' || c == '\\')
        mu_buf_printf(out, "\\%c", c);
    else if (c == '\n')
        mu_buf_puts(out, "\\n");
    else if (c < 0x20 || c == 0x7f)
        mu_buf_printf(out, "\\u%04x", c);
    else
        mu_buf_append(out, &c, 1);
}

void mu_text_to_json(const char *bytes, size_t len, struct mu_buf *out)
{
    mu_buf_puts(out, "\"");
    while (len > 0) {
        size_t step = utf8_length((const unsigned char *)bytes, len);

        if (step > 1)
            mu_buf_append(out, bytes, step);
        else if (step == 1)
            put_json_ascii((unsigned char)*bytes, out);
        else
            mu_buf_puts(out, "?");
        step += step == 0;
        bytes += step;
        len -= step;
    }
    mu_buf_puts(out, "\"");
}

void mu_text_percent(const char *text, const char *also, struct mu_buf *out)
{
    static const char unreserved[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *text; text++) {
        if (strchr(unreserved, *text) || strchr(also, *text))
            mu_buf_append(out, text, 1);
        else
            mu_buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

void mu_hex_encode(const uint8_t *bytes, size_t len, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        ret_text[2 * i] = digits[bytes[i] >> 4];
        ret_text[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_text[2 * len] = '\0';
}

/* One more than the value of a digit; 0: none. */
static const uint8_t hex_values[UINT8_MAX + 1] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
        ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

int mu_hex_byte(const char *text)
{
    unsigned high = hex_values[(uint8_t)text[0]], low = high ? hex_values[(uint8_t)text[1]] : 0;

    return low ? (int)((high - 1) << 4 | (low - 1)) : -1;
}

bool mu_hex_decode(const char *text, size_t text_len, uint8_t *ret_bytes, size_t len)
{
    if (text_len != 2 * len)
        return false;
    for (size_t i = 0; i < text_len; i++)
        if (!hex_values[(uint8_t)text[i]])
            return false;
    for (size_t i = 0; i < len; i++)
        ret_bytes[i] = (uint8_t)mu_hex_byte(text + 2 * i);
    return true;
}

static const char base64_digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void mu_base64_encode(const void *bytes, size_t len, struct mu_buf *out)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        size_t taken = len < 3 ? len : 3;
        uint32_t group = (uint32_t)at[0] << 16 | (taken > 1 ? (uint32_t)at[1] << 8 : 0) |
                         (taken > 2 ? at[2] : 0);
        char text[4] = {base64_digits[group >> 18], base64_digits[group >> 12 & 63],
                        taken > 1 ? base64_digits[group >> 6 & 63] : '=',
                        taken > 2 ? base64_digits[group & 63] : '='};

        mu_buf_append(out, text, sizeof(text));
        at += taken;
        len -= taken;
    }
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* 24 bits of four characters, of which `digits` count; -1 when one is wrong. */
static int32_t base64_group(const char *text, size_t digits)
{
    int32_t group = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i < digits ? base64_value(text[i]) : 0;

        if (value < 0)
            return -1;
        group = group << 6 | value;
    }
    return group;
}

enum mu_status mu_base64_decode(const char *text, size_t len, struct mu_buf *out,
                                struct mu_error *err)
{
    if (len % 4 != 0)
        return mu_fail(err, MU_E_INVALID, "base64: length %zu is no multiple of 4", len);
    for (size_t i = 0; i < len; i += 4) {
        bool last = i + 4 == len;
        size_t digits = last && text[i + 3] == '=' ? (text[i + 2] == '=' ? 2 : 3) : 4;
        int32_t group = base64_group(text + i, digits);
        const char bytes[3] = {(char)(group >> 16), (char)(group >> 8), (char)group};

        if (group < 0)
            return mu_fail(err, MU_E_INVALID, "base64: a wrong character near byte %zu", i);
        mu_buf_append(out, bytes, digits - 1);
    }
    return mu_buf_status(out, "base64", err);
}
