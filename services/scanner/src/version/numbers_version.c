#include "version/schemes.h"

#include "version/version_reader.h"

enum numbers_rank { RANK_END, RANK_NUMBER, RANK_OTHER };

static struct version_token next(struct version_reader *reader)
{
    struct version_text *rest = &reader->rest;
    char c = version_peek(rest);

    if (reader->state > 0 && (c == '.' || c == '-') && rest->len > 1) {
        (void)version_take(rest, 1);
        c = version_peek(rest);
    }
    reader->state = 1;
    if (rest->len == 0)
        return (struct version_token){.rank = RANK_END, .last = true};
    if (version_is_digit(c))
        return (struct version_token){RANK_NUMBER, VERSION_NUMBER, version_take_digits(rest),
                                      false};
    return (struct version_token){RANK_OTHER, VERSION_BYTES, version_take(rest, 1), false};
}

int numbers_version_compare(const char *a, const char *b)
{
    return version_compare_read(a, b, next);
}

bool numbers_version_valid(const char *text)
{
    struct version_reader reader = version_read(text);
    struct version_token token = next(&reader);

    if (token.last)
        return false;
    while (token.rank == RANK_NUMBER)
        token = next(&reader);
    return token.last;
}
