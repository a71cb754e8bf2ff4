#include "config/ingest_config.h"

#include "source/source.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
    CONFIG_MAX_BYTES = 1024 * 1024,
    CONFIG_TEXT_MAX_BYTES = 4096,
    SECRET_MAX_BYTES = 4096,
    PAGE_LIMIT_DEFAULT = 500,
    PAGE_LIMIT_MAX = 10000
};

struct reader {
    const char *path;
    struct mu_arena *arena;
    yaml_document_t *document;
    struct source_config *source; /* the one being read */
};

typedef enum mu_status key_fn(struct reader *reader, const char *key, const yaml_node_t *value,
                              struct mu_error *err);

struct key {
    const char *name;
    key_fn *read;
};

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

static enum mu_status wrong(const struct reader *reader, const yaml_node_t *node, const char *key,
                            const char *what, struct mu_error *err)
{
    return mu_fail(err, MU_E_INVALID, "%s:%zu: '%s' %s", reader->path, line_of(node), key, what);
}

static enum mu_status text_of(struct reader *reader, const char *key, const yaml_node_t *node,
                              const char **ret_text, struct mu_error *err)
{
    if (node->type != YAML_SCALAR_NODE)
        return wrong(reader, node, key, "must be a text", err);
    if (node->data.scalar.length == 0)
        return wrong(reader, node, key, "is empty", err);
    if (node->data.scalar.length > CONFIG_TEXT_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "%s:%zu: '%s' is longer than %d bytes", reader->path,
                       line_of(node), key, CONFIG_TEXT_MAX_BYTES);
    *ret_text = mu_arena_strndup(reader->arena, (const char *)node->data.scalar.value,
                                 node->data.scalar.length);
    return *ret_text ? MU_OK : mu_fail(err, MU_E_NOMEM, "%s: out of memory", reader->path);
}

/* Calls the row of each key of a mapping. */
static enum mu_status read_mapping(struct reader *reader, const char *what, const yaml_node_t *node,
                                   const struct key *keys, size_t key_count, struct mu_error *err)
{
    if (node->type != YAML_MAPPING_NODE)
        return wrong(reader, node, what, "must be a mapping", err);
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key_node = yaml_document_get_node(reader->document, pair->key);
        const char *name = NULL;
        size_t i = 0;
        enum mu_status st = text_of(reader, what, key_node, &name, err);

        if (st != MU_OK)
            return st;
        while (i < key_count && !mu_text_equal(keys[i].name, name))
            i++;
        if (i == key_count)
            return wrong(reader, key_node, name, "is an unknown option", err);
        st = keys[i].read(reader, name, yaml_document_get_node(reader->document, pair->value), err);
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

/* ---- secrets ---- */

static enum mu_status add_secret(struct reader *reader, const char *key, const yaml_node_t *node,
                                 const char *secret, size_t len, struct mu_error *err)
{
    while (len > 0 && (secret[len - 1] == '\n' || secret[len - 1] == '\r'))
        len--;
    if (len == 0)
        return wrong(reader, node, key, "leads to an empty secret", err);
    if (reader->source->secret_count == SOURCE_MAX_SECRETS)
        return wrong(reader, node, key, "is one secret too many: two may be valid at once", err);
    reader->source->secrets[reader->source->secret_count] =
            mu_arena_strndup(reader->arena, secret, len);
    reader->source->secret_count++;
    return MU_OK;
}

static enum mu_status read_secret_file(struct reader *reader, const char *key,
                                       const yaml_node_t *node, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf secret;
    const char *file = NULL;
    enum mu_status st = text_of(reader, key, node, &file, err);

    mu_buf_init(&secret, SECRET_MAX_BYTES);
    if (st == MU_OK)
        st = mu_file_read(file, &secret, err);
    if (st != MU_OK)
        return mu_wrap(err, "%s:%zu: '%s'", reader->path, line_of(node), key);
    return add_secret(reader, key, node, secret.data, secret.len, err);
}

static enum mu_status read_secret_env(struct reader *reader, const char *key,
                                      const yaml_node_t *node, struct mu_error *err)
{
    const char *name = NULL, *secret;
    enum mu_status st = text_of(reader, key, node, &name, err);

    if (st != MU_OK)
        return st;
    secret = getenv(name);
    if (!secret)
        return wrong(reader, node, key, "names a variable that is not set", err);
    return add_secret(reader, key, node, secret, strlen(secret), err);
}

static enum mu_status read_auth(struct reader *reader, const char *key, const yaml_node_t *node,
                                struct mu_error *err)
{
    static const struct key keys[] = {{"bearer_file", read_secret_file},
                                      {"previous_bearer_file", read_secret_file},
                                      {"bearer_env", read_secret_env},
                                      {"previous_bearer_env", read_secret_env}};

    return read_mapping(reader, key, node, keys, sizeof(keys) / sizeof(keys[0]), err);
}

/* ---- the other options of a source ---- */

static enum mu_status read_aliases(struct reader *reader, const char *key, const yaml_node_t *node,
                                   struct mu_error *err)
{
    struct source_config *source = reader->source;

    if (node->type != YAML_MAPPING_NODE)
        return wrong(reader, node, key, "must map names to names", err);
    source->aliases =
            mu_arena_alloc(reader->arena, SOURCE_MAX_ALIASES * sizeof(struct source_alias_pair));
    if (!source->aliases)
        return mu_fail(err, MU_E_NOMEM, "%s: out of memory", reader->path);
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        struct source_alias_pair *alias = &source->aliases[source->alias_count];
        enum mu_status st;

        if (source->alias_count == SOURCE_MAX_ALIASES)
            return wrong(reader, node, key, "holds too many names", err);
        st = text_of(reader, key, yaml_document_get_node(reader->document, pair->key), &alias->from,
                     err);
        if (st == MU_OK)
            st = text_of(reader, key, yaml_document_get_node(reader->document, pair->value),
                         &alias->to, err);
        if (st != MU_OK)
            return st;
        source->alias_count++;
    }
    return MU_OK;
}

