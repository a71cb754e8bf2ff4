#include "check/text_lines.h"

#include <string.h>
#include <strings.h>

struct text_lines text_lines_of(const void *bytes, size_t len)
{
    const char *text = len > 0 ? bytes : "";

    return (struct text_lines){.at = text, .end = text + len};
}

bool text_lines_next(struct text_lines *lines, struct text_piece *ret_line)
{
    size_t left = (size_t)(lines->end - lines->at);
    const char *newline;

    if (left == 0)
        return false;
    newline = memchr(lines->at, '\n', left);
    *ret_line = (struct text_piece){lines->at, newline ? (size_t)(newline - lines->at) : left};
    lines->at += ret_line->len + (newline ? 1 : 0);
    if (ret_line->len > 0 && ret_line->text[ret_line->len - 1] == '\r')
        ret_line->len--;
    if (lines->number < UINT32_MAX)
        lines->number++;
    return true;
}

bool text_piece_is(struct text_piece piece, const char *text)
{
    return strlen(text) == piece.len && memcmp(piece.text, text, piece.len) == 0;
}

bool text_piece_starts(struct text_piece piece, const char *prefix)
{
    size_t len = strlen(prefix);

    return piece.len >= len && memcmp(piece.text, prefix, len) == 0;
}

bool text_piece_has(struct text_piece piece, const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i + len <= piece.len; i++) {
        if (len == 0 || ((piece.text[i] ^ text[0]) & ~0x20) == 0)
            if (strncasecmp(piece.text + i, text, len) == 0)
                return true;
    }
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct text_piece text_piece_trimmed(struct text_piece piece)
{
    while (piece.len > 0 && is_blank(piece.text[0])) {
        piece.text++;
        piece.len--;
    }
    while (piece.len > 0 && is_blank(piece.text[piece.len - 1]))
        piece.len--;
    return piece;
}

struct text_piece text_piece_word(struct text_piece *piece)
{
    struct text_piece word;

    *piece = text_piece_trimmed(*piece);
    word = (struct text_piece){piece->text, 0};
    while (word.len < piece->len && !is_blank(word.text[word.len]))
        word.len++;
    piece->text += word.len;
    piece->len -= word.len;
    return word;
}
