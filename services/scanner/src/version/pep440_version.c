#include "version/schemes.h"

#include "version/version_reader.h"

/* ---- PEP 440 ---- */

enum { PRE_NONE, PRE_ALPHA, PRE_BETA, PRE_RC };

struct pep440 {
    struct version_text epoch, release, pre_number, post, dev, local;
    int pre; /* PRE_* */
    bool has_post, has_dev, has_local;
};

struct spelling {
    const char *word;
    int pre;
};

/* A longer word stands before its beginning. */
static const struct spelling pre_words[] = {
        {"alpha", PRE_ALPHA}, {"a", PRE_ALPHA}, {"beta", PRE_BETA}, {"b", PRE_BETA},
        {"preview", PRE_RC},  {"pre", PRE_RC},  {"rc", PRE_RC},     {"c", PRE_RC}};
static const struct spelling post_words[] = {{"post", 1}, {"rev", 1}, {"r", 1}};
static const struct spelling dev_words[] = {{"dev", 1}};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_separator(char c)
{
    return c == '.' || c == '-' || c == '_';
}

static bool is_local_char(char c)
{
    return version_is_digit(c) || version_is_letter(c);
}

static void skip_separator(struct version_text *rest)
{
    if (is_separator(version_peek(rest)))
        (void)version_take(rest, 1);
}

/* The word at the front among `words`; 0: none, and nothing is taken. */
static int take_word(struct version_text *rest, const struct spelling *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = version_text_of(words[i].word).len;
        struct version_text front = {rest->at, len};

        if (len <= rest->len && version_is_word(front, words[i].word)) {
            (void)version_take(rest, len);
            return words[i].pre;
        }
    }
    return 0;
}

/* "[sep]word[sep][digits]" */
static int take_phase(struct version_text *rest, const struct spelling *words, size_t count,
                      struct version_text *ret_number)
{
    struct version_text ahead = *rest;
    int word;

    skip_separator(&ahead);
    word = take_word(&ahead, words, count);
    if (word == 0)
        return 0;
    skip_separator(&ahead);
    *ret_number = version_take_digits(&ahead);
    *rest = ahead;
    return word;
}

#define TAKE_PHASE(rest, words, number) \
    take_phase(rest, words, sizeof(words) / sizeof((words)[0]), number)

/* "1.0-1" is a post-release too. */
static bool take_post(struct version_text *rest, struct version_text *ret_number)
{
    if (version_peek(rest) == '-' && version_is_digit(version_char(*rest, 1))) {
        (void)version_take(rest, 1);
        *ret_number = version_take_digits(rest);
        return true;
    }
    return TAKE_PHASE(rest, post_words, ret_number) != 0;
}

/* "1.2.3" off the front: digits, and dots that a digit follows. */
static struct version_text take_release(struct version_text *rest)
{
    struct version_text release = *rest;

    while (version_is_digit(version_peek(rest)) ||
           (version_peek(rest) == '.' && version_is_digit(version_char(*rest, 1))))
        (void)version_take(rest, 1);
    release.len -= rest->len;
    return release;
}

static void take_epoch(struct version_text *rest, struct version_text *ret_epoch)
{
    struct version_text ahead = *rest, digits = version_take_digits(&ahead);

    *ret_epoch = (struct version_text){"", 0};
    if (digits.len == 0 || version_peek(&ahead) != '!')
        return;
    (void)version_take(&ahead, 1);
    *ret_epoch = digits;
    *rest = ahead;
}

/* Letters and digits with one separator between. */
static bool take_local(struct version_text *rest, struct version_text *ret_local)
{
    struct version_text local = *rest;

    for (;;) {
        if (version_take_while(rest, is_local_char).len == 0)
            return false;
        if (!is_separator(version_peek(rest)))
            break;
        (void)version_take(rest, 1);
    }
    local.len -= rest->len;
    *ret_local = local;
    return true;
}

static bool parse(const char *text, struct pep440 *ret_version)
{
    struct version_text rest = version_text_of(text);
    struct pep440 version = {.pre = PRE_NONE};

    (void)version_take_while(&rest, is_space);
    if (version_lower(version_peek(&rest)) == 'v')
        (void)version_take(&rest, 1);
    take_epoch(&rest, &version.epoch);
    if (!version_is_digit(version_peek(&rest)))
        return false;
    version.release = take_release(&rest);
    version.pre = TAKE_PHASE(&rest, pre_words, &version.pre_number);
    version.has_post = take_post(&rest, &version.post);
    version.has_dev = TAKE_PHASE(&rest, dev_words, &version.dev) != 0;
    if (version_peek(&rest) == '+') {
        (void)version_take(&rest, 1);
        version.has_local = true;
        if (!take_local(&rest, &version.local))
            return false;
    }
    (void)version_take_while(&rest, is_space);
    *ret_version = version;
    return rest.len == 0;
}

static struct version_text take_part(struct version_text *rest, bool (*in)(char))
{
    struct version_text part = version_take_while(rest, in);

    skip_separator(rest);
    return part;
}

static int compare_releases(struct version_text a, struct version_text b)
{
    int order = 0;

    while (order == 0 && (a.len > 0 || b.len > 0))
        order = version_compare_numbers(take_part(&a, version_is_digit),
                                        take_part(&b, version_is_digit));
    return order;
}

/* A developer's release of the release itself comes before its alphas. */
static int pre_rank(const struct pep440 *version)
{
    if (version->pre != PRE_NONE)
        return version->pre;
    return version->has_dev && !version->has_post ? 0 : PRE_RC + 1;
}

static bool is_number(struct version_text text)
{
    return version_take_digits(&text).len > 0 && text.len == 0;
}

