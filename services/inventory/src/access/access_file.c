#include "access/access_file.h"

#include "access/roles.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 4, SPEAKS_AS_MAX = 1024 };

struct word {
    const char *text;
    size_t len;
};

struct line_kind {
    const char *name;
    enum access_rule_kind kind;
    size_t words;
    const char *form;
};

static const struct line_kind line_kinds[] = {
        {"token", ACCESS_TOKEN, 4, "token NAME ROLES SECRET"},
        {"subject", ACCESS_SUBJECT, 3, "subject ROLES PATTERN"},
        {"claim", ACCESS_CLAIM, 3, "claim ROLES VALUE"}};
enum { LINE_KINDS = sizeof(line_kinds) / sizeof(line_kinds[0]) };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word, or with `rest` all that is left without blanks at its end. */
static struct word next_word(const char **at, const char *end, bool rest)
{
    struct word word;

    while (*at < end && is_blank(**at))
        (*at)++;
    word.text = *at;
    while (*at < end && (rest || !is_blank(**at)))
        (*at)++;
    word.len = (size_t)(*at - word.text);
    while (word.len > 0 && is_blank(word.text[word.len - 1]))
        word.len--;
    return word;
}

static const struct line_kind *find_kind(struct word word)
{
    for (size_t i = 0; i < LINE_KINDS; i++)
        if (word.text && strlen(line_kinds[i].name) == word.len &&
            memcmp(line_kinds[i].name, word.text, word.len) == 0)
            return &line_kinds[i];
    return NULL;
}

static struct access_rule *add_rule(struct access_rules *rules, enum access_rule_kind kind,
                                    unsigned roles)
{
    struct access_rule *rule;

    if (!rules->items)
        rules->items = mu_xcalloc(ACCESS_MAX_RULES + 1, sizeof(struct access_rule));
    rule = &rules->items[rules->count++];
    rule->kind = kind;
    rule->roles = roles;
    return rule;
}

static char *copy(struct word word)
{
    char *text = mu_xcalloc(1, word.len + 1); /* at most a name's length, or a line's */

    memcpy(text, word.text, word.len);
    return text;
}

/* As it stands, or "sha256:<hex>" of it. */
static enum mu_status set_token(struct access_rule *rule, struct word secret, struct mu_error *err)
{
    static const char prefix[] = "sha256:";

    if (!secret.text)
        return mu_fail(err, MU_E_INTERNAL, "a token without a text");
    if (secret.len > strlen(prefix) && memcmp(secret.text, prefix, strlen(prefix)) == 0) {
        if (!mu_digest_valid(secret.text, secret.len) || secret.len >= MU_DIGEST_TEXT_SIZE)
            return mu_fail(err, MU_E_INVALID, "what follows sha256: must be 64 hex digits");
        memcpy(rule->token_hash, secret.text, secret.len);
        return MU_OK;
    }
    if (secret.len < ACCESS_TOKEN_MIN)
        return mu_fail(err, MU_E_INVALID, "a token needs %d characters or more", ACCESS_TOKEN_MIN);
    mu_sha256_text(secret.text, secret.len, rule->token_hash);
    return MU_OK;
}

static enum mu_status check_text(struct word word, struct mu_error *err)
{
    if (!word.text || !mu_utf8_valid(word.text, word.len) || memchr(word.text, '\0', word.len))
        return mu_fail(err, MU_E_INVALID, "it is no text");
    if (word.len > ACCESS_NAME_MAX * 8)
        return mu_fail(err, MU_E_LIMIT, "more than %d bytes", ACCESS_NAME_MAX * 8);
    return MU_OK;
}

/* Roles of ours, and behind "as:" roles of people: a text of the caller's, or NULL. */
static enum mu_status read_roles(struct word word, unsigned *ret_roles, char **ret_speaks_as,
                                 struct mu_error *err)
{
    static const char as[] = "as:";
    const size_t as_len = strlen(as);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf people;
    unsigned roles = 0;

