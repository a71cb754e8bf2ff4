#include "base/config.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_MAX_BYTES = 64 * 1024 };

static void *member(const struct mu_option *option, void *config)
{
    return (char *)config + option->offset;
}

void mu_environment_name(const char *option, char ret_name[MU_ENVIRONMENT_NAME_SIZE])
{
    (void)snprintf(ret_name, MU_ENVIRONMENT_NAME_SIZE, "MUSTER_%s", option);
    for (size_t i = 0; ret_name[i]; i++)
        ret_name[i] = ret_name[i] == '-' ? '_' : (char)toupper((unsigned char)ret_name[i]);
}

/* ---- values ---- */

struct suffix {
    const char *name;
    int64_t factor;
};

static const struct suffix byte_suffixes[] = {
        {"", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}, {NULL, 0}};
static const struct suffix duration_suffixes[] = {
        {"", 1},          {"ms", 1},          {"s", 1000},
        {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 24 * 3600 * 1000},
        {NULL, 0}};
static const struct suffix no_suffixes[] = {{"", 1}, {NULL, 0}};

static const struct suffix *suffixes_of(enum mu_option_type type)
{
    if (type == MU_OPTION_BYTES)
        return byte_suffixes;
    return type == MU_OPTION_DURATION_MS ? duration_suffixes : no_suffixes;
}

static bool parse_number(const char *text, const struct suffix *suffixes, int64_t *ret_value)
{
    bool negative = *text == '-';
    const char *at = text + negative;
    int64_t value = 0;

    if (!isdigit((unsigned char)*at))
        return false;
    for (; isdigit((unsigned char)*at); at++)
        if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_add_overflow(value, (int64_t)(*at - '0'), &value))
            return false;
    for (; suffixes->name; suffixes++) {
        if (!mu_text_equal(at, suffixes->name))
            continue;
        if (__builtin_mul_overflow(value, suffixes->factor, &value))
            return false;
        *ret_value = negative ? -value : value;
        return true;
    }
    return false;
}

bool mu_option_number(enum mu_option_type type, const char *text, int64_t *ret_value)
{
    return parse_number(text, suffixes_of(type), ret_value);
}

static const char *expectation(enum mu_option_type type)
{
    static const char *const texts[] = {[MU_OPTION_TEXT] = "a text",
                                        [MU_OPTION_INT] = "a whole number",
                                        [MU_OPTION_BYTES] = "a size such as 64MiB",
                                        [MU_OPTION_DURATION_MS] = "a duration such as 30s",
                                        [MU_OPTION_BOOL] = "true or false"};

    return texts[type];
}

static enum mu_status set_number(const struct mu_option *option, const char *text, int64_t *value,
                                 struct mu_error *err)
{
    int64_t number;

    if (!parse_number(text, suffixes_of(option->type), &number))
        return mu_fail(err, MU_E_INVALID, "--%s: '%.100s' is not %s", option->name, text,
                       expectation(option->type));
    if ((option->min || option->max) && (number < option->min || number > option->max))
        return mu_fail(err, MU_E_INVALID, "--%s: %.100s is not between %lld and %lld", option->name,
                       text, (long long)option->min, (long long)option->max);
    *value = number;
    return MU_OK;
}

static enum mu_status set_value(const struct mu_option *option, const char *text, void *config,
                                struct mu_error *err)
{
    char **slot;

    switch (option->type) {
    case MU_OPTION_TEXT:
        slot = member(option, config);
        free(*slot);
        *slot = mu_xstrdup(text);
        return MU_OK;
    case MU_OPTION_BOOL:
        if (!mu_text_equal(text, "true") && !mu_text_equal(text, "false"))
            return mu_fail(err, MU_E_INVALID, "--%s: '%.100s' is neither true nor false",
                           option->name, text);
        *(bool *)member(option, config) = mu_text_equal(text, "true");
        return MU_OK;
    case MU_OPTION_INT:
    case MU_OPTION_BYTES:
    case MU_OPTION_DURATION_MS:
        return set_number(option, text, member(option, config), err);
    }
    return mu_fail(err, MU_E_INTERNAL, "--%s has no type", option->name);
}

/* ---- environment ---- */

static enum mu_status set_secret_from_file(const struct mu_option *option, const char *path,
                                           void *config, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf secret;
    enum mu_status st;

    mu_buf_init(&secret, SECRET_MAX_BYTES);
    st = mu_file_read(path, &secret, err);
    if (st != MU_OK) {
        (void)mu_wrap(err, "--%s", option->name);
        err->status = MU_E_INVALID;
        return MU_E_INVALID;
    }
    if (memchr(secret.data, '\0', secret.len))
        return mu_fail(err, MU_E_INVALID, "--%s: '%.200s' holds a NUL byte", option->name, path);
    while (secret.len > 0 && strchr("\r\n", secret.data[secret.len - 1]))
        secret.data[--secret.len] = '\0';
    return set_value(option, secret.data, config, err);
}

static enum mu_status load_environment(const struct mu_option *option, void *config,
                                       struct mu_error *err)
{
    char name[MU_ENVIRONMENT_NAME_SIZE], file_name[MU_ENVIRONMENT_NAME_SIZE + 8];
    const char *value;

