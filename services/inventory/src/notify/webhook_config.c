#include "notify/webhook_config.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { ORIGINS_MAX = 32, MAX_DEPTH = 5, ARENA_MAX_BYTES = 4 * 1024 * 1024, NAME_MAX = 64 };

struct webhook_config {
    struct mu_arena *arena;
    struct webhook_target targets[WEBHOOK_TARGETS_MAX];
    size_t count;
    const char *origins[ORIGINS_MAX];
    size_t origin_count;
};

static const char *const template_words[] = {
        [WEBHOOK_JSON] = "json", [WEBHOOK_SLACK] = "slack", [WEBHOOK_TEXT] = "text"};
static const char *const severity_words[] = {"info", "warning", "critical"};

static size_t word_place(const char *word, const char *const *words, size_t count)
{
    size_t i = 0;

    while (i < count && !mu_text_equal(words[i], word))
        i++;
    return i;
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (!isgraph((unsigned char)*text))
            return false;
    return true;
}

/* Scheme, host and port and nothing else. */
static bool is_origin(const char *text)
{
    const char *host = text;

    if (mu_text_starts(text, "https://"))
        host += strlen("https://");
    else if (mu_text_starts(text, "http://"))
        host += strlen("http://");
    return host != text && *host && is_printable(host) && !strpbrk(host, "/@?#\\");
}

/* The origin, and then a path, a query or nothing. */
static bool begins_with_origin(const char *url, const char *origin)
{
    return mu_text_starts(url, origin) && strchr("/?", url[strlen(origin)]);
}

static enum mu_status take_origins(struct webhook_config *config, const json_t *root,
                                   struct mu_error *err)
{
    const json_t *origins = json_object_get(root, "allowed_origins"), *origin;
    size_t index;

    if (!json_is_array(origins) || json_array_size(origins) > ORIGINS_MAX)
        return mu_fail(err, MU_E_INVALID, "allowed_origins: expected a list of at most %d",
                       ORIGINS_MAX);
    json_array_foreach (origins, index, origin) {
        const char *text = json_string_value(origin);

        if (!text || !is_origin(text))
            return mu_fail(err, MU_E_INVALID,
                           "allowed_origins[%zu]: expected as https://hooks.example:8443", index);
        config->origins[config->origin_count++] = mu_arena_strdup(config->arena, text);
    }
    return MU_OK;
}

static enum mu_status take_kinds(struct webhook_config *config, struct webhook_target *target,
                                 size_t place, const json_t *kinds, struct mu_error *err)
{
    const json_t *kind;
    size_t index;

    if (kinds && (!json_is_array(kinds) || json_array_size(kinds) > WEBHOOK_KINDS_MAX))
        return mu_fail(err, MU_E_INVALID, "targets[%zu].kinds: expected a list of at most %d",
                       place, WEBHOOK_KINDS_MAX);
    json_array_foreach (kinds, index, kind) {
        const char *text = json_string_value(kind);

        if (!text || !*text || !is_printable(text) || strlen(text) > NAME_MAX)
            return mu_fail(err, MU_E_INVALID,
                           "targets[%zu].kinds[%zu]: expected a kind of "
                           "notification",
                           place, index);
        target->kinds[target->kind_count++] = mu_arena_strdup(config->arena, text);
    }
    return MU_OK;
}

static enum mu_status check_url(const struct webhook_config *config, const char *url, size_t place,
                                struct mu_error *err)
{
    if (!is_printable(url) || strpbrk(url, "\\@#"))
        return mu_fail(err, MU_E_INVALID, "targets[%zu].url: is no plain URL", place);
    for (size_t i = 0; i < config->origin_count; i++)
        if (begins_with_origin(url, config->origins[i]))
            return MU_OK;
    return mu_fail(err, MU_E_INVALID, "targets[%zu].url: begins with none of allowed_origins",
                   place);
}

static enum mu_status check_members(const json_t *object, size_t place, struct mu_error *err)
{
    static const char *const members[] = {"name",        "url",   "template",
                                          "secret_file", "kinds", "min_severity"};
    const char *name;
    const json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)object, name, value)
        if (word_place(name, members, 6) == 6)
            return mu_fail(err, MU_E_INVALID, "targets[%zu]: has no member '%.64s'", place, name);
    return MU_OK;
}

static enum mu_status take_target(struct webhook_config *config, size_t place, const json_t *object,
                                  struct mu_error *err)
{
    struct webhook_target *target = &config->targets[place];
    const char *name = mu_json_text_at(object, "name"), *url = mu_json_text_at(object, "url");
    const char *secret = mu_json_text_at(object, "secret_file");
    const char *severity = mu_json_text_at(object, "min_severity");
    const char *word = mu_json_text_at(object, "template");
    size_t template = word ? word_place(word, template_words, 3) : WEBHOOK_JSON;

