#include "check/secret_text.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static unsigned alphabets_of(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return SECRET_DIGIT | SECRET_HEX | (c >= '2' && c <= '7' ? SECRET_BASE32 : 0U) |
               SECRET_UPPER_ALNUM | SECRET_ALNUM | SECRET_WORD | SECRET_BASE64 | SECRET_BASE64_URL;
    if (c >= 'A' && c <= 'Z')
        return SECRET_BASE32 | SECRET_UPPER_ALNUM | SECRET_ALNUM | SECRET_WORD | SECRET_BASE64 |
               SECRET_BASE64_URL;
    if (c >= 'a' && c <= 'z')
        return (c <= 'f' ? SECRET_HEX : 0U) | SECRET_ALNUM | SECRET_WORD | SECRET_BASE64 |
               SECRET_BASE64_URL;
    if (c == '_')
        return SECRET_WORD | SECRET_BASE64_URL;
    if (c == '-')
        return SECRET_BASE64_URL;
    return c == '+' || c == '/' ? SECRET_BASE64 : 0U;
}

size_t secret_run(struct text_piece text, size_t at, size_t max, enum secret_alphabet alphabet)
{
    size_t end = at;

    while (end < text.len && end - at < max &&
           (alphabets_of((unsigned char)text.text[end]) & (unsigned)alphabet))
        end++;
    return end - at;
}

double secret_entropy(struct text_piece text)
{
    size_t counts[256] = {0};
    double bits = 0;

    for (size_t i = 0; i < text.len; i++)
        counts[(unsigned char)text.text[i]]++;
    for (size_t i = 0; i < 256; i++) {
        double share = counts[i] ? (double)counts[i] / (double)text.len : 1.0;

        bits -= share < 1.0 ? share * log2(share) : 0;
    }
    return bits;
}

/* CRC-32 of IEEE 802.3, bit by bit: a token is short. */
static uint32_t crc32_of(const char *bytes, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned char)bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1U) ? 0xedb88320U : 0U);
    }
    return ~crc;
}

bool secret_crc62_right(struct text_piece text)
{
    enum { RANDOM_LEN = 30, CHECK_LEN = 6 };
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint32_t crc;

    if (text.len != RANDOM_LEN + CHECK_LEN)
        return false;
    crc = crc32_of(text.text, RANDOM_LEN);
    for (size_t i = RANDOM_LEN + CHECK_LEN; i-- > RANDOM_LEN; crc /= 62) {
        if (text.text[i] != digits[crc % 62])
            return false;
    }
    return true;
}

static const char *const placeholder_parts[] = {
        "example", "changeme", "change_me", "change-me", "change this", "placeholder", "redacted",
        "dummy",   "your_",    "your-",     "yourpass",  "insert",      "replace",     "<",
        "${",      "$(",       "{{",        "xxxx",      "****",        "....",        "%s",
        "not-a-",  "notreal",  "fake",      "sample",    "todo",
};

static const char *const placeholder_words[] = {
        "password", "passwd", "secret",  "test",    "testing", "none",     "null",
        "true",     "false",  "default", "token",   "root",    "user",     "unset",
        "nil",      "string", "empty",   "disable", "enabled", "disabled", "undefined",
};

static bool is_word(struct text_piece text, const char *word)
{
    return strlen(word) == text.len && text_piece_has(text, word);
}

static bool all_the_same(struct text_piece text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.text[i] != text.text[0])
            return false;
    }
    return true;
}

bool secret_is_placeholder(struct text_piece text)
{
    if (text.len == 0 || text.text[0] == '$' || text.text[0] == '%' || all_the_same(text))
        return true;
    for (size_t i = 0; i < sizeof(placeholder_words) / sizeof(placeholder_words[0]); i++) {
        if (is_word(text, placeholder_words[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof(placeholder_parts) / sizeof(placeholder_parts[0]); i++) {
        if (text_piece_has(text, placeholder_parts[i]))
            return true;
    }
    return false;
}

bool secret_is_password(struct text_piece text)
{
    enum { PASSWORD_MIN_BYTES = 6 };

    if (text.len < PASSWORD_MIN_BYTES || memchr(text.text, ' ', text.len) ||
        memchr(text.text, '\t', text.len))
        return false;
    return !secret_is_placeholder(text);
}

/* The scheme's letters before "://". */
static size_t scheme_start(struct text_piece text, size_t colon)
{
    enum { SCHEME_MAX = 20 };
    size_t start = colon;

    while (start > 0 && colon - start < SCHEME_MAX &&
           (secret_run(text, start - 1, 1, SECRET_ALNUM) > 0 || text.text[start - 1] == '+'))
        start--;
    return start;
}

/* The authority after "://" at `mark`. */
static bool authority_has_password(struct text_piece text, size_t mark,
                                   struct text_piece *ret_scheme)
{
    size_t start = scheme_start(text, mark), colon = 0, i;

    for (i = mark + 3; i < text.len && !strchr("/?# \t\"'<>\\", text.text[i]); i++) {
        if (text.text[i] == '@')
            break;
        if (text.text[i] == ':' && colon == 0)
            colon = i;
    }
    if (i >= text.len || text.text[i] != '@' || colon == 0 ||
        !secret_is_password((struct text_piece){text.text + colon + 1, i - colon - 1}))
        return false;
    *ret_scheme = (struct text_piece){text.text + start, colon - start};
    return true;
}

bool secret_url_password(struct text_piece text, struct text_piece *ret_scheme)
{
    size_t at = 0;
    const char *mark;

    while (at < text.len && (mark = memmem(text.text + at, text.len - at, "://", 3))) {
        at = (size_t)(mark - text.text) + 3;
        if (authority_has_password(text, at - 3, ret_scheme))
            return true;
    }
    return false;
}
