#include "database/purl.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

struct reader {
    struct mu_arena *arena;
    struct mu_error *err;
};

/* A piece of the URL: [begin, end). */
struct piece {
    const char *begin, *end;
};

static size_t piece_len(struct piece piece)
{
    return (size_t)(piece.end - piece.begin);
}

static const char *find_last(struct piece piece, char c)
{
    return memrchr(piece.begin, c, piece_len(piece));
}

static const char *find_first(struct piece piece, char c)
{
    return memchr(piece.begin, c, piece_len(piece));
}

/* Percent-decoding (RFC 3986, section 2.1). */
static enum mu_status decode(const struct reader *reader, const char *what, struct piece piece,
                             const char **ret_text)
{
    char *text = mu_arena_alloc(reader->arena, piece_len(piece) + 1);
    size_t len = 0;

    if (!text)
        return mu_fail(reader->err, MU_E_NOMEM, "purl: out of memory");
    for (const char *at = piece.begin; at < piece.end; at++) {
        uint8_t byte = (uint8_t)*at;

        if (*at == '%') {
            if (piece.end - at < 3 || !mu_hex_decode(at + 1, 2, &byte, 1))
                return mu_fail(reader->err, MU_E_INVALID, "purl: %s: a '%%' without two digits",
                               what);
            at += 2;
        }
        text[len++] = (char)byte;
    }
    text[len] = '\0';
    if (strlen(text) != len || !mu_utf8_valid(text, len))
        return mu_fail(reader->err, MU_E_INVALID, "purl: %s: not valid UTF-8", what);
    *ret_text = text;
    return MU_OK;
}

static enum mu_status read_lower(const struct reader *reader, const char *what, struct piece piece,
                                 const char **ret_text)
{
    char *text = mu_arena_strndup(reader->arena, piece.begin, piece_len(piece));

    if (!text)
        return mu_fail(reader->err, MU_E_NOMEM, "purl: out of memory");
    if (!isalpha((unsigned char)text[0]))
        return mu_fail(reader->err, MU_E_INVALID, "purl: %s does not begin with a letter", what);
    for (char *at = text; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr(".-_+", *at))
            return mu_fail(reader->err, MU_E_INVALID, "purl: %s has a character it may not have",
                           what);
        *at = (char)(tolower)((unsigned char)*at); /* the function: the macro nests */
    }
    *ret_text = text;
    return MU_OK;
}

static enum mu_status read_qualifier(const struct reader *reader, struct piece piece,
                                     struct purl *purl)
{
    const char *equals = find_first(piece, '='), *key, *value;

    if (!equals || equals == piece.begin)
        return mu_fail(reader->err, MU_E_INVALID, "purl: a qualifier is no key=value");
    if (read_lower(reader, "a qualifier's key", (struct piece){piece.begin, equals}, &key) !=
                MU_OK ||
        decode(reader, key, (struct piece){equals + 1, piece.end}, &value) != MU_OK)
        return reader->err->status;
    if (value[0] == '\0')
        return MU_OK; /* as if it were not there */
    if (purl->qualifier_count == PURL_QUALIFIERS_MAX)
        return mu_fail(reader->err, MU_E_LIMIT, "purl: more than %d qualifiers",
                       PURL_QUALIFIERS_MAX);
    purl->qualifiers[purl->qualifier_count].key = key;
    purl->qualifiers[purl->qualifier_count++].value = value;
    return MU_OK;
}

static enum mu_status read_qualifiers(const struct reader *reader, struct piece piece,
                                      struct purl *purl)
{
    enum mu_status st = MU_OK;

    while (st == MU_OK && piece.begin < piece.end) {
        const char *end = find_first(piece, '&');
        struct piece one = {piece.begin, end ? end : piece.end};

        if (piece_len(one) > 0)
            st = read_qualifier(reader, one, purl);
        piece.begin = end ? end + 1 : piece.end;
    }
    return st;
}

/* "namespace/name", of which the name is the last segment. */
static enum mu_status read_names(const struct reader *reader, struct piece piece, struct purl *purl)
{
    const char *slash;
    enum mu_status st = MU_OK;

    while (piece.end > piece.begin && piece.end[-1] == '/')
        piece.end--;
    while (piece.begin < piece.end && *piece.begin == '/')
        piece.begin++;
    slash = find_last(piece, '/');
    if (slash)
        st = decode(reader, "namespace", (struct piece){piece.begin, slash}, &purl->namespace);
    if (st == MU_OK)
        st = decode(reader, "name", (struct piece){slash ? slash + 1 : piece.begin, piece.end},
                    &purl->name);
    if (st == MU_OK && purl->name[0] == '\0')
        st = mu_fail(reader->err, MU_E_INVALID, "purl: no name");
    return st;
}

/* Splits off what follows the last or first `mark`; begin NULL: there is none. */
static struct piece split_off(struct piece *from, const char *mark)
{
    struct piece rest = {NULL, NULL};

    if (mark) {
        rest = (struct piece){mark + 1, from->end};
        from->end = mark;
    }
    return rest;
}

static enum mu_status read_all(const struct reader *reader, struct piece all, struct purl *purl)
{
    struct piece subpath = split_off(&all, find_last(all, '#'));
    struct piece qualifiers = split_off(&all, find_first(all, '?'));
    struct piece type = all, version = {NULL, NULL};
    const char *slash, *at;
    enum mu_status st;

    while (type.begin < type.end && *type.begin == '/')
        type.begin++;
    slash = find_first(type, '/');
    if (!slash)
        return mu_fail(reader->err, MU_E_INVALID, "purl: no name");
    all.begin = slash + 1;
    type.end = slash;
    /* "@" of a scope stands before a slash: "pkg:npm/@scope/name@1". */
    at = find_last(all, '@');
    if (at && at > all.begin && at[-1] != '/' && !memchr(at, '/', (size_t)(all.end - at)))
        version = split_off(&all, at);
    st = read_lower(reader, "the type", type, &purl->type);
    if (st == MU_OK)
        st = read_names(reader, all, purl);
    if (st == MU_OK && version.begin && piece_len(version) > 0)
        st = decode(reader, "version", version, &purl->version);
    if (st == MU_OK && qualifiers.begin)
        st = read_qualifiers(reader, qualifiers, purl);
    if (st == MU_OK && subpath.begin && piece_len(subpath) > 0)
        st = decode(reader, "subpath", subpath, &purl->subpath);
    return st;
}

enum mu_status purl_parse(const char *text, size_t len, struct mu_arena *arena,
                          struct purl *ret_purl, struct mu_error *err)
{
    const struct reader reader = {arena, err};
    struct purl purl = {0};
    enum mu_status st;

    if (len > PURL_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "purl: more than %d bytes", PURL_MAX_BYTES);
    if (len < 4 || strncasecmp(text, "pkg:", 4) != 0)
        return mu_fail(err, MU_E_INVALID, "purl: does not begin with 'pkg:'");
    st = read_all(&reader, (struct piece){text + 4, text + len}, &purl);
    if (st == MU_OK)
        *ret_purl = purl;
    return st;
}

const char *purl_qualifier(const struct purl *purl, const char *key)
{
    for (size_t i = 0; i < purl->qualifier_count; i++)
        if (mu_text_equal(purl->qualifiers[i].key, key))
            return purl->qualifiers[i].value;
    return NULL;
}