static enum mu_status read_kind(struct reader *reader, const char *key, const yaml_node_t *node,
                                struct mu_error *err)
{
    const char *name = NULL;
    enum mu_status st = text_of(reader, key, node, &name, err);

    if (st != MU_OK)
        return st;
    reader->source->kind = source_kind_find(name);
    if (!reader->source->kind)
        return mu_fail(
                err, MU_E_INVALID,
                "%s:%zu: 'kind' is '%s', which does not exist; 'muster-ingest sources' lists "
                "the kinds",
                reader->path, line_of(node), name);
    return MU_OK;
}

static enum mu_status read_page_limit(struct reader *reader, const char *key,
                                      const yaml_node_t *node, struct mu_error *err)
{
    const char *text = NULL;
    uint64_t number = 0;
    enum mu_status st = text_of(reader, key, node, &text, err);

    if (st != MU_OK)
        return st;
    if (mu_text_to_u64(text, key, &number, err) != MU_OK || number < 1 || number > PAGE_LIMIT_MAX)
        return wrong(reader, node, key, "must be a number from 1 to 10000", err);
    reader->source->page_limit = (int64_t)number;
    return MU_OK;
}

#define TEXT_KEY(member)                                                               \
    static enum mu_status read_##member(struct reader *reader, const char *key,        \
                                        const yaml_node_t *node, struct mu_error *err) \
    {                                                                                  \
        return text_of(reader, key, node, &reader->source->member, err);               \
    }

TEXT_KEY(name)
TEXT_KEY(path)
TEXT_KEY(cluster)
TEXT_KEY(url)
TEXT_KEY(token_file)
TEXT_KEY(ca_file)

static const struct key source_keys[] = {
        {"name", read_name},
        {"kind", read_kind},
        {"path", read_path},
        {"auth", read_auth},
        {"repository_aliases", read_aliases},
        {"cluster", read_cluster},
        {"url", read_url},
        {"token_file", read_token_file},
        {"ca_file", read_ca_file},
        {"page_limit", read_page_limit},
};

/* ---- a whole source ---- */

static bool name_is_plain(const char *name)
{
    return strlen(name) <= 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-._") == strlen(name);
}

static enum mu_status finish_source(struct reader *reader, const yaml_node_t *node,
                                    struct mu_error *err)
{
    struct source_config *source = reader->source;

    if (!source->name || !name_is_plain(source->name))
        return wrong(reader, node, "name", "is missing, or more than a-z 0-9 - . _", err);
    if (!source->kind)
        return wrong(reader, node, "kind", "is missing", err);
    if (mu_text_equal(source->kind->transport, "watch") && (!source->url || !source->cluster))
        return wrong(reader, node, source->name, "needs 'url' and 'cluster'", err);
    if (!source->path)
        source->path = mu_arena_printf(reader->arena, "/v1/sources/%s", source->name);
    if (source->path && source->path[0] != '/')
        return wrong(reader, node, "path", "must begin with a slash", err);
    if (source->page_limit == 0)
        source->page_limit = PAGE_LIMIT_DEFAULT;
    return MU_OK;
}

