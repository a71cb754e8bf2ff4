#include "workbook/cell_text.h"

#include "base/text.h"

#include <string.h>

enum { ESCAPE_LENGTH = 7 /* _xHHHH_ */ };

/* The code of the escape at `text`, its last underscore left aside, or -1 when there is none. */
static int escape_at(const char *text)
{
    uint8_t code[2];

    if (strnlen(text, ESCAPE_LENGTH) < ESCAPE_LENGTH || text[0] != '_' || text[1] != 'x' ||
        !mu_hex_decode(text + 2, 4, code, 2))
        return -1;
    return code[0] << 8 | code[1];
}

/* U+FFFE and U+FFFF: no characters, and forbidden in XML. */
static bool is_noncharacter(const unsigned char *text)
{
    return text[0] == 0xef && text[1] == 0xbf && (text[2] == 0xbe || text[2] == 0xbf);
}

static bool is_escaped(const unsigned char *text)
{
    return (*text > 0 && *text < 0x20 && *text != '\n' && *text != '\t') || is_noncharacter(text);
}

/* Whether what is written for `text` would be read as an escape: the underscore that ends it may
 * come from the escape of the character behind. */
static bool reads_as_escape(const char *text)
{
    return escape_at(text) >= 0 && (text[6] == '_' || is_escaped((const unsigned char *)text + 6));
}

/* Bytes that stand for themselves: nearly all of them. */
static size_t plain_length(const unsigned char *text)
{
    size_t len = 0;

    while ((text[len] >= 0x20 && text[len] != '_' && text[len] != 0xef) || text[len] == '\n' ||
           text[len] == '\t')
        len++;
    return len;
}

void cell_text_encode(const char *text, struct mu_buf *out)
{
    for (const unsigned char *at = (const unsigned char *)text;; at++) {
        const size_t plain = plain_length(at);

        mu_buf_append(out, at, plain);
        at += plain;
        if (*at == '\0')
            return;
        if (is_noncharacter(at)) {
            mu_buf_puts(out, at[2] == 0xbe ? "_xFFFE_" : "_xFFFF_");
            at += 2;
        } else if (is_escaped(at)) {
            mu_buf_printf(out, "_x%04X_", *at);
        } else if (reads_as_escape((const char *)at)) {
            mu_buf_puts(out, "_x005F_");
        } else {
            mu_buf_append(out, at, 1);
        }
    }
}

void cell_text_decode(char *text)
{
    char *out = strstr(text, "_x");

    for (const char *at = out; at && *at;) {
        int code = escape_at(at) >= 0 && at[6] == '_' ? escape_at(at) : -1;

        if (code <= 0 || (code >= 0xd800 && code <= 0xdfff)) {
            *out++ = *at++;
        } else {
            out = mu_utf8_put(out, (unsigned)code);
            at += ESCAPE_LENGTH;
        }
    }
    if (out)
        *out = '\0';
}

size_t cell_text_length(const char *text)
{
    size_t units = 0;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        units += (c & 0xc0) == 0x80 ? 0 : c >= 0xf0 ? 2 : 1;
    }
    return units;
}

bool cell_text_is_runnable(const char *text)
{
    return *text != '\0' && strchr("=+-@\t\r", *text) != NULL;
}
