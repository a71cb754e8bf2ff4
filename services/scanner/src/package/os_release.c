#include "package/os_release.h"

#include "base/text.h"

#include <string.h>

/* The value of an assignment while it is unquoted. */
struct word {
    char text[OS_RELEASE_VALUE_MAX + 1];
    size_t len;
    bool broken; /* too long, or a quote is not closed */
};

static void word_add(struct word *word, char c)
{
    if (word->len == OS_RELEASE_VALUE_MAX)
        word->broken = true;
    else
        word->text[word->len++] = c;
}

static const char *single_quoted(struct word *word, const char *at, const char *end)
{
    while (at < end && *at != '\'')
        word_add(word, *at++);
    word->broken |= at == end;
    return at < end ? at + 1 : end;
}

/* Inside double quotes a backslash quotes only $ " \ and `. */
static const char *double_quoted(struct word *word, const char *at, const char *end)
{
    while (at < end && *at != '"') {
        if (*at == '\\' && end - at > 1 && memchr("$\"\\`", at[1], 4))
            at++;
        word_add(word, *at++);
    }
    word->broken |= at == end;
    return at < end ? at + 1 : end;
}

/* One shell word of at..end into `word`; a blank outside quotes ends it. */
static void word_read(struct word *word, const char *at, const char *end)
{
    while (at < end && *at != ' ' && *at != '\t' && *at != '\r') {
        char c = *at++;

        if (c == '\'')
            at = single_quoted(word, at, end);
        else if (c == '"')
            at = double_quoted(word, at, end);
        else if (c == '\\' && at < end)
            word_add(word, *at++);
        else
            word_add(word, c);
    }
    word->text[word->len] = '\0';
}

static bool word_usable(const struct word *word)
{
    if (word->broken || word->len == 0 || !mu_utf8_valid(word->text, word->len))
        return false;
    for (size_t i = 0; i < word->len; i++) {
        if ((unsigned char)word->text[i] < ' ' || word->text[i] == 0x7f)
            return false;
    }
    return true;
}

static const char **member_of(struct os_release *release, const char *name, size_t len)
{
    const struct {
        const char *name;
        const char **to;
    } members[] = {{"ID", &release->id},
                   {"VERSION_ID", &release->version_id},
                   {"VERSION_CODENAME", &release->version_codename},
                   {"PRETTY_NAME", &release->pretty_name}};

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (strlen(members[i].name) == len && memcmp(members[i].name, name, len) == 0)
            return members[i].to;
    }
    return NULL;
}

static enum mu_status line_take(const char *line, size_t len, struct mu_arena *arena,
                                struct os_release *release, struct mu_error *err)
{
    const char *end = line + len, *equals;
    const char **to;
    struct word word;

    word.len = 0;
    word.broken = false;

    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    equals = memchr(line, '=', (size_t)(end - line));
    to = equals ? member_of(release, line, (size_t)(equals - line)) : NULL;
    if (!to)
        return MU_OK;
    word_read(&word, equals + 1, end);
    *to = NULL;
    if (!word_usable(&word))
        return MU_OK;
    *to = mu_arena_strndup(arena, word.text, word.len);
    return *to ? MU_OK : mu_fail(err, MU_E_NOMEM, "no memory for os-release");
}

enum mu_status os_release_parse(const char *bytes, size_t len, struct mu_arena *arena,
                                struct os_release *ret_release, struct mu_error *err)
{
    struct os_release release = {0};
    size_t at = 0;

    while (at < len) {
        const char *newline = memchr(bytes + at, '\n', len - at);
        size_t end = newline ? (size_t)(newline - bytes) : len;

        if (line_take(bytes + at, end - at, arena, &release, err) != MU_OK)
            return err->status;
        at = end + 1;
    }
    *ret_release = release;
    return MU_OK;
}
