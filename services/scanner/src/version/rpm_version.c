#include "version/schemes.h"

#include "version/version_reader.h"

#include <string.h>

struct evr {
    struct version_text epoch, version, release;
    bool has_release;
};

enum rpm_rank { RANK_TILDE, RANK_END, RANK_CARET, RANK_LETTERS, RANK_DIGITS };

static bool is_separator(char c)
{
    return !version_is_digit(c) && !version_is_letter(c) && c != '~' && c != '^';
}

static struct version_token next(struct version_reader *reader)
{
    struct version_text *rest = &reader->rest;
    char c;

    (void)version_take_while(rest, is_separator);
    c = version_peek(rest);
    if (rest->len == 0)
        return (struct version_token){.rank = RANK_END, .last = true};
    if (version_is_digit(c))
        return (struct version_token){RANK_DIGITS, VERSION_NUMBER, version_take_digits(rest),
                                      false};
    if (version_is_letter(c))
        return (struct version_token){RANK_LETTERS, VERSION_BYTES,
                                      version_take_while(rest, version_is_letter), false};
    (void)version_take(rest, 1);
    return (struct version_token){.rank = c == '~' ? RANK_TILDE : RANK_CARET};
}

static int compare_texts(struct version_text a, struct version_text b)
{
    struct version_reader left = {.rest = a}, right = {.rest = b};

    for (;;) {
        struct version_token from_left = next(&left), from_right = next(&right);
        int order = version_token_compare(&from_left, &from_right);

        if (order != 0 || from_left.last)
            return order;
    }
}

/* The epoch is digits before the first ':'; the release stands behind the last '-'. */
static struct evr split(const char *text)
{
    struct version_text rest = version_text_of(text);
    struct evr evr = {.epoch = version_take_digits(&rest)};
    const char *dash;

    if (version_peek(&rest) == ':') {
        (void)version_take(&rest, 1);
    } else {
        rest = version_text_of(text);
        evr.epoch.len = 0;
    }
    dash = strrchr(rest.at, '-');
    evr.version = version_take(&rest, dash ? (size_t)(dash - rest.at) : rest.len);
    evr.has_release = dash != NULL;
    if (dash)
        (void)version_take(&rest, 1);
    evr.release = rest;
    return evr;
}

int rpm_version_compare(const char *a, const char *b)
{
    struct evr left = split(a), right = split(b);
    int order = version_compare_numbers(left.epoch, right.epoch);

    if (order == 0)
        order = compare_texts(left.version, right.version);
    if (order == 0)
        order = left.has_release - right.has_release;
    return order ? order : compare_texts(left.release, right.release);
}

static bool is_allowed(char c)
{
    return version_is_digit(c) || version_is_letter(c) || (c != '\0' && strchr("._+~^", c));
}

static bool is_whole(struct version_text text)
{
    return text.len > 0 && version_take_while(&text, is_allowed).len > 0 && text.len == 0;
}

bool rpm_version_valid(const char *text)
{
    struct evr evr = split(text);

    return is_whole(evr.version) && (!evr.has_release || is_whole(evr.release));
}
