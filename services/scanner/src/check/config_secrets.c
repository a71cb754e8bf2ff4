#include "check/config_secrets.h"

#include "check/checks.h"
#include "check/secret_rules.h"
#include "check/secret_text.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SHOWN_MAX = 100 };

/* ---- a variable by its name ---- */

/* Names that hold a password chosen by somebody, and names that hold what a machine made. */
static const char *const password_endings[] = {"PASSWORD", "PASSWD", "_PASS", "_PWD", "PASSPHRASE"};
static const char *const token_endings[] = {"SECRET",     "TOKEN",      "API_KEY",     "APIKEY",
                                            "ACCESS_KEY", "SECRET_KEY", "PRIVATE_KEY", "AUTH_KEY"};

static bool ends_with_any(struct text_piece name, const char *const *endings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(endings[i]);

        if (name.len >= len &&
            text_piece_has((struct text_piece){name.text + name.len - len, len}, endings[i]))
            return true;
    }
    return false;
}

/* A file's path, a URL without user, a number or a version is where a secret is, not one. */
static bool is_reference(struct text_piece value)
{
    return value.text[0] == '/' || value.text[0] == '.' ||
           memmem(value.text, value.len, "://", 3) != NULL ||
           secret_run(value, 0, value.len, SECRET_DIGIT) == value.len;
}

static bool is_token(struct text_piece value)
{
    enum { TOKEN_MIN_BYTES = 16 };
    static const double enough_bits = 3.0;
    bool digit = false;

    for (size_t i = 0; i < value.len; i++)
        digit = digit || (value.text[i] >= '0' && value.text[i] <= '9');
    return value.len >= TOKEN_MIN_BYTES && digit && secret_is_password(value) &&
           secret_entropy(value) >= enough_bits;
}

bool config_secret_assigned(struct text_piece assignment, struct text_piece *ret_name)
{
    const char *equals = assignment.len > 0 ? memchr(assignment.text, '=', assignment.len) : NULL;
    struct text_piece name, value;

    if (!equals || equals == assignment.text || equals + 1 == assignment.text + assignment.len)
        return false;
    name = (struct text_piece){assignment.text, (size_t)(equals - assignment.text)};
    value = (struct text_piece){equals + 1, assignment.len - name.len - 1};
    if (is_reference(value))
        return false;
    if (!(ends_with_any(name, password_endings,
                        sizeof(password_endings) / sizeof(password_endings[0])) &&
          secret_is_password(value)) &&
        !(ends_with_any(name, token_endings, sizeof(token_endings) / sizeof(token_endings[0])) &&
          is_token(value)))
        return false;
    *ret_name = name;
    return true;
}

/* ---- one text of the config ---- */

struct place {
    enum check_kind kind;
    struct text_piece name; /* of the variable or label; empty: the command line */
    const struct finder_sink *sink;
    unsigned hits;
};

static enum mu_status tell(const struct place *place, const char *what, struct mu_error *err)
{
    char text[CHECK_EVIDENCE_MAX_BYTES];
    int shown = (int)(place->name.len < NAME_SHOWN_MAX ? place->name.len : NAME_SHOWN_MAX);

    (void)snprintf(text, sizeof(text), "%.*s%s%s", shown, shown > 0 ? place->name.text : "",
                   shown > 0 ? ": " : "", what);
    return check_tell(place->kind, text, 0, place->sink, err);
}

static enum mu_status on_hit(void *opaque, const struct secret_hit *hit, struct mu_error *err)
{
    struct place *place = opaque;
    char text[SECRET_SHOWN_MAX_BYTES];

    if (place->hits++ > 0)
        return MU_OK; /* one for each variable */
    secret_hit_text(hit, text);
    return tell(place, text, err);
}

/* Tokens first: they say more than a name. */
static enum mu_status place_check(struct place *place, struct text_piece value, bool by_name,
                                  struct text_piece assignment, struct mu_error *err)
{
    struct text_piece shown;