/* No two sources with one name or one path. */
static enum mu_status check_unique(const struct reader *reader, const struct ingest_config *config,
                                   const yaml_node_t *node, struct mu_error *err)
{
    const struct source_config *last = &config->sources[config->source_count];

    for (size_t i = 0; i < config->source_count; i++) {
        if (mu_text_equal(config->sources[i].name, last->name))
            return wrong(reader, node, last->name, "is the name of two sources", err);
        if (mu_text_equal(config->sources[i].path, last->path))
            return wrong(reader, node, last->path, "is the path of two sources", err);
    }
    return MU_OK;
}

struct top {
    struct reader reader; /* first: key_fn gets it */
    struct ingest_config config;
};

static enum mu_status read_sources(struct reader *reader, const char *key, const yaml_node_t *node,
                                   struct mu_error *err)
{
    struct ingest_config *config = &((struct top *)reader)->config;
    enum mu_status st = MU_OK;

    if (node->type != YAML_SEQUENCE_NODE)
        return wrong(reader, node, key, "must be a list", err);
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         st == MU_OK && item < node->data.sequence.items.top; item++) {
        const yaml_node_t *source = yaml_document_get_node(reader->document, *item);

        if (config->source_count == SOURCES_MAX)
            return wrong(reader, node, key, "holds too many sources", err);
        reader->source = &config->sources[config->source_count];
        st = read_mapping(reader, "source", source, source_keys,
                          sizeof(source_keys) / sizeof(source_keys[0]), err);
        if (st == MU_OK)
            st = finish_source(reader, source, err);
        if (st == MU_OK)
            st = check_unique(reader, config, source, err);
        config->source_count += st == MU_OK;
    }
    return st;
}

static enum mu_status load_document(const char *path, const char *bytes, size_t len,
                                    yaml_document_t *ret_document, struct mu_error *err)
{
    yaml_parser_t parser;
    enum mu_status st = MU_OK;

    if (!yaml_parser_initialize(&parser))
        return mu_fail(err, MU_E_NOMEM, "%s: out of memory", path);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, len);
    if (!yaml_parser_load(&parser, ret_document))
        st = mu_fail(err, MU_E_INVALID, "%s:%zu: %s", path, parser.problem_mark.line + 1,
                     parser.problem ? parser.problem : "not YAML");
    yaml_parser_delete(&parser);
    return st;
}

enum mu_status ingest_config_parse(const char *path, const char *bytes, size_t len,
                                   struct mu_arena *arena, struct ingest_config *ret_config,
                                   struct mu_error *err)
{
    static const struct key top_keys[] = {{"sources", read_sources}};
    yaml_document_t document;
    struct top top = {.reader = {.path = path, .arena = arena, .document = &document}};
    const yaml_node_t *root;
    enum mu_status st = load_document(path, bytes, len, &document, err);

    if (st != MU_OK)
        return st;
    top.config.sources = mu_arena_alloc(arena, SOURCES_MAX * sizeof(struct source_config));
    root = yaml_document_get_root_node(&document);
    if (!top.config.sources)
        st = mu_fail(err, MU_E_NOMEM, "%s: out of memory", path);
    else if (!root)
        st = mu_fail(err, MU_E_INVALID, "%s: is empty", path);
    else
        st = read_mapping(&top.reader, path, root, top_keys, 1, err);
    yaml_document_delete(&document);
    if (st == MU_OK && top.config.source_count == 0)
        st = mu_fail(err, MU_E_INVALID, "%s: no sources", path);
    if (st == MU_OK)
        *ret_config = top.config;
    return st;
}

enum mu_status ingest_config_read(const char *path, struct mu_arena *arena,
                                  struct ingest_config *ret_config, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, CONFIG_MAX_BYTES);
    st = mu_file_read(path, &bytes, err);
    return st == MU_OK ? ingest_config_parse(path, bytes.data, bytes.len, arena, ret_config, err)
                       : st;
}

const struct source_config *ingest_config_find(const struct ingest_config *config, const char *name)
{
    for (size_t i = 0; i < config->source_count; i++)
        if (mu_text_equal(config->sources[i].name, name))
            return &config->sources[i];
    return NULL;
}
