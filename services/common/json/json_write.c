#include "json/json_write.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

enum { INT_TEXT_SIZE = 24 };

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* A bit of each byte of `word` that is below 0x20, a quote or a backslash; bits above the first may
 * be wrong. */
static uint64_t special_bytes(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones * 0x80;
    uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
    uint64_t control = (word - ones * 0x20) & ~word;

    quote = (quote - ones) & ~quote;
    backslash = (backslash - ones) & ~backslash;
    return (control | quote | backslash) & highs;
}

size_t json_plain_length(const char *text, size_t len)
{
    size_t at = 0;
    uint64_t word;

    for (; len - at >= sizeof(word); at += sizeof(word)) {
        uint64_t special;

        memcpy(&word, text + at, sizeof(word));
        special = special_bytes(le64toh(word));
        if (special != 0)
            return at + (size_t)__builtin_ctzll(special) / 8;
    }
    while (at < len && is_plain(text[at]))
        at++;
    return at;
}

static void write_escape(struct mu_buf *out, char c)
{
    static const struct {
        char from, to;
    } named[] = {{'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
                 {'\n', 'n'}, {'\r', 'r'},  {'\t', 't'}};

    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (named[i].from == c) {
            mu_buf_append(out, (const char[]){'\\', named[i].to}, 2);
            return;
        }
    }
    mu_buf_printf(out, "\\u%04X", (unsigned)c);
}

static void write_plain_text(struct mu_buf *out, const char *text, size_t len)
{
    char *at = mu_buf_room(out, len + 2);

    if (!at)
        return;
    at[0] = '"';
    memcpy(at + 1, text, len);
    at[len + 1] = '"';
    mu_buf_took(out, len + 2);
}

void json_write_text(struct mu_buf *out, const char *text, size_t len)
{
    size_t plain = json_plain_length(text, len);

    if (plain == len) {
        write_plain_text(out, text, len);
        return;
    }
    mu_buf_append(out, "\"", 1);
    while (plain < len) {
        mu_buf_append(out, text, plain);
        write_escape(out, text[plain]);
        text += plain + 1;
        len -= plain + 1;
        plain = json_plain_length(text, len);
    }
    mu_buf_append(out, text, len);
    mu_buf_append(out, "\"", 1);
}

void json_write_int(struct mu_buf *out, int64_t number)
{
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
    char text[INT_TEXT_SIZE], *at = text + sizeof(text);

    do
        *--at = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (number < 0)
        *--at = '-';
    mu_buf_append(out, at, (size_t)(text + sizeof(text) - at));
}
