#include "package/os/os_text.h"

#include "base/text.h"

#include <string.h>

bool os_word_usable(const char *text, size_t len)
{
    if (len == 0 || len > OS_WORD_MAX_BYTES)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    return true;
}

bool os_line_usable(const char *text, size_t len)
{
    if (len == 0 || len > OS_LINE_MAX_BYTES || !mu_utf8_valid(text, len))
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    }
    return true;
}

/* No "", "." or ".." between slashes. */
static bool parts_plain(const char *text, size_t len)
{
    size_t at = 0;

    while (at <= len) {
        const char *slash = at < len ? memchr(text + at, '/', len - at) : NULL;
        size_t part = (slash ? (size_t)(slash - text) : len) - at;

        if (part == 0 || (part <= 2 && memcmp(text + at, "..", part) == 0))
            return false;
        at += part + 1;
    }
    return true;
}

const char *os_file_usable(const char *text, size_t len, size_t *ret_len)
{
    if (len > 0 && text[0] == '.' && len > 1 && text[1] == '/') {
        text++;
        len--;
    }
    while (len > 0 && text[0] == '/') {
        text++;
        len--;
    }
    if (len == 0 || len > OS_FILE_MAX_BYTES || !parts_plain(text, len) || memchr(text, '\0', len) ||
        !mu_utf8_valid(text, len))
        return NULL;
    *ret_len = len;
    return text;
}