    if (check_members(object, place, err) != MU_OK)
        return err->status;
    if (!name || !*name || strlen(name) > NAME_MAX || !is_printable(name))
        return mu_fail(err, MU_E_INVALID, "targets[%zu].name: expected one word", place);
    for (size_t i = 0; i < place; i++)
        if (mu_text_equal(config->targets[i].name, name))
            return mu_fail(err, MU_E_INVALID, "targets[%zu].name: '%s' is there twice", place,
                           name);
    if (!url || !secret || !*secret)
        return mu_fail(err, MU_E_INVALID, "targets[%zu].%s: is missing", place,
                       url ? "secret_file" : "url");
    if (template == 3)
        return mu_fail(err, MU_E_INVALID, "targets[%zu].template: expected json, slack or text",
                       place);
    if (severity && word_place(severity, severity_words, 3) == 3)
        return mu_fail(err, MU_E_INVALID,
                       "targets[%zu].min_severity: expected info, warning or critical", place);
    if (check_url(config, url, place, err) != MU_OK)
        return err->status;
    target->name = mu_arena_strdup(config->arena, name);
    target->url = mu_arena_strdup(config->arena, url);
    target->secret_file = mu_arena_strdup(config->arena, secret);
    target->min_severity = mu_arena_strdup(config->arena, severity ? severity : "info");
    target->template = (enum webhook_template) template;
    return take_kinds(config, target, place, json_object_get(object, "kinds"), err);
}

static enum mu_status take_all(struct webhook_config *config, const json_t *root,
                               struct mu_error *err)
{
    const json_t *targets = json_object_get(root, "targets"), *target;
    size_t index;

    if (!mu_text_equal(mu_json_text_at(root, "schema"), "muster.webhooks.v1"))
        return mu_fail(err, MU_E_INVALID, "schema: expected \"muster.webhooks.v1\"");
    if (take_origins(config, root, err) != MU_OK)
        return err->status;
    if (!json_is_array(targets) || json_array_size(targets) > WEBHOOK_TARGETS_MAX)
        return mu_fail(err, MU_E_INVALID, "targets: expected a list of at most %d",
                       WEBHOOK_TARGETS_MAX);
    json_array_foreach (targets, index, target) {
        if (take_target(config, index, target, err) != MU_OK)
            return err->status;
        config->count++;
    }
    return MU_OK;
}

enum mu_status webhook_config_parse(const char *bytes, size_t len,
                                    struct webhook_config **ret_config, struct mu_error *err)
{
    static const struct mu_json_limits limits = {WEBHOOK_CONFIG_MAX_BYTES, MAX_DEPTH};
    MU_AUTO(webhook_config) struct webhook_config *config = mu_xcalloc(1, sizeof(*config));
    json_auto_t *root = NULL;
    enum mu_status st = mu_json_parse(bytes, len, &limits, &root, err);

    config->arena = mu_arena_new(ARENA_MAX_BYTES);
    if (st == MU_OK)
        st = take_all(config, root, err);
    if (st != MU_OK)
        return st;
    *ret_config = config;
    config = NULL;
    return MU_OK;
}

/* A secret of Standard Webhooks is "whsec_" and base64; any other is taken as it stands. */
static enum mu_status take_secret(struct webhook_config *config, struct webhook_target *target,
                                  const struct mu_buf *text, struct mu_error *err)
{
    static const char prefix[] = "whsec_";
    MU_AUTO_DONE(mu_buf_done) struct mu_buf key;
    size_t len = text->len;
    void *secret;

    mu_buf_init(&key, WEBHOOK_SECRET_MAX_BYTES);
    while (len > 0 && isspace((unsigned char)text->data[len - 1]))
        len--;
    if (len > strlen(prefix) && mu_text_starts(text->data, prefix)) {
        if (mu_base64_decode(text->data + strlen(prefix), len - strlen(prefix), &key, err) != MU_OK)
            return mu_fail(err, MU_E_INVALID, "%s: what follows whsec_ is no base64",
                           target->secret_file);
    } else {
        mu_buf_append(&key, text->data, len);
    }
    if (key.len < WEBHOOK_SECRET_MIN_BYTES)
        return mu_fail(err, MU_E_INVALID, "%s: a secret has at least %d bytes", target->secret_file,
                       WEBHOOK_SECRET_MIN_BYTES);
    secret = mu_arena_alloc(config->arena, key.len);
    if (!secret)
        return mu_fail(err, MU_E_NOMEM, "webhooks: out of memory");
    memcpy(secret, key.data, key.len);
    target->secret = secret;
    target->secret_len = key.len;
    return MU_OK;
}

enum mu_status webhook_config_load(const char *path, struct webhook_config **ret_config,
                                   struct mu_error *err)
{
    MU_AUTO(webhook_config) struct webhook_config *config = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st;

    mu_buf_init(&text, WEBHOOK_CONFIG_MAX_BYTES);
    st = mu_file_read(path, &text, err);
    if (st == MU_OK && webhook_config_parse(text.data, text.len, &config, err) != MU_OK)
        st = mu_wrap(err, "%s", path);
    for (size_t i = 0; st == MU_OK && config && i < config->count; i++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf secret;

        mu_buf_init(&secret, WEBHOOK_SECRET_MAX_BYTES);
        st = mu_file_read(config->targets[i].secret_file, &secret, err);
        if (st == MU_OK)
            st = take_secret(config, &config->targets[i], &secret, err);
    }
    if (st != MU_OK)
        return st;
    *ret_config = config;
    config = NULL;
    return MU_OK;
}

void webhook_config_free(struct webhook_config *config)
{
    if (!config)
        return;
    mu_arena_free(config->arena);
    free(config);
}

size_t webhook_config_count(const struct webhook_config *config)
{
    return config->count;
}

const struct webhook_target *webhook_config_target(const struct webhook_config *config,
                                                   size_t index)
{
    return &config->targets[index];
}