    if (secret_search(value, on_hit, place, err) != MU_OK)
        return err->status;
    if (place->hits == 0 && secret_url_password(value, &shown))
        return tell(place, "a URL with a password ****", err);
    if (place->hits == 0 && by_name && config_secret_assigned(assignment, &shown))
        return tell(place, "****", err);
    return MU_OK;
}

static struct text_piece piece_of(const json_t *text)
{
    return (struct text_piece){json_string_value(text), json_string_length(text)};
}

/* An AWS pair lies in two variables: the other one is looked for in all of them. */
static enum mu_status aws_pair_check(const json_t *env, const struct finder_sink *sink,
                                     struct mu_error *err)
{
    static const char *const names[] = {"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="};
    struct text_piece pair[2] = {{NULL, 0}, {NULL, 0}};
    const json_t *entry;
    char both[256];
    size_t index;
    struct place place = {.kind = CHECK_SECRET_IN_ENVIRONMENT,
                          .name = {"AWS_SECRET_ACCESS_KEY", strlen("AWS_SECRET_ACCESS_KEY")},
                          .sink = sink};

    json_array_foreach (env, index, entry) {
        for (size_t i = 0; i < 2; i++) {
            if (json_is_string(entry) && text_piece_starts(piece_of(entry), names[i]))
                pair[i] = piece_of(entry);
        }
    }
    if (!pair[0].text || !pair[1].text || pair[0].len + pair[1].len + 2 > sizeof(both))
        return MU_OK;
    (void)snprintf(both, sizeof(both), "%s\n%s", pair[0].text, pair[1].text + strlen(names[1]));
    return secret_search((struct text_piece){both, strlen(both)}, on_hit, &place, err);
}

static enum mu_status env_check(const json_t *env, const struct finder_sink *sink,
                                struct mu_error *err)
{
    const json_t *entry;
    size_t index;

    json_array_foreach (env, index, entry) {
        struct text_piece text = piece_of(entry);
        size_t name = text.text ? strcspn(text.text, "=") : 0;
        struct place place = {
                .kind = CHECK_SECRET_IN_ENVIRONMENT, .name = {text.text, name}, .sink = sink};

        if (!text.text || name >= text.len)
            continue;
        if (text_piece_starts(text, "AWS_SECRET_ACCESS_KEY="))
            continue; /* with its id, below */
        if (place_check(&place, (struct text_piece){text.text + name + 1, text.len - name - 1},
                        true, text, err) != MU_OK)
            return err->status;
    }
    return aws_pair_check(env, sink, err);
}

static enum mu_status labels_check(json_t *labels, const struct finder_sink *sink,
                                   struct mu_error *err)
{
    const char *name;
    json_t *value;

    json_object_foreach (labels, name, value) {
        struct place place = {
                .kind = CHECK_SECRET_IN_CONFIG, .name = {name, strlen(name)}, .sink = sink};

        if (json_is_string(value) &&
            place_check(&place, piece_of(value), false, piece_of(value), err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status words_check(const json_t *words, const struct finder_sink *sink,
                                  struct mu_error *err)
{
    const json_t *word;
    size_t index;

    json_array_foreach (words, index, word) {
        struct place place = {.kind = CHECK_SECRET_IN_CONFIG, .sink = sink};

        if (json_is_string(word) &&
            place_check(&place, piece_of(word), false, piece_of(word), err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

enum mu_status config_secrets_check(const json_t *root, const struct finder_sink *sink,
                                    struct mu_error *err)
{
    if (env_check(mu_json_at(root, "config.Env"), sink, err) != MU_OK ||
        labels_check(json_object_get(mu_json_at(root, "config"), "Labels"), sink, err) != MU_OK ||
        words_check(mu_json_at(root, "config.Entrypoint"), sink, err) != MU_OK ||
        words_check(mu_json_at(root, "config.Cmd"), sink, err) != MU_OK)
        return err->status;
    return MU_OK;
}
