#include "version/schemes.h"

#include "version/version_reader.h"

/* What was read last. */
enum apk_state { START, DIGITS, LETTER, SUFFIX, SUFFIX_NUMBER, HASH, REVISION, INVALID, IGNORED };

/*
 * What comes where two versions differ in kind: a suffix before the release, then what is no
 * version, then the end, then what is longer. Suffixes of one rank differ in their digit.
 */
enum apk_rank {
    RANK_BEFORE = 0, /* + index of the suffix */
    RANK_INVALID = 10,
    RANK_END,
    RANK_REVISION,
    RANK_HASH,
    RANK_SUFFIX_NUMBER,
    RANK_AFTER, /* + index of the suffix */
    RANK_LETTER = 30,
    RANK_ZERO_DIGITS, /* a part behind a dot that begins with 0 compares as text */
    RANK_DIGITS,
    RANK_FIRST_DIGITS,
    RANK_REST = 100 /* + character, behind what is no version */
};

static const struct {
    const char *name;
    int rank;
} suffixes[] = {{"alpha", RANK_BEFORE},  {"beta", RANK_BEFORE + 1}, {"pre", RANK_BEFORE + 2},
                {"rc", RANK_BEFORE + 3}, {"cvs", RANK_AFTER},       {"svn", RANK_AFTER + 1},
                {"git", RANK_AFTER + 2}, {"hg", RANK_AFTER + 3},    {"p", RANK_AFTER + 4}};

static bool is_hash(char c)
{
    return version_is_digit(c) || (c >= 'a' && c <= 'f');
}

/* Here the form ends. Behind a revision, or a dash without number, the rest says nothing more. */
static struct version_token invalid(struct version_reader *reader)
{
    bool dash = version_peek(&reader->rest) == '-';

    reader->state =
            reader->state == REVISION || (dash && !version_is_digit(version_char(reader->rest, 1)))
                    ? IGNORED
                    : INVALID;
    return (struct version_token){.rank = RANK_INVALID};
}

/* Behind what is no version: digit runs as numbers, everything else byte by byte. */
static struct version_token next_of_rest(struct version_reader *reader)
{
    char c = version_peek(&reader->rest);

    if (reader->rest.len == 0 || reader->state == IGNORED)
        return (struct version_token){.rank = RANK_END, .last = true};
    if (version_is_digit(c))
        return (struct version_token){RANK_REST + '0', VERSION_NUMBER,
                                      version_take_digits(&reader->rest), false};
    (void)version_take(&reader->rest, 1);
    return (struct version_token){.rank = RANK_REST + (unsigned char)c};
}

static struct version_token digits(struct version_reader *reader)
{
    enum apk_state before = (enum apk_state)reader->state;
    struct version_text taken = version_take_digits(&reader->rest);

    if (taken.len == 0)
        return invalid(reader);
    if (before == SUFFIX) {
        reader->state = SUFFIX_NUMBER;
        return (struct version_token){RANK_SUFFIX_NUMBER, VERSION_NUMBER, taken, false};
    }
    reader->state = DIGITS;
    if (before == START)
        return (struct version_token){RANK_FIRST_DIGITS, VERSION_NUMBER, taken, false};
    if (taken.at[0] == '0')
        return (struct version_token){RANK_ZERO_DIGITS, VERSION_BYTES, taken, false};
    return (struct version_token){RANK_DIGITS, VERSION_NUMBER, taken, false};
}

static struct version_token suffix(struct version_reader *reader)
{
    struct version_text after = reader->rest, name;

    (void)version_take(&after, 1);
    name = version_take_while(&after, version_is_lower);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (version_compare_bytes(name, version_text_of(suffixes[i].name)) != 0)
            continue;
        reader->rest = after;
        reader->state = SUFFIX;
        return (struct version_token){.rank = suffixes[i].rank};
    }
    return invalid(reader);
}

static struct version_token hash(struct version_reader *reader)
{
    struct version_text after = reader->rest, taken;

    (void)version_take(&after, 1);
    taken = version_take_while(&after, is_hash);
    if (taken.len == 0)
        return invalid(reader);
    reader->rest = after;
    reader->state = HASH;
    return (struct version_token){RANK_HASH, VERSION_BYTES, taken, false};
}

static struct version_token revision(struct version_reader *reader)
{
    if (version_char(reader->rest, 1) != 'r' || !version_is_digit(version_char(reader->rest, 2)))
        return invalid(reader);
    (void)version_take(&reader->rest, 2);
    reader->state = REVISION;
    return (struct version_token){RANK_REVISION, VERSION_NUMBER, version_take_digits(&reader->rest),
                                  false};
}

static struct version_token letter(struct version_reader *reader)
{
    reader->state = LETTER;
    return (struct version_token){RANK_LETTER, VERSION_BYTES, version_take(&reader->rest, 1),
                                  false};
}

static struct version_token next(struct version_reader *reader)
{
    enum apk_state state = (enum apk_state)reader->state;
    char c = version_peek(&reader->rest);

    if (state >= INVALID)
        return next_of_rest(reader);
    if (state == START)
        return digits(reader);
    if (reader->rest.len == 0)
        return (struct version_token){.rank = RANK_END, .last = true};
    if (c == '.' && state == DIGITS && version_is_digit(version_char(reader->rest, 1))) {
        (void)version_take(&reader->rest, 1);
        return digits(reader);
    }
    if (version_is_digit(c) && state == SUFFIX)
        return digits(reader);
    if (version_is_lower(c) && state == DIGITS)
        return letter(reader);
    if (c == '_' && state <= SUFFIX_NUMBER)
        return suffix(reader);
    if (c == '~' && state < HASH)
        return hash(reader);
    return c == '-' && state < REVISION ? revision(reader) : invalid(reader);
}

int apk_version_compare(const char *a, const char *b)
{
    return version_compare_read(a, b, next);
}

bool apk_version_valid(const char *text)
{
    struct version_reader reader = version_read(text);
    struct version_token token;

    do
        token = next(&reader);
    while (!token.last && reader.state < INVALID);
    return reader.state < INVALID;
}
