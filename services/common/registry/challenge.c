#include "registry/challenge.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { TOKEN_SIZE = 64, VALUE_SIZE = 512 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* RFC 9110 tchar. */
static bool is_token(char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static const char *skip_blanks(const char *at)
{
    while (is_blank(*at))
        at++;
    return at;
}

static const char *skip_separators(const char *at)
{
    while (is_blank(*at) || *at == ',')
        at++;
    return at;
}

/* "" in `out` when it does not fit. */
static const char *token_read(const char *at, char *out, size_t size)
{
    const char *start = at;
    size_t len;

    while (is_token(*at))
        at++;
    len = (size_t)(at - start);
    if (len >= size)
        len = 0;
    memcpy(out, start, len);
    out[len] = '\0';
    return at;
}

/* A quoted string from behind its first quote; "" when it does not fit or is not closed. */
static const char *quoted_read(const char *at, char *out, size_t size)
{
    size_t len = 0;
    bool fits = true;

    for (; *at != '\0' && *at != '"'; at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        fits = fits && len + 1 < size;
        if (fits)
            out[len++] = *at;
    }
    out[fits && *at == '"' ? len : 0] = '\0';
    return *at == '"' ? at + 1 : at;
}

/* "name=value" behind the '='. */
static const char *value_read(const char *at, char *out, size_t size)
{
    at = skip_blanks(at);
    return *at == '"' ? quoted_read(at + 1, out, size) : token_read(at, out, size);
}

static void value_keep(struct challenge *challenge, const char *name, const char *value)
{
    const struct {
        const char *name;
        char *to;
        size_t size;
    } members[] = {{"realm", challenge->realm, sizeof(challenge->realm)},
                   {"service", challenge->service, sizeof(challenge->service)},
                   {"scope", challenge->scope, sizeof(challenge->scope)}};
    size_t len = strlen(value);

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (strcasecmp(members[i].name, name) == 0 && len < members[i].size)
            memcpy(members[i].to, value, len + 1);
    }
}

static enum challenge_scheme scheme_of(const char *name)
{
    if (strcasecmp(name, "bearer") == 0)
        return CHALLENGE_BEARER;
    return strcasecmp(name, "basic") == 0 ? CHALLENGE_BASIC : CHALLENGE_NONE;
}

/* Parameters up to the next scheme: a token that is not followed by '='. */
static const char *parameters_read(const char *at, struct challenge *challenge)
{
    char name[TOKEN_SIZE], value[VALUE_SIZE];

    for (;;) {
        const char *start = skip_separators(at), *behind = token_read(start, name, sizeof(name));

        at = skip_blanks(behind);
        if (behind == start || *at != '=')
            return start;
        at = value_read(at + 1, value, sizeof(value));
        while (*at == '=') /* padding of a token68 */
            at++;
        value_keep(challenge, name, value);
    }
}

static bool challenge_better(const struct challenge *a, const struct challenge *b)
{
    if (a->scheme == CHALLENGE_BEARER && a->realm[0] == '\0')
        return false;
    return a->scheme > b->scheme;
}

bool challenge_choose(const char *header, struct challenge *ret_challenge)
{
    struct challenge best = {.scheme = CHALLENGE_NONE};
    const char *at = skip_separators(header);

    while (is_token(*at)) {
        struct challenge challenge = {.scheme = CHALLENGE_NONE};
        char name[TOKEN_SIZE];

        at = token_read(at, name, sizeof(name));
        challenge.scheme = scheme_of(name);
        at = parameters_read(at, &challenge);
        if (challenge_better(&challenge, &best))
            best = challenge;
    }
    *ret_challenge = best;
    return best.scheme != CHALLENGE_NONE;
}
