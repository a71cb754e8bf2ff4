#include "version/version_reader.h"

struct version_reader version_read(const char *text)
{
    return (struct version_reader){.rest = version_text_of(text)};
}

int version_token_compare(const struct version_token *a, const struct version_token *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    switch (a->kind) {
    case VERSION_RANK_ONLY:
        return 0;
    case VERSION_NUMBER:
        return version_compare_numbers(a->text, b->text);
    case VERSION_BYTES:
        return version_compare_bytes(a->text, b->text);
    case VERSION_FOLDED:
        return version_compare_folded(a->text, b->text);
    }
    return 0;
}

int version_compare_read(const char *a, const char *b, version_next *next)
{
    struct version_reader left = version_read(a), right = version_read(b);

    for (;;) {
        struct version_token from_left = next(&left), from_right = next(&right);
        int order = version_token_compare(&from_left, &from_right);

        if (order != 0 || (from_left.last && from_right.last))
            return order;
    }
}