static int compare_local_parts(struct version_text a, struct version_text b)
{
    if (is_number(a) != is_number(b))
        return is_number(a) ? 1 : -1;
    return is_number(a) ? version_compare_numbers(a, b) : version_compare_folded(a, b);
}

static int compare_locals(struct version_text a, struct version_text b)
{
    int order = 0;

    while (order == 0 && a.len > 0 && b.len > 0)
        order = compare_local_parts(take_part(&a, is_local_char), take_part(&b, is_local_char));
    return order ? order : (a.len > 0) - (b.len > 0);
}

/* Of two facts that may be missing; `missing` is where the one without stands. */
static int compare_optional(bool has_a, struct version_text a, bool has_b, struct version_text b,
                            int missing)
{
    if (has_a != has_b)
        return has_a ? -missing : missing;
    return has_a ? version_compare_numbers(a, b) : 0;
}

static int compare_parsed(const struct pep440 *a, const struct pep440 *b)
{
    int order = version_compare_numbers(a->epoch, b->epoch);

    if (order == 0)
        order = compare_releases(a->release, b->release);
    if (order == 0)
        order = pre_rank(a) - pre_rank(b);
    if (order == 0 && a->pre != PRE_NONE)
        order = version_compare_numbers(a->pre_number, b->pre_number);
    if (order == 0)
        order = compare_optional(a->has_post, a->post, b->has_post, b->post, -1);
    if (order == 0)
        order = compare_optional(a->has_dev, a->dev, b->has_dev, b->dev, 1);
    if (order == 0)
        order = a->has_local - b->has_local;
    return order == 0 && a->has_local ? compare_locals(a->local, b->local) : order;
}

/* ---- everything else: parts of digits, letters and what is between ---- */

enum legacy_rank { RANK_STOP, RANK_WORD, RANK_NUMBER };

static bool is_between(char c)
{
    return c != '.' && c != '-' && !version_is_digit(c) && !version_is_letter(c);
}

/* Words as setuptools replaced them; the end is a word too. */
static struct version_text word_of(struct version_text text)
{
    static const struct {
        const char *word, *means;
    } words[] = {{"pre", "c"}, {"preview", "c"}, {"rc", "c"}, {"dev", "@"}, {"-", "final-"}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (version_is_word(text, words[i].word))
            return version_text_of(words[i].means);
    return text;
}

static struct version_token take_legacy(struct version_text *rest)
{
    struct version_text part;
    char c;

    while (version_peek(rest) == '.')
        (void)version_take(rest, 1);
    c = version_peek(rest);
    if (rest->len == 0)
        return (struct version_token){RANK_WORD, VERSION_FOLDED, {"final", 5}, true};
    if (version_is_digit(c))
        return (struct version_token){RANK_NUMBER, VERSION_NUMBER, version_take_digits(rest),
                                      false};
    part = c == '-' ? version_take(rest, 1)
                    : version_take_while(rest,
                                         version_is_letter(c) ? version_is_letter : is_between);
    return (struct version_token){RANK_WORD, VERSION_FOLDED, word_of(part), false};
}

static bool is_zero(const struct version_token *token)
{
    return token->rank == RANK_NUMBER && version_is_zero(token->text);
}

static bool is_dash(const struct version_token *token)
{
    return token->rank == RANK_WORD && version_is_word(token->text, "final-");
}

/* What happens to dashes up to `mark`; and the end has been given as the word it is. */
enum legacy_state { KEEP_DASHES, DROP_DASHES, STOPPED };

/* Zeros before a word do not count; dashes right before a word less than "final" do not either. */
static void look_ahead(struct version_reader *reader)
{
    struct version_text ahead = reader->rest, before;
    struct version_token token = {.rank = RANK_NUMBER}, last;

    do {
        last = token;
        before = ahead;
        token = take_legacy(&ahead);
    } while (is_zero(&token) || is_dash(&token));
    reader->mark = before.at;
    reader->state = token.rank == RANK_WORD && is_dash(&last) &&
                                    version_compare_folded(token.text, version_text_of("final")) < 0
                            ? DROP_DASHES
                            : KEEP_DASHES;
}

/* Skips the zeros that follow one when a word comes behind them; `other_mark`: up to where they
 * count. */
static bool skip_zeros(struct version_reader *reader)
{
    struct version_text ahead = reader->rest, before;
    struct version_token token;

    if (reader->other_mark && ahead.at <= reader->other_mark)
        return false;
    do {
        before = ahead;
        token = take_legacy(&ahead);
    } while (is_zero(&token));
    if (token.rank == RANK_WORD)
        reader->rest = before;
    else
        reader->other_mark = before.at;
    return token.rank == RANK_WORD;
}

static struct version_token next_legacy(struct version_reader *reader)
{
    for (;;) {
        struct version_token token;

        if (reader->state == STOPPED)
            return (struct version_token){.rank = RANK_STOP, .last = true};
        if (!reader->mark || reader->rest.at >= reader->mark)
            look_ahead(reader);
        token = take_legacy(&reader->rest);
        if (token.last) {
            reader->state = STOPPED;
            token.last = false;
        }
        if (is_dash(&token) && reader->state == DROP_DASHES)
            continue;
        if (!is_zero(&token) || !skip_zeros(reader))
            return token;
    }
}

/* ---- both ---- */

int pep440_version_compare(const char *a, const char *b)
{
    struct pep440 left, right;
    bool valid_left = parse(a, &left), valid_right = parse(b, &right);

    if (valid_left != valid_right)
        return valid_left ? 1 : -1;
    return valid_left ? compare_parsed(&left, &right) : version_compare_read(a, b, next_legacy);
}

bool pep440_version_valid(const char *text)
{
    struct pep440 version;

    return parse(text, &version);
}
