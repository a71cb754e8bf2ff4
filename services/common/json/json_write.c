#include "json/json_write.h"

#include <stdbool.h>
#include <stdio.h>

enum { INT_TEXT_SIZE = 24 };

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
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

void json_write_text(struct mu_buf *out, const char *text, size_t len)
{
    size_t begun = 0;

    mu_buf_append(out, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        if (is_plain(text[i]))
            continue;
        mu_buf_append(out, text + begun, i - begun);
        write_escape(out, text[i]);
        begun = i + 1;
    }
    mu_buf_append(out, text + begun, len - begun);
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
