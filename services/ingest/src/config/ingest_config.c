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
    SOURCE_NAME_MAX = 64,
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
    const char *transport; /* of the kinds that have it; NULL: all */
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

/* True when an earlier pair of the mapping has the same key. */
static bool is_repeated(const struct reader *reader, const yaml_node_t *node,
                        const yaml_node_pair_t *pair, const char *name)
{
    for (const yaml_node_pair_t *at = node->data.mapping.pairs.start; at < pair; at++) {
        const yaml_node_t *key = yaml_document_get_node(reader->document, at->key);

        if (key->type == YAML_SCALAR_NODE &&
            mu_text_equal((const char *)key->data.scalar.value, name))
            return true;
    }
    return false;
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
        if (is_repeated(reader, node, pair, name))
            return wrong(reader, key_node, name, "is given twice", err);
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
    secret = mu_arena_strndup(reader->arena, secret, len);
    if (!secret)
        return mu_fail(err, MU_E_NOMEM, "%s: out of memory", reader->path);
    reader->source->secrets[reader->source->secret_count++] = secret;
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
    static const struct key keys[] = {{"bearer_file", read_secret_file, NULL},
                                      {"previous_bearer_file", read_secret_file, NULL},
                                      {"bearer_env", read_secret_env, NULL},
                                      {"previous_bearer_env", read_secret_env, NULL}};
    enum mu_status st = read_mapping(reader, key, node, keys, sizeof(keys) / sizeof(keys[0]), err);

    if (st == MU_OK && reader->source->secret_count == 0)
        return wrong(reader, node, key, "holds no secret: everybody would be let in", err);
    return st;
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

TEXT_KEY(cluster)
TEXT_KEY(registry)
TEXT_KEY(token_file)
TEXT_KEY(ca_file)

static enum mu_status read_name(struct reader *reader, const char *key, const yaml_node_t *node,
                                struct mu_error *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-._";
    const char *name = NULL;
    enum mu_status st = text_of(reader, key, node, &name, err);

    if (st == MU_OK && (strlen(name) > SOURCE_NAME_MAX || strspn(name, plain) != strlen(name)))
        return wrong(reader, node, key, "must be at most 64 of a-z 0-9 - . _", err);
    if (st == MU_OK)
        reader->source->name = name;
    return st;
}

/* A path is compared as a whole; the service has some of its own. */
static enum mu_status read_path(struct reader *reader, const char *key, const yaml_node_t *node,
                                struct mu_error *err)
{
    static const char plain[] =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    static const char *const taken[] = {"/healthz", "/readyz", "/metrics"};
    const char *path = NULL;
    enum mu_status st = text_of(reader, key, node, &path, err);

    if (st != MU_OK)
        return st;
    if (path[0] != '/' || strspn(path, plain) != strlen(path))
        return wrong(reader, node, key,
                     "must begin with a slash and hold only a-z A-Z 0-9 - . _ ~ /", err);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        if (mu_text_equal(path, taken[i]))
            return wrong(reader, node, key, "is a path of the service itself", err);
    reader->source->path = path;
    return MU_OK;
}

static enum mu_status read_url(struct reader *reader, const char *key, const yaml_node_t *node,
                               struct mu_error *err)
{
    const char *url = NULL;
    enum mu_status st = text_of(reader, key, node, &url, err);

    if (st != MU_OK)
        return st;
    if (!mu_text_starts(url, "https://") && !mu_text_starts(url, "http://"))
        return wrong(reader, node, key, "must begin with https:// or http://", err);
    if (mu_text_ends(url, "/") || strpbrk(url, "?# "))
        return wrong(reader, node, key, "must end with host, port or path, and without a slash",
                     err);
    reader->source->url = url;
    return MU_OK;
}

static const struct key source_keys[] = {
        {"name", read_name, NULL},
        {"kind", read_kind, NULL},
        {"path", read_path, "webhook"},
        {"auth", read_auth, "webhook"},
        {"registry", read_registry, NULL},
        {"repository_aliases", read_aliases, NULL},
        {"cluster", read_cluster, "watch"},
        {"url", read_url, "watch"},
        {"token_file", read_token_file, "watch"},
        {"ca_file", read_ca_file, "watch"},
        {"page_limit", read_page_limit, "watch"},
};
enum { SOURCE_KEYS = sizeof(source_keys) / sizeof(source_keys[0]) };

/* ---- a whole source ---- */

/* An option that the source's kind would never look at is a mistake. */
static enum mu_status check_transport(const struct reader *reader, const yaml_node_t *node,
                                      struct mu_error *err)
{
    const struct source_kind *kind = reader->source->kind;

    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
        const char *name = (const char *)key->data.scalar.value;

        for (size_t i = 0; i < SOURCE_KEYS; i++)
            if (mu_text_equal(source_keys[i].name, name) && source_keys[i].transport &&
                !mu_text_equal(source_keys[i].transport, kind->transport))
                return mu_fail(err, MU_E_INVALID, "%s:%zu: '%s' is no option of kind '%s'",
                               reader->path, line_of(key), name, kind->name);
    }
    return MU_OK;
}

static enum mu_status finish_source(struct reader *reader, const yaml_node_t *node,
                                    struct mu_error *err)
{
    struct source_config *source = reader->source;

    if (!source->name)
        return wrong(reader, node, "name", "is missing", err);
    if (!source->kind)
        return wrong(reader, node, "kind", "is missing", err);
    if (check_transport(reader, node, err) != MU_OK)
        return err->status;
    if (mu_text_equal(source->kind->transport, "watch")) {
        if (!source->cluster || !source->url)
            return wrong(reader, node, source->cluster ? "url" : "cluster", "is missing", err);
        if (source->page_limit == 0)
            source->page_limit = PAGE_LIMIT_DEFAULT;
        return MU_OK;
    }
    if (!source->path)
        source->path = mu_arena_printf(reader->arena, "/v1/sources/%s", source->name);
    return source->path ? MU_OK : mu_fail(err, MU_E_NOMEM, "%s: out of memory", reader->path);
}

/* No two sources with one name or one path. */
static enum mu_status check_unique(const struct reader *reader, const struct ingest_config *config,
                                   const yaml_node_t *node, struct mu_error *err)
{
    const struct source_config *last = &config->sources[config->source_count];

    for (size_t i = 0; i < config->source_count; i++) {
        if (mu_text_equal(config->sources[i].name, last->name))
            return wrong(reader, node, last->name, "is the name of two sources", err);
        if (last->path && mu_text_equal(config->sources[i].path, last->path))
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
        st = read_mapping(reader, "source", source, source_keys, SOURCE_KEYS, err);
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
    static const struct key top_keys[] = {{"sources", read_sources, NULL}};
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
