#include "version/schemes.h"

#include "version/version_reader.h"

enum gem_rank { RANK_LETTERS, RANK_NUMBER };
enum gem_state { IN_NUMBERS, IN_LETTERS }; /* before and behind the first letters */

static bool is_separator(char c)
{
    return !version_is_digit(c) && !version_is_letter(c) && c != '-';
}

static bool is_nought(char c)
{
    return c == '0' || is_separator(c);
}

/* Zeros before the first letters, or before the end, do not count. `mark`: up to where they do. */
static void skip_zeros(struct version_reader *reader)
{
    struct version_text ahead = reader->rest;

    if (reader->state != IN_NUMBERS || (reader->mark && ahead.at < reader->mark))
        return;
    (void)version_take_while(&ahead, is_nought);
    if (!version_is_digit(version_peek(&ahead)))
        reader->rest = ahead;
    reader->mark = ahead.at;
}

/* Behind the end there are zeros without end. */
static struct version_token next(struct version_reader *reader)
{
    struct version_text *rest = &reader->rest;
    char c;

    (void)version_take_while(rest, is_separator);
    skip_zeros(reader);
    c = version_peek(rest);
    if (rest->len == 0)
        return (struct version_token){RANK_NUMBER, VERSION_NUMBER, {"", 0}, true};
    if (version_is_digit(c))
        return (struct version_token){RANK_NUMBER, VERSION_NUMBER, version_take_digits(rest),
                                      false};
    reader->state = IN_LETTERS;
    if (c == '-') {
        (void)version_take(rest, 1);
        return (struct version_token){RANK_LETTERS, VERSION_BYTES, {"pre", 3}, false};
    }
    return (struct version_token){RANK_LETTERS, VERSION_BYTES,
                                  version_take_while(rest, version_is_letter), false};
}

int rubygems_version_compare(const char *a, const char *b)
{
    return version_compare_read(a, b, next);
}

static bool is_segment(char c)
{
    return version_is_digit(c) || version_is_letter(c);
}

static bool is_dashed_segment(char c)
{
    return is_segment(c) || c == '-';
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Segments between dots, none of them empty. */
static bool take_segments(struct version_text *rest, bool (*in)(char))
{
    while (version_peek(rest) == '.') {
        (void)version_take(rest, 1);
        if (version_take_while(rest, in).len == 0)
            return false;
    }
    return true;
}

bool rubygems_version_valid(const char *text)
{
    struct version_text rest = version_text_of(text);

    (void)version_take_while(&rest, is_space);
    if (rest.len == 0)
        return true; /* counts as 0 */
    if (version_take_digits(&rest).len == 0 || !take_segments(&rest, is_segment))
        return false;
    if (version_peek(&rest) == '-') {
        (void)version_take(&rest, 1);
        if (version_take_while(&rest, is_dashed_segment).len == 0 ||
            !take_segments(&rest, is_dashed_segment))
            return false;
    }
    (void)version_take_while(&rest, is_space);
    return rest.len == 0;
}
