#include "json/json_write.h"

#include "base/text.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* As many characters as a processor compares at once. */
typedef unsigned char chunk __attribute__((vector_size(16)));

/* Each byte of `text` that is not plain gives 0xff, the others 0. */
static chunk special_bytes(const char *text)
{
    chunk bytes;

    memcpy(&bytes, text, sizeof(bytes));
    return (chunk)((bytes == '"') | (bytes == '\\') | (bytes < 0x20));
}

size_t json_plain_length(const char *text, size_t len)
{
    size_t at = 0;

    for (; len - at >= sizeof(chunk); at += sizeof(chunk)) {
        chunk special = special_bytes(text + at);
        uint64_t halves[2];

        memcpy(halves, &special, sizeof(halves));
        if (halves[0] != 0)
            return at + (size_t)__builtin_ctzll(le64toh(halves[0])) / 8;
        if (halves[1] != 0)
            return at + 8 + (size_t)__builtin_ctzll(le64toh(halves[1])) / 8;
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
    char text[MU_NUMBER_TEXT_SIZE];

    mu_buf_append(out, text, mu_text_of_number(number, text));
}