    mu_buf_init(&people, SPEAKS_AS_MAX);
    for (const char *at = word.text, *end = word.text + word.len; at <= end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t len = (size_t)((comma ? comma : end) - at);
        unsigned role = 0;

        if (len > as_len && memcmp(at, as, as_len) == 0) {
            mu_buf_puts(&people, people.len > 0 ? "," : "");
            mu_buf_append(&people, at + as_len, len - as_len);
        } else if (roles_from_words(at, len, &role, err) != MU_OK) {
            return err->status;
        }
        roles |= role;
        at += len + 1;
    }
    if (mu_buf_status(&people, "the roles behind as:", err) != MU_OK)
        return err->status;
    if (roles == 0)
        return mu_fail(err, MU_E_INVALID,
                       "as: says as what people speak; a role stands beside it, "
                       "as in operator,as:AO");
    *ret_roles = roles;
    *ret_speaks_as = people.len > 0 ? mu_xstrdup(people.data) : NULL;
    return MU_OK;
}

static enum mu_status read_line(const char *at, const char *end, struct access_rules *rules,
                                struct mu_error *err)
{
    struct word words[WORDS_MAX] = {next_word(&at, end, false)};
    const struct line_kind *kind = find_kind(words[0]);
    struct access_rule *rule;
    struct word name;
    char *speaks_as = NULL;
    unsigned roles = 0;
    enum mu_status st;

    if (!kind)
        return mu_fail(err, MU_E_INVALID, "a line begins with token, subject or claim");
    for (size_t i = 1; i < WORDS_MAX; i++)
        words[i] =
                i < kind->words ? next_word(&at, end, i + 1 == kind->words) : (struct word){end, 0};
    if (words[kind->words - 1].len == 0)
        return mu_fail(err, MU_E_INVALID, "too few words: %s", kind->form);
    if (rules->count >= ACCESS_MAX_RULES)
        return mu_fail(err, MU_E_LIMIT, "more than %d lines", ACCESS_MAX_RULES);
    name = kind->kind == ACCESS_TOKEN ? words[1] : words[2];
    st = check_text(name, err);
    if (st == MU_OK)
        st = check_text(words[kind->words - 2], err);
    if (st == MU_OK)
        st = read_roles(words[kind->words - 2], &roles, &speaks_as, err);
    if (st != MU_OK)
        return st;
    rule = add_rule(rules, kind->kind, roles);
    rule->text = copy(name);
    rule->speaks_as = speaks_as;
    return kind->kind == ACCESS_TOKEN ? set_token(rule, words[3], err) : MU_OK;
}

enum mu_status access_file_parse(const char *text, size_t len, struct access_rules *rules,
                                 struct mu_error *err)
{
    const char *at = text, *end = text + len;

    for (size_t line = 1; at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline ? newline : end, *first = at;
        struct word word = next_word(&first, line_end, false);

        if (word.len > 0 && word.text[0] != '#' && read_line(at, line_end, rules, err) != MU_OK)
            return mu_wrap(err, "line %zu", line);
        at = newline ? newline + 1 : end;
    }
    return MU_OK;
}

enum mu_status access_file_load(const char *path, struct access_rules *rules, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st;

    mu_buf_init(&text, ACCESS_FILE_MAX_BYTES);
    st = mu_file_read(path, &text, err);
    if (st != MU_OK)
        return st;
    st = access_file_parse(text.data, text.len, rules, err);
    explicit_bzero(text.data, text.len);
    return st == MU_OK ? MU_OK : mu_wrap(err, "%s", path);
}

void access_rules_add_token(struct access_rules *rules, const char *name, unsigned roles,
                            const char *token)
{
    struct access_rule *rule = add_rule(rules, ACCESS_TOKEN, roles);

    rule->text = mu_xstrdup(name);
    mu_sha256_text(token, strlen(token), rule->token_hash);
}

void access_rules_done(struct access_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        free(rules->items[i].text);
        free(rules->items[i].speaks_as);
    }
    free(rules->items);
    *rules = (struct access_rules){0};
}
