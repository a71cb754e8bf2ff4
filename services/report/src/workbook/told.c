#include "workbook/told.h"

#include <string.h>
#include <strings.h>

bool told_is(const char *text)
{
    return text && text[strspn(text, " \t\r\n")] != '\0' && strcasecmp(text, "n/a") != 0 &&
           strcasecmp(text, "na") != 0;
}

/* Longest prefix of at most `max_bytes` that ends with a whole character. */
static size_t prefix_bytes(const char *text, size_t max_bytes)
{
    size_t len = strnlen(text, max_bytes + 1);

    if (len <= max_bytes)
        return len;
    for (len = max_bytes; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
        len--;
    return len;
}

/* U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069 */
static bool turns_direction(const unsigned char *at)
{
    if (at[0] != 0xe2)
        return false;
    if (at[1] == 0x80)
        return at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xaa && at[2] <= 0xae);
    return at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9;
}

/* U+061C, and the controls U+0080 to U+009F */
static bool is_two_byte_control(const unsigned char *at)
{
    return (at[0] == 0xd8 && at[1] == 0x9c) || (at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f);
}

void told_clean(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at; at++) {
        if (turns_direction(at))
            memcpy(at, "\xef\xbf\xbd", 3);
        else if (is_two_byte_control(at))
            memcpy(at, "\xc2\xb7", 2);
    }
}

static const char *told(const char *text, size_t max_bytes, char kept, struct mu_arena *arena)
{
    size_t len = text ? prefix_bytes(text, max_bytes) : 0;
    char *copy =
            text ? mu_arena_printf(arena, "%.*s%s", (int)len, text, text[len] ? "…" : "") : NULL;

    if (!copy)
        return NULL;
    for (char *at = copy; *at; at++)
        if (((unsigned char)*at < 0x20 && *at != kept) || *at == 0x7f)
            *at = ' ';
    told_clean(copy);
    return copy;
}

const char *told_line(const char *text, size_t max_bytes, struct mu_arena *arena)
{
    return told(text, max_bytes, ' ', arena);
}

const char *told_text(const char *text, size_t max_bytes, struct mu_arena *arena)
{
    return told(text, max_bytes, '\n', arena);
}
