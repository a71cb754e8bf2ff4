#include "version/schemes.h"

#include "version/version_reader.h"

/*
 * ComparableVersion nests a list at every '-' and at every change between digits and letters; an
 * item is read here with whether it opens a list. A list is above a qualifier and below a number
 * of the outer list; the end stands between the qualifiers before and behind a release.
 */
enum maven_rank {
    RANK_ALPHA,
    RANK_BETA,
    RANK_MILESTONE,
    RANK_CANDIDATE,
    RANK_SNAPSHOT,
    RANK_END,
    RANK_RELEASE, /* "" or "final" that a number follows in its list */
    RANK_SERVICE_PACK,
    RANK_QUALIFIER,
    RANK_LIST_NUMBER,
    RANK_NUMBER
};

enum maven_state { SAME_LIST, NEW_LIST }; /* where the next item stands */

struct maven_item {
    bool is_number, opens;
    struct version_text text;
    bool before_digit; /* a digit follows without separator */
};

static bool is_letter(char c)
{
    return !version_is_digit(c) && c != '.' && c != '-';
}

/* Two separators have a 0 between them. Qualifiers open a list, whatever they stand behind. */
static struct maven_item take_item(struct version_reader *reader)
{
    struct version_text *rest = &reader->rest;
    struct maven_item item = {.is_number = !is_letter(version_peek(rest)) || rest->len == 0,
                              .opens = reader->state == NEW_LIST};

    item.text = version_take_while(rest, item.is_number ? version_is_digit : is_letter);
    item.opens |= !item.is_number;
    item.before_digit = version_is_digit(version_peek(rest));
    reader->state = version_peek(rest) == '.' ? SAME_LIST : NEW_LIST;
    if (version_peek(rest) == '.' || version_peek(rest) == '-')
        (void)version_take(rest, 1);
    return item;
}

static int qualifier_rank(const struct maven_item *item)
{
    static const struct {
        const char *word;
        int rank;
        bool needs_digit;
    } words[] = {{"alpha", RANK_ALPHA, false},         {"a", RANK_ALPHA, true},
                 {"beta", RANK_BETA, false},           {"b", RANK_BETA, true},
                 {"milestone", RANK_MILESTONE, false}, {"m", RANK_MILESTONE, true},
                 {"rc", RANK_CANDIDATE, false},        {"cr", RANK_CANDIDATE, false},
                 {"snapshot", RANK_SNAPSHOT, false},   {"ga", RANK_RELEASE, false},
                 {"final", RANK_RELEASE, false},       {"release", RANK_RELEASE, false},
                 {"sp", RANK_SERVICE_PACK, false}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (version_is_word(item->text, words[i].word) &&
            (item->before_digit || !words[i].needs_digit))
            return words[i].rank;
    return RANK_QUALIFIER;
}

static bool is_null(const struct maven_item *item)
{
    return item->is_number ? version_is_zero(item->text) : qualifier_rank(item) == RANK_RELEASE;
}

/*
 * Nulls (0, "final") at the end of a list do not count: skips them. `mark`: up to where they do,
 * because something that is not null follows in their list.
 */
static void skip_nulls(struct version_reader *reader)
{
    while (reader->rest.len > 0 && (!reader->mark || reader->rest.at >= reader->mark)) {
        struct version_reader ahead = *reader, before;
        struct maven_item item = take_item(&ahead);

        if (!is_null(&item))
            return;
        do {
            before = ahead;
            item = take_item(&ahead);
        } while (before.rest.len > 0 && !item.opens && is_null(&item));
        if (before.rest.len > 0 && !item.opens) {
            reader->mark = before.rest.at;
            return;
        }
        *reader = before;
    }
}

static struct version_token next(struct version_reader *reader)
{
    struct maven_item item;

    skip_nulls(reader);
    if (reader->rest.len == 0)
        return (struct version_token){.rank = RANK_END, .last = true};
    item = take_item(reader);
    if (item.is_number)
        return (struct version_token){item.opens ? RANK_LIST_NUMBER : RANK_NUMBER, VERSION_NUMBER,
                                      item.text, false};
    if (qualifier_rank(&item) == RANK_QUALIFIER)
        return (struct version_token){RANK_QUALIFIER, VERSION_FOLDED, item.text, false};
    return (struct version_token){.rank = qualifier_rank(&item)};
}

int maven_version_compare(const char *a, const char *b)
{
    return version_compare_read(a, b, next);
}

bool maven_version_valid(const char *text)
{
    return *text != '\0';
}
