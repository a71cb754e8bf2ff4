#include "import/external_command.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { PLACE_COUNT = 3 };
static const char *const places[PLACE_COUNT] = {"{ref}", "{repository}", "{digest}"};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* One word from `*at` to its end, without its quotes, to `*to`. False: a quote is left open. */
static bool word_copy(const char **at, char **to)
{
    char quote = '\0';

    for (; **at != '\0' && (quote != '\0' || !is_blank(**at)); (*at)++) {
        char c = **at;

        if (quote != '\0' ? c == quote : c == '\'' || c == '"')
            quote = quote != '\0' ? '\0' : c;
        else
            *(*to)++ = c;
    }
    *(*to)++ = '\0';
    return quote == '\0';
}

static const char *place_at(const char *text)
{
    for (size_t i = 0; i < PLACE_COUNT; i++) {
        if (mu_text_starts(text, places[i]))
            return places[i];
    }
    return NULL;
}

/* A {word} that is none of ours is a mistake, or a template of the scanner's own: {{..}} is. */
static enum mu_status word_check(const char *word, bool *named, struct mu_error *err)
{
    for (const char *at = strchr(word, '{'); at; at = strchr(at + 1, '{')) {
        const char *place = place_at(at);

        if (place)
            *named |= !mu_text_equal(place, "{repository}");
        else if (at[1] == '{')
            at++;
        else
            return mu_fail(err, MU_E_INVALID,
                           "--external-scanner: '%.40s' is none of {ref}, {repository}, {digest}",
                           at);
    }
    return MU_OK;
}

static enum mu_status words_check(const struct external_command *command, struct mu_error *err)
{
    bool named = false;

    if (command->count == 0)
        return mu_fail(err, MU_E_INVALID, "--external-scanner names no program");
    for (size_t i = 0; i < command->count; i++) {
        if (word_check(command->argv[i], &named, err) != MU_OK)
            return err->status;
    }
    if (!named)
        return mu_fail(err, MU_E_INVALID,
                       "--external-scanner has no {ref}: write it where the image is to be named");
    return MU_OK;
}

enum mu_status external_command_split(const char *text, struct external_command *command,
                                      struct mu_error *err)
{
    char *to = command->words;

    command->count = 0;
    if (strlen(text) >= EXTERNAL_COMMAND_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "--external-scanner is longer than %d bytes",
                       EXTERNAL_COMMAND_MAX_BYTES - 1);
    for (const char *at = text;;) {
        while (is_blank(*at))
            at++;
        if (*at == '\0')
            break;
        if (command->count == EXTERNAL_WORDS_MAX)
            return mu_fail(err, MU_E_LIMIT, "--external-scanner has more than %d words",
                           EXTERNAL_WORDS_MAX);
        command->argv[command->count++] = to;
        if (!word_copy(&at, &to))
            return mu_fail(err, MU_E_INVALID, "--external-scanner: a quote is left open");
    }
    command->argv[command->count] = NULL;
    return words_check(command, err);
}

/* ---- for one image ---- */

static void put_place(struct mu_buf *out, const char *place, const char *repository,
                      const char *digest)
{
    if (!mu_text_equal(place, "{digest}"))
        mu_buf_puts(out, repository);
    if (mu_text_equal(place, "{ref}"))
        mu_buf_puts(out, "@");
    if (!mu_text_equal(place, "{repository}"))
        mu_buf_puts(out, digest);
}

static void put_word(struct mu_buf *out, const char *word, const char *repository,
                     const char *digest)
{
    while (*word != '\0') {
        const char *place = place_at(word);

        if (place)
            put_place(out, place, repository, digest);
        else
            mu_buf_append(out, word, 1);
        word += place ? strlen(place) : 1;
    }
    mu_buf_append(out, "", 1);
}

char **external_command_fill(const struct external_command *command, const char *repository,
                             const char *digest)
{
    const size_t most = EXTERNAL_COMMAND_MAX_BYTES * 512; /* a place takes at least 5 bytes */
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    size_t table = (command->count + 1) * sizeof(char *);
    char **argv, *at;

    mu_buf_init(&text, most);
    for (size_t i = 0; i < command->count; i++)
        put_word(&text, command->argv[i], repository, digest);
    if (text.failed)
        return NULL;
    argv = mu_xcalloc(1, table + text.len);
    at = (char *)argv + table;
    memcpy(at, text.data, text.len);
    for (size_t i = 0; i < command->count; i++, at += strlen(at) + 1)
        argv[i] = at;
    return argv;
}
