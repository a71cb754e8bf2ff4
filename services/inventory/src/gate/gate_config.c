#include "gate/gate_config.h"

#include "document/pattern.h"
#include "document/yaml_document.h"

#include "base/config.h"
#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_ARENA_BYTES = 16 * 1024 * 1024, MOST_SCOPES = 1000, MOST_ALLOWANCES = 10000 };

static const int64_t us_in_ms = 1000;

/* ---- the file ---- */

static const char *const mode_words[] = {"", "enforce", "warn", "exempt", NULL};
static const char *const answer_words[] = {"", "deny", "allow", NULL};

#define SCOPE(member)  offsetof(struct gate_scope, member)
#define ALLOW(member)  offsetof(struct gate_allowance, member)
#define CONFIG(member) offsetof(struct gate_config, member)

static const struct mu_json_field scope_fields[] = {
        {.name = "clusters", .type = MU_JSON_TEXTS, .offset = SCOPE(clusters), .max = 1000},
        {.name = "mode",
         .type = MU_JSON_ENUM,
         .flags = MU_JSON_REQUIRED,
         .offset = SCOPE(mode),
         .words = mode_words},
        {.name = "name",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = SCOPE(name),
         .min = 1,
         .max = 63},
        {.name = "namespaces", .type = MU_JSON_TEXTS, .offset = SCOPE(namespaces), .max = 1000},
        {.name = "unavailable",
         .type = MU_JSON_ENUM,
         .offset = SCOPE(unavailable),
         .words = answer_words},
        {.name = "unknown", .type = MU_JSON_ENUM, .offset = SCOPE(unknown), .words = answer_words},
        {.name = "waiting", .type = MU_JSON_ENUM, .offset = SCOPE(waiting), .words = answer_words},
};
static const struct mu_json_object scope_object = {"a scope", scope_fields,
                                                   sizeof(scope_fields) / sizeof(scope_fields[0]),
                                                   sizeof(struct gate_scope)};

static const struct mu_json_field allow_fields[] = {
        {.name = "by",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = ALLOW(by),
         .min = 1,
         .max = 255},
        {.name = "clusters", .type = MU_JSON_TEXTS, .offset = ALLOW(clusters), .max = 1000},
        {.name = "image",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = ALLOW(image),
         .min = 1,
         .max = 1024},
        {.name = "namespaces", .type = MU_JSON_TEXTS, .offset = ALLOW(namespaces), .max = 1000},
        {.name = "reason",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = ALLOW(reason),
         .min = 1,
         .max = 1024},
        {.name = "until",
         .type = MU_JSON_TIME,
         .flags = MU_JSON_REQUIRED,
         .offset = ALLOW(until_us)},
};
static const struct mu_json_object allow_object = {"an allowance", allow_fields,
                                                   sizeof(allow_fields) / sizeof(allow_fields[0]),
                                                   sizeof(struct gate_allowance)};

static const struct mu_json_field config_fields[] = {
        {.name = "aliases", .type = MU_JSON_MAP, .offset = CONFIG(aliases), .max = 1000},
        {.name = "allow",
         .type = MU_JSON_ARRAY,
         .offset = CONFIG(allow),
         .max = MOST_ALLOWANCES,
         .object = &allow_object},
        {.name = "cluster", .type = MU_JSON_TEXT, .offset = CONFIG(cluster), .min = 1, .max = 255},
        {.name = "max_cache_age",
         .type = MU_JSON_TEXT,
         .offset = CONFIG(max_cache_age),
         .min = 1,
         .max = 32},
        {.name = "scopes",
         .type = MU_JSON_ARRAY,
         .offset = CONFIG(scopes),
         .max = MOST_SCOPES,
         .object = &scope_object},
};
static const struct mu_json_object config_object = {
        "the gate's configuration", config_fields, sizeof(config_fields) / sizeof(config_fields[0]),
        sizeof(struct gate_config)};

/* ---- loading ---- */

static void fill_scopes(struct gate_config *config)
{
    struct gate_scope *scopes = config->scopes.items;

    for (size_t i = 0; i < config->scopes.count; i++) {
        int *const answers[] = {&scopes[i].unknown, &scopes[i].waiting, &scopes[i].unavailable};

        for (size_t a = 0; a < sizeof(answers) / sizeof(answers[0]); a++)
            if (*answers[a] == GATE_ANSWER_NONE)
                *answers[a] = GATE_DENY;
    }
}

static enum mu_status finish(const char *path, struct gate_config *config, struct mu_error *err)
{
    const char *age = config->max_cache_age ? config->max_cache_age : "1h";
    int64_t age_ms = 0;

    if (!mu_option_number(MU_OPTION_DURATION_MS, age, &age_ms) || age_ms <= 0 ||
        age_ms > INT64_MAX / us_in_ms)
        return mu_fail(err, MU_E_INVALID,
                       "%s: max_cache_age must be a duration such as 1h or 90s, not '%s'", path,
                       age);
    config->max_cache_age_us = age_ms * us_in_ms;
    if (!config->cluster)
        config->cluster = "";
    fill_scopes(config);
    return MU_OK;
}

enum mu_status gate_config_parse(const char *path, const char *bytes, size_t len,
                                 struct gate_config **ret_config, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(CONFIG_ARENA_BYTES);
    struct gate_config read = {0}, *config;
    enum mu_status st = yaml_document_decode(path, bytes, len, &config_object, arena, &read, err);

    if (st == MU_OK)
        st = finish(path, &read, err);
    if (st != MU_OK)
        return st;
    config = mu_xcalloc(1, sizeof(*config));
    *config = read;
    mu_sha256_text(bytes, len, config->digest);
    config->arena = arena;
    arena = NULL;
    *ret_config = config;
    return MU_OK;
}

enum mu_status gate_config_load(const char *path, struct gate_config **ret_config,
                                struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st;

    mu_buf_init(&text, YAML_DOCUMENT_MAX_BYTES);
    st = mu_file_read(path, &text, err);
    return st == MU_OK ? gate_config_parse(path, text.data, text.len, ret_config, err) : st;
}

void gate_config_free(struct gate_config *config)
{
    if (!config)
        return;
    mu_arena_free(config->arena);
    free(config);
}

/* ---- asking ---- */

const struct gate_scope *gate_config_scope(const struct gate_config *config, const char *cluster,
                                           const char *namespace_name)
{
    static const struct gate_scope strict = {.name = "default",
                                             .mode = GATE_ENFORCE,
                                             .unknown = GATE_DENY,
                                             .waiting = GATE_DENY,
                                             .unavailable = GATE_DENY};
    const struct gate_scope *scopes = config->scopes.items;

    for (size_t i = 0; i < config->scopes.count; i++)
        if (patterns_fit(&scopes[i].clusters, cluster) &&
            patterns_fit(&scopes[i].namespaces, namespace_name))
            return &scopes[i];
    return &strict;
}

void gate_config_rename(const struct gate_config *config, char repository[MU_OCI_REPOSITORY_SIZE])
{
    char renamed[MU_OCI_REPOSITORY_SIZE];

    for (size_t i = 0; i < config->aliases.count; i++) {
        const struct mu_json_pair *alias = &config->aliases.items[i];
        size_t len = strlen(alias->key);

        if (!mu_text_starts(repository, alias->key) ||
            (repository[len] != '/' && repository[len] != '\0'))
            continue;
        if (snprintf(renamed, sizeof(renamed), "%s%s", alias->value, repository + len) <
            (int)sizeof(renamed))
            memcpy(repository, renamed, strlen(renamed) + 1);
        return;
    }
}