    mu_environment_name(option->name, name);
    value = getenv(name);
    if (value)
        return set_value(option, value, config, err);
    if (option->flags & MU_OPTION_SECRET) {
        (void)snprintf(file_name, sizeof(file_name), "%s_FILE", name);
        value = getenv(file_name);
        if (value)
            return set_secret_from_file(option, value, config, err);
    }
    return MU_OK;
}

/* ---- command line ---- */

static const struct mu_option *find_option(const struct mu_option *options, size_t count,
                                           const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(options[i].name) == len && strncmp(options[i].name, name, len) == 0)
            return &options[i];
    return NULL;
}

/* Levenshtein distance, for short words. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64], la = strlen(a), lb = strlen(b);

    if (la >= 64 || lb >= 64)
        return 64;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            row[j] = row[j] + 1 < change ? row[j] + 1 : change;
            row[j] = row[j - 1] + 1 < row[j] ? row[j - 1] + 1 : row[j];
        }
    }
    return row[lb];
}

static enum mu_status unknown_option(const struct mu_option *options, size_t count,
                                     const char *word, struct mu_error *err)
{
    char name[64];
    const char *nearest = NULL;
    size_t best = 4;

    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(name, options[i].name);

        if (d < best) {
            best = d;
            nearest = options[i].name;
        }
    }
    if (nearest)
        return mu_fail(err, MU_E_INVALID, "unknown option --%s; did you mean --%s?", name, nearest);
    return mu_fail(err, MU_E_INVALID, "unknown option --%s; --help lists the options", name);
}

/* Takes the option at argv[*at] and its value. */
static enum mu_status take_option(const struct mu_option *options, size_t count, int argc,
                                  char **argv, int *at, void *config, struct mu_error *err)
{
    const char *word = argv[*at] + 2;
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    const struct mu_option *option = find_option(options, count, word, len);

    if (!option)
        return unknown_option(options, count, word, err);
    if (option->flags & MU_OPTION_SECRET)
        return mu_fail(err, MU_E_INVALID,
                       "--%s is a secret: give it in the environment or a file, not here",
                       option->name);
    if (equals)
        return set_value(option, equals + 1, config, err);
    if (option->type == MU_OPTION_BOOL)
        return set_value(option, "true", config, err);
    if (*at + 1 >= argc)
        return mu_fail(err, MU_E_INVALID, "--%s needs a value: %s", option->name,
                       expectation(option->type));
    (*at)++;
    return set_value(option, argv[*at], config, err);
}

/* Options first, the rest behind them in its order. */
static enum mu_status load_arguments(const struct mu_option *options, size_t count, int argc,
                                     char **argv, void *config, int *ret_rest, struct mu_error *err)
{
    char **rest = mu_xcalloc((size_t)argc + 1, sizeof(char *));
    char **taken = mu_xcalloc((size_t)argc + 1, sizeof(char *));
    int rest_count = 0, taken_count = 0;
    bool only_words = false;
    enum mu_status st = MU_OK;

    for (int i = 0; st == MU_OK && i < argc; i++) {
        int first = i;

        if (only_words || strncmp(argv[i], "--", 2) != 0) {
            rest[rest_count++] = argv[i];
            continue;
        }
        only_words = argv[i][2] == '\0';
        if (!only_words)
            st = take_option(options, count, argc, argv, &i, config, err);
        for (; first <= i && first < argc; first++)
            taken[taken_count++] = argv[first];
    }
    if (st == MU_OK) {
        memcpy(argv, taken, (size_t)taken_count * sizeof(char *));
        memcpy(argv + taken_count, rest, (size_t)rest_count * sizeof(char *));
        *ret_rest = taken_count;
    }
    free(rest);
    free(taken);
    return st;
}

static bool is_missing(const struct mu_option *option, void *config)
{
    const char *const *text = member(option, config);

    return (option->flags & MU_OPTION_REQUIRED) && option->type == MU_OPTION_TEXT &&
           (!*text || !**text);
}

static enum mu_status check_required(const struct mu_option *options, size_t count, void *config,
                                     struct mu_error *err)
{
    char name[MU_ENVIRONMENT_NAME_SIZE];

    for (size_t i = 0; i < count; i++) {
        if (!is_missing(&options[i], config))
            continue;
        mu_environment_name(options[i].name, name);
        return mu_fail(err, MU_E_INVALID, "--%s (or %s) is missing: %s", options[i].name, name,
                       options[i].help);
    }
    return MU_OK;
}

enum mu_status mu_config_load(const struct mu_option *options, size_t option_count, int argc,
                              char **argv, void *config, int *ret_rest, struct mu_error *err)
{
    enum mu_status st = MU_OK;
    int rest = 0;

    for (size_t i = 0; st == MU_OK && i < option_count; i++) {
        if (options[i].default_value)
            st = set_value(&options[i], options[i].default_value, config, err);
        if (st == MU_OK)
            st = load_environment(&options[i], config, err);
    }
    if (st == MU_OK)
        st = load_arguments(options, option_count, argc, argv, config, &rest, err);
    if (st == MU_OK)
        st = check_required(options, option_count, config, err);
    if (st == MU_OK)
        *ret_rest = rest;
    else
        mu_config_done(options, option_count, config);
    return st;
}

void mu_config_done(const struct mu_option *options, size_t option_count, void *config)
{
    for (size_t i = 0; i < option_count; i++) {
        char **slot = member(&options[i], config);

        if (options[i].type != MU_OPTION_TEXT)
            continue;
        free(*slot);
        *slot = NULL;
    }
}
