#include "version/schemes.h"

#include "version/version_reader.h"

enum packagist_rank {
    RANK_UNKNOWN,
    RANK_DEV,
    RANK_ALPHA,
    RANK_BETA,
    RANK_CANDIDATE,
    RANK_END,
    RANK_NUMBER,
    RANK_PATCH,
    RANK_BRANCH /* the x of "1.x-dev": above every number */
};

enum { WILDCARD = -1 }; /* "#" */

static bool starts_word(struct version_text rest, const char *word)
{
    size_t len = version_text_of(word).len;

    return len <= rest.len && version_is_word((struct version_text){rest.at, len}, word);
}

/* A word counts as the first of these it begins with. */
static int word_rank(struct version_text word)
{
    static const struct {
        const char *word;
        int rank;
    } words[] = {{"dev", RANK_DEV}, {"alpha", RANK_ALPHA},  {"a", RANK_ALPHA}, {"beta", RANK_BETA},
                 {"b", RANK_BETA},  {"rc", RANK_CANDIDATE}, {"p", RANK_PATCH}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (starts_word(word, words[i].word))
            return words[i].rank;
    return RANK_UNKNOWN;
}

static bool is_separator(char c)
{
    return !version_is_digit(c) && !version_is_letter(c) && c != '#' && c != '*';
}

static bool is_branch(struct version_text word, struct version_text rest)
{
    (void)version_take_while(&rest, is_separator);
    return (version_is_word(word, "x") || version_is_word(word, "*")) &&
           (version_is_word(rest, "dev") || version_lower(version_peek(&rest)) == 'x' ||
            version_peek(&rest) == '*');
}

static bool is_star(char c)
{
    return c == '*';
}

static struct version_token next(struct version_reader *reader)
{
    struct version_text *rest = &reader->rest, word;
    bool separated = version_take_while(rest, is_separator).len > 0;
    char c = version_peek(rest);

    if (rest->len == 0 && separated)
        return (struct version_token){.rank = RANK_UNKNOWN};
    if (rest->len == 0)
        return (struct version_token){.rank = RANK_END, .last = true};
    if (c == '#') {
        (void)version_take(rest, 1);
        return (struct version_token){.rank = WILDCARD};
    }
    if (version_is_digit(c))
        return (struct version_token){RANK_NUMBER, VERSION_NUMBER, version_take_digits(rest),
                                      false};
    word = version_take_while(rest, c == '*' ? is_star : version_is_letter);
    return (struct version_token){.rank = is_branch(word, *rest) ? RANK_BRANCH : word_rank(word)};
}

static int compare_tokens(const struct version_token *a, const struct version_token *b)
{
    if ((a->rank == WILDCARD && (b->rank == RANK_END || b->rank == RANK_NUMBER)) ||
        (b->rank == WILDCARD && (a->rank == RANK_END || a->rank == RANK_NUMBER)))
        return 0;
    return version_token_compare(a, b);
}

static struct version_reader read(const char *text)
{
    bool has_v = (text[0] == 'v' || text[0] == 'V') && version_is_digit(text[1]);

    return version_read(has_v ? text + 1 : text);
}

int packagist_version_compare(const char *a, const char *b)
{
    struct version_reader left = read(a), right = read(b);
    int order = (left.rest.len > 0) - (right.rest.len > 0);

    while (order == 0) {
        struct version_token from_left = next(&left), from_right = next(&right);

        order = compare_tokens(&from_left, &from_right);
        if (from_left.last && from_right.last)
            break;
    }
    return order;
}

/* ---- what Composer takes ---- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_dot(char c)
{
    return c == '.' || c == '-' || c == '_';
}

static bool is_not_space(char c)
{
    return !is_space(c);
}

static bool take_word(struct version_text *rest, const char *word)
{
    struct version_text ahead = *rest;

    if (is_dot(version_peek(&ahead)))
        (void)version_take(&ahead, 1);
    if (!starts_word(ahead, word))
        return false;
    (void)version_take(&ahead, version_text_of(word).len);
    *rest = ahead;
    return true;
}

/* "1.2.3", also with x for a branch. */
static bool take_numbers(struct version_text *rest, bool *ret_branch)
{
    *ret_branch = false;
    for (;;) {
        char c = version_peek(rest);

        if (version_take_digits(rest).len == 0) {
            if (version_lower(c) != 'x' && c != '*')
                return false;
            *ret_branch = true;
            (void)version_take(rest, 1);
        }
        if (version_peek(rest) != '.' ||
            !(version_is_digit(version_char(*rest, 1)) ||
              version_lower(version_char(*rest, 1)) == 'x' || version_char(*rest, 1) == '*'))
            return true;
        (void)version_take(rest, 1);
    }
}

/* "-beta.2", "RC1", "-patch3" and then maybe "-dev" */
static void take_stability(struct version_text *rest)
{
    static const char *const words[] = {"stable", "beta",  "b",  "rc", "alpha",
                                        "a",      "patch", "pl", "p"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!take_word(rest, words[i]))
            continue;
        while (version_is_digit(version_peek(rest)) ||
               ((version_peek(rest) == '.' || version_peek(rest) == '-') &&
                version_is_digit(version_char(*rest, 1))))
            (void)version_take(rest, 1);
        return;
    }
}

bool packagist_version_valid(const char *text)
{
    struct version_text rest = version_text_of(text);
    bool branch, dev;

    if (starts_word(rest, "dev-"))
        return rest.len > 4 && version_take_while(&rest, is_not_space).len > 0 && rest.len == 0;
    if (version_lower(version_peek(&rest)) == 'v')
        (void)version_take(&rest, 1);
    if (!version_is_digit(version_peek(&rest)) || !take_numbers(&rest, &branch))
        return false;
    take_stability(&rest);
    dev = take_word(&rest, "dev");
    if (branch && !dev)
        return false;
    if (version_peek(&rest) == '+' && rest.len > 1)
        (void)version_take_while(&rest, is_not_space);
    return rest.len == 0;
}
