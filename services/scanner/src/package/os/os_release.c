#include "package/os/os_release.h"

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

struct member {
    const char *name;
    size_t offset; /* in struct os_release */
};

static const struct member os_members[] = {
        {"ID", offsetof(struct os_release, id)},
        {"VERSION_ID", offsetof(struct os_release, version_id)},
        {"VERSION_CODENAME", offsetof(struct os_release, version_codename)},
        {"PRETTY_NAME", offsetof(struct os_release, pretty_name)},
        {"ID_LIKE", offsetof(struct os_release, id_like)},
        {"CPE_NAME", offsetof(struct os_release, cpe_name)},
        {NULL, 0},
};

static const struct member lsb_members[] = {
        {"DISTRIB_ID", offsetof(struct os_release, id)},
        {"DISTRIB_RELEASE", offsetof(struct os_release, version_id)},
        {"DISTRIB_CODENAME", offsetof(struct os_release, version_codename)},
        {"DISTRIB_DESCRIPTION", offsetof(struct os_release, pretty_name)},
        {NULL, 0},
};

/* One file while it is read. */
struct reading {
    const struct member *members;
    struct mu_arena *arena;
    struct os_release release;
};

static const char **member_of(struct reading *reading, const char *name, size_t len)
{
    for (const struct member *member = reading->members; member->name; member++) {
        if (strlen(member->name) == len && memcmp(member->name, name, len) == 0)
            return (const char **)(void *)((char *)&reading->release + member->offset);
    }
    return NULL;
}

static enum mu_status line_take(struct reading *reading, const char *line, size_t len,
                                struct mu_error *err)
{
    const char *end = line + len, *equals;
    const char **to;
    struct word word;

    word.len = 0;
    word.broken = false;

    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    equals = memchr(line, '=', (size_t)(end - line));
    to = equals ? member_of(reading, line, (size_t)(equals - line)) : NULL;
    if (!to)
        return MU_OK;
    word_read(&word, equals + 1, end);
    *to = NULL;
    if (!word_usable(&word))
        return MU_OK;
    *to = mu_arena_strndup(reading->arena, word.text, word.len);
    return *to ? MU_OK : mu_fail(err, MU_E_NOMEM, "no memory for os-release");
}

static enum mu_status lines_take(struct reading *reading, const char *bytes, size_t len,
                                 struct mu_error *err)
{
    size_t at = 0;

    while (at < len) {
        const char *newline = memchr(bytes + at, '\n', len - at);
        size_t end = newline ? (size_t)(newline - bytes) : len;

        if (line_take(reading, bytes + at, end - at, err) != MU_OK)
            return err->status;
        at = end + 1;
    }
    return MU_OK;
}

enum mu_status os_release_parse(const char *bytes, size_t len, struct mu_arena *arena,
                                struct os_release *ret_release, struct mu_error *err)
{
    struct reading reading = {.members = os_members, .arena = arena};

    if (lines_take(&reading, bytes, len, err) != MU_OK)
        return err->status;
    *ret_release = reading.release;
    return MU_OK;
}

enum mu_status os_release_parse_lsb(const char *bytes, size_t len, struct mu_arena *arena,
                                    struct os_release *ret_release, struct mu_error *err)
{
    struct reading reading = {.members = lsb_members, .arena = arena};

    if (lines_take(&reading, bytes, len, err) != MU_OK)
        return err->status;
    *ret_release = reading.release;
    return MU_OK;
}
