/*
 * version_text: a piece of a version, and how two pieces compare.
 */
#ifndef SCANNER_VERSION_TEXT_H
#define SCANNER_VERSION_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct version_text {
    const char *at;
    size_t len;
};

static inline bool version_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool version_is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static inline bool version_is_letter(char c)
{
    return version_is_lower(c) || (c >= 'A' && c <= 'Z');
}

static inline char version_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* The first character; '\0' at the end. */
static inline char version_peek(const struct version_text *text)
{
    return text->len > 0 ? text->at[0] : '\0';
}

/* Character `index`; '\0' behind the end. */
static inline char version_char(struct version_text text, size_t index)
{
    return index < text.len ? text.at[index] : '\0';
}

struct version_text version_text_of(const char *text);
/* Takes `len` bytes off the front. */
struct version_text version_take(struct version_text *from, size_t len);
/* Takes the characters `in` says yes to off the front. */
struct version_text version_take_while(struct version_text *from, bool (*in)(char));
/* Takes a run of digits off the front. */
struct version_text version_take_digits(struct version_text *from);
/* Takes everything before the first `end` (or all there is); `end` itself stays. */
struct version_text version_take_until(struct version_text *from, char end);

/* Digit runs of any length as numbers: leading zeros do not count; no digits is 0. */
int version_compare_numbers(struct version_text a, struct version_text b);
bool version_is_zero(struct version_text digits);
/* By bytes, the shorter first. */
int version_compare_bytes(struct version_text a, struct version_text b);
/* The same with ASCII capitals as small letters. */
int version_compare_folded(struct version_text a, struct version_text b);
/* Whether it is `word`, capitals aside. */
bool version_is_word(struct version_text text, const char *word);

#endif
