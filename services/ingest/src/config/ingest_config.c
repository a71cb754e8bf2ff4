#include "config/ingest_config.h"

#include "config/auth_config.h"
#include "config/listing_config.h"
#include "limit/rate_limit.h"
#include "source/source.h"
#include "yaml/yaml_reader.h"

#include "base/buf.h"
#include "base/config.h"
#include "base/file.h"
#include "base/text.h"

#include <string.h>

enum {
    CONFIG_MAX_BYTES = 1024 * 1024,
    SOURCE_NAME_MAX = 64,
    PAGE_LIMIT_DEFAULT = 500,
    PAGE_LIMIT_MAX = 10000,
    SOCKET_PATH_MAX = 107 /* unix(7) */
};

/* A source while it is read. */
struct source_reading {
    struct source_config *source;
    const yaml_node_t *auth; /* read last: it depends on the kind */
};

/* ---- the options of a source ---- */

static struct source_config *source_of(void *target)
{
    return ((struct source_reading *)target)->source;
}

static enum mu_status read_alias(struct yaml_reader *reader, const char *key,
                                 const yaml_node_pair_t *pair, struct source_alias_pair *alias,
                                 struct mu_error *err)
{
    enum mu_status st = yaml_reader_text(
            reader, key, yaml_document_get_node(reader->document, pair->key), &alias->from, err);

    return st == MU_OK ? yaml_reader_text(reader, key,
                                          yaml_document_get_node(reader->document, pair->value),
                                          &alias->to, err)
                       : st;
}

static enum mu_status read_aliases(struct yaml_reader *reader, const struct yaml_key *key,
                                   const yaml_node_t *node, void *target, struct mu_error *err)
{
    struct source_config *source = source_of(target);

    if (node->type != YAML_MAPPING_NODE)
        return yaml_reader_wrong(reader, node, key->name, "must map names to names", err);
    source->aliases =
            mu_arena_alloc(reader->arena, SOURCE_MAX_ALIASES * sizeof(struct source_alias_pair));
    if (!source->aliases)
        return yaml_reader_nomem(reader, err);
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        enum mu_status st;

        if (source->alias_count == SOURCE_MAX_ALIASES)
            return yaml_reader_wrong(reader, node, key->name, "holds too many names", err);
        st = read_alias(reader, key->name, pair, &source->aliases[source->alias_count], err);
        if (st != MU_OK)
            return st;
        source->alias_count++;
    }
    return MU_OK;
}

static enum mu_status read_kind(struct yaml_reader *reader, const struct yaml_key *key,
                                const yaml_node_t *node, void *target, struct mu_error *err)
{
    struct source_config *source = source_of(target);
    const char *name = NULL;
    enum mu_status st = yaml_reader_text(reader, key->name, node, &name, err);

    if (st != MU_OK)
        return st;
    source->kind = source_kind_find(name);
    if (!source->kind)
        return mu_fail(
                err, MU_E_INVALID,
                "%s:%zu: 'kind' is '%s', which does not exist; 'muster-ingest sources' lists "
                "the kinds",
                reader->path, yaml_reader_line(node), name);
    return MU_OK;
}

static enum mu_status read_page_limit(struct yaml_reader *reader, const struct yaml_key *key,
                                      const yaml_node_t *node, void *target, struct mu_error *err)
{
    const char *text = NULL;
    uint64_t number = 0;
    enum mu_status st = yaml_reader_text(reader, key->name, node, &text, err);

    if (st != MU_OK)
        return st;
    if (mu_text_to_u64(text, key->name, &number, err) != MU_OK || number < 1 ||
        number > PAGE_LIMIT_MAX)
        return yaml_reader_wrong(reader, node, key->name, "must be a number from 1 to 10000", err);
    source_of(target)->page_limit = (int64_t)number;
    return MU_OK;
}

static enum mu_status read_text(struct yaml_reader *reader, const struct yaml_key *key,
                                const yaml_node_t *node, void *target, struct mu_error *err)
{
    return yaml_reader_text_member(reader, key, node, source_of(target), err);
}

static enum mu_status read_bool(struct yaml_reader *reader, const struct yaml_key *key,
                                const yaml_node_t *node, void *target, struct mu_error *err)
{
    return yaml_reader_bool_member(reader, key, node, source_of(target), err);
}

static enum mu_status read_name(struct yaml_reader *reader, const struct yaml_key *key,
                                const yaml_node_t *node, void *target, struct mu_error *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-._";
    const char *name = NULL;
    enum mu_status st = yaml_reader_text(reader, key->name, node, &name, err);

    if (st == MU_OK && (strlen(name) > SOURCE_NAME_MAX || strspn(name, plain) != strlen(name)))
        return yaml_reader_wrong(reader, node, key->name, "must be at most 64 of a-z 0-9 - . _",
                                 err);
    if (st == MU_OK)
        source_of(target)->name = name;
    return st;
}

/* A path is compared as a whole; the service has some of its own. */
static enum mu_status read_path(struct yaml_reader *reader, const struct yaml_key *key,
                                const yaml_node_t *node, void *target, struct mu_error *err)
{
    static const char plain[] =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    static const char *const taken[] = {"/healthz", "/readyz", "/metrics", "/v1/sources"};
    const char *path = NULL;
    enum mu_status st = yaml_reader_text(reader, key->name, node, &path, err);

    if (st != MU_OK)
        return st;
    if (path[0] != '/' || strspn(path, plain) != strlen(path))
        return yaml_reader_wrong(reader, node, key->name,
                                 "must begin with a slash and hold only a-z A-Z 0-9 - . _ ~ /",
                                 err);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        if (mu_text_equal(path, taken[i]))
            return yaml_reader_wrong(reader, node, key->name, "is a path of the service itself",
                                     err);
    source_of(target)->path = path;
    return MU_OK;
}

static enum mu_status read_url(struct yaml_reader *reader, const struct yaml_key *key,
                               const yaml_node_t *node, void *target, struct mu_error *err)
{
    const char *url = NULL;
    enum mu_status st = yaml_reader_text(reader, key->name, node, &url, err);

    if (st != MU_OK)
        return st;
    source_of(target)->url = url;
    if (mu_text_starts(url, "unix:///") || mu_text_starts(url, "tcp://"))
        return MU_OK; /* finish_opened knows whether the kind has these */
    if (!mu_text_starts(url, "https://") && !mu_text_starts(url, "http://"))
        return yaml_reader_wrong(reader, node, key->name, "must begin with https:// or http://",
                                 err);
    if (mu_text_ends(url, "/") || strpbrk(url, "?# "))
        return yaml_reader_wrong(reader, node, key->name,
                                 "must end with host, port or path, and without a slash", err);
    return MU_OK;
}

/* Host names that may ask whether they may send (CloudEvents webhooks). */
static enum mu_status read_origins(struct yaml_reader *reader, const struct yaml_key *key,
                                   const yaml_node_t *node, void *target, struct mu_error *err)
{
    struct source_config *source = source_of(target);
    size_t count = 0;

    if (node->type != YAML_SEQUENCE_NODE)
        return yaml_reader_wrong(reader, node, key->name, "must be a list", err);
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        enum mu_status st;

        if (count == SOURCE_MAX_ORIGINS)
            return yaml_reader_wrong(reader, node, key->name, "holds too many names", err);
        st = yaml_reader_text(reader, key->name, yaml_document_get_node(reader->document, *item),
                              &source->origins[count], err);
        if (st != MU_OK)
            return st;
        count++;
    }
    source->origin_count = count;
    source->origins_told = true;
    return MU_OK;
}

static enum mu_status read_repositories(struct yaml_reader *reader, const struct yaml_key *key,
                                        const yaml_node_t *node, void *target, struct mu_error *err)
{
    return listing_config_repositories(reader, key, node, source_of(target), err);
}

static enum mu_status read_interval(struct yaml_reader *reader, const struct yaml_key *key,
                                    const yaml_node_t *node, void *target, struct mu_error *err)
{
    return listing_config_interval(reader, key, node, source_of(target), err);
}

static enum mu_status keep_auth(struct yaml_reader *reader, const struct yaml_key *key,
                                const yaml_node_t *node, void *target, struct mu_error *err)
{
    (void)reader, (void)key, (void)err;
    ((struct source_reading *)target)->auth = node;
    return MU_OK;
}

/* ---- limits and health ---- */

struct number_form {
    enum mu_option_type type;
    int64_t min, max;
    const char *expectation;
};

static enum mu_status read_number(struct yaml_reader *reader, const struct yaml_key *key,
                                  const yaml_node_t *node, const struct number_form *form,
                                  int64_t *ret_number, struct mu_error *err)
{
    const char *text = NULL;
    int64_t number = 0;
    enum mu_status st = yaml_reader_text(reader, key->name, node, &text, err);

    if (st != MU_OK)
        return st;
    if (!mu_option_number(form->type, text, &number) || number < form->min || number > form->max)
        return yaml_reader_wrong(reader, node, key->name, form->expectation, err);
    *ret_number = number;
    return MU_OK;
}

static enum mu_status read_silent_after(struct yaml_reader *reader, const struct yaml_key *key,
                                        const yaml_node_t *node, void *target, struct mu_error *err)
{
    static const struct number_form form = {
            MU_OPTION_DURATION_MS, 0, INT64_C(366) * 24 * 3600 * 1000,
            "must be a duration such as 6h, at most 366d; 0 is never"};
    struct source_config *source = source_of(target);
    enum mu_status st = read_number(reader, key, node, &form, &source->silent_after_ms, err);

    if (st == MU_OK && source->silent_after_ms == 0)
        source->silent_after_ms = SOURCE_NEVER_SILENT;
    return st;
}

static enum mu_status read_max_requests(struct yaml_reader *reader, const struct yaml_key *key,
                                        const yaml_node_t *node, void *target, struct mu_error *err)
{
    static const struct number_form form = {MU_OPTION_INT, 1, 1000000,
                                            "must be a number from 1 to 1000000"};
    struct source_config *source = source_of(target);
    int64_t per_second = 0;
    enum mu_status st = read_number(reader, key, node, &form, &per_second, err);

    if (st != MU_OK)
        return st;
    source->rate = mu_arena_alloc(reader->arena, sizeof(*source->rate));
    if (!source->rate)
        return yaml_reader_nomem(reader, err);
    source->rate->per_second = per_second;
    return MU_OK;
}

static enum mu_status read_max_body(struct yaml_reader *reader, const struct yaml_key *key,
                                    const yaml_node_t *node, void *target, struct mu_error *err)
{
    static const struct number_form form = {MU_OPTION_BYTES, 1024, SOURCE_MAX_BODY_BYTES,
                                            "must be a size from 1KiB to 4MiB"};

    return read_number(reader, key, node, &form, &source_of(target)->max_body_bytes, err);
}

#define TEXT(member) read_text, offsetof(struct source_config, member)

static const struct yaml_key source_keys[] = {
        {"name", read_name, 0, NULL},
        {"kind", read_kind, 0, NULL},
        {"path", read_path, 0, "webhook"},
        {"auth", keep_auth, 0, "webhook listing"},
        {"handshake_origins", read_origins, 0, "webhook"},
        {"registry", TEXT(registry), NULL},
        {"repository_aliases", read_aliases, 0, NULL},
        {"cluster", TEXT(cluster), "watch stream"},
        {"url", read_url, 0, "watch stream listing"},
        {"token_file", TEXT(token_file), "watch stream listing"},
        {"ca_file", TEXT(ca_file), "watch stream listing"},
        {"kubeconfig", TEXT(kubeconfig), "watch"},
        {"context", TEXT(context), "watch"},
        {"in_cluster", read_bool, offsetof(struct source_config, in_cluster), "watch"},
        {"service_account", TEXT(service_account), "watch"},
        {"client_cert_file", TEXT(client_cert_file), "stream"},
        {"client_key_file", TEXT(client_key_file), "stream"},
        {"page_limit", read_page_limit, 0, "watch"},
        {"username", TEXT(username), "listing"},
        {"password_file", TEXT(password_file), "listing"},
        {"repositories", read_repositories, 0, "listing"},
        {"interval", read_interval, 0, "listing"},
        {"tags_per_page", read_page_limit, 0, "listing"},
        {"silent_after", read_silent_after, 0, NULL},
        {"max_requests_per_second", read_max_requests, 0, "webhook"},
        {"max_body_bytes", read_max_body, 0, "webhook"},
};
enum { SOURCE_KEYS = sizeof(source_keys) / sizeof(source_keys[0]) };

/* ---- a whole source ---- */

/* Whether a transport is among those of a row, which are parted by blanks. */
static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (; words; words = strchr(words, ' ') ? strchr(words, ' ') + 1 : NULL)
        if (strncmp(words, word, len) == 0 && (words[len] == ' ' || words[len] == '\0'))
            return true;
    return false;
}

/* An option that the source's kind would never look at is a mistake. */
static enum mu_status check_transport(const struct yaml_reader *reader,
                                      const struct source_kind *kind, const yaml_node_t *node,
                                      struct mu_error *err)
{
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
        const char *name = (const char *)key->data.scalar.value;

        for (size_t i = 0; i < SOURCE_KEYS; i++)
            if (mu_text_equal(source_keys[i].name, name) && source_keys[i].group &&
                !has_word(source_keys[i].group, kind->transport))
                return mu_fail(err, MU_E_INVALID, "%s:%zu: '%s' is no option of kind '%s'",
                               reader->path, yaml_reader_line(key), name, kind->name);
    }
    return MU_OK;
}

/* A cluster is reached in one of three ways, each with options of its own. */
static enum mu_status check_access(const struct yaml_reader *reader,
                                   const struct source_config *source, const yaml_node_t *node,
                                   struct mu_error *err)
{
    const struct {
        const char *way;
        bool is_given;
        const char *belonging[2], *given[2];
    } ways[] = {
            {"url",
             source->url != NULL,
             {"token_file", "ca_file"},
             {source->token_file, source->ca_file}},
            {"kubeconfig", source->kubeconfig != NULL, {"context", NULL}, {source->context, NULL}},
            {"in_cluster",
             source->in_cluster,
             {"service_account", NULL},
             {source->service_account, NULL}},
    };
    size_t count = 0;

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        count += ways[i].is_given;
        for (size_t j = 0; j < 2; j++)
            if (ways[i].given[j] && !ways[i].is_given)
                return mu_fail(err, MU_E_INVALID, "%s:%zu: '%s' goes only with '%s'", reader->path,
                               yaml_reader_line(node), ways[i].belonging[j], ways[i].way);
    }
    if (count == 1)
        return MU_OK;
    return yaml_reader_wrong(reader, node, "url",
                             count == 0 ? "is missing; or give 'kubeconfig', or 'in_cluster: true'"
                                        : "and 'kubeconfig' and 'in_cluster' exclude each other",
                             err);
}

/* Sockets and tcp:// are how Docker engines are named; tokens are Nomad's. */
static enum mu_status check_stream(const struct yaml_reader *reader,
                                   const struct source_config *source, const yaml_node_t *node,
                                   struct mu_error *err)
{
    bool is_nomad = mu_text_equal(source->kind->name, "nomad");

    if (!source->url)
        return yaml_reader_wrong(reader, node, "url", "is missing", err);
    if (source->token_file && !is_nomad)
        return yaml_reader_wrong(reader, node, "token_file", "is no option of a Docker engine",
                                 err);
    if (!source->client_cert_file != !source->client_key_file)
        return yaml_reader_wrong(reader, node,
                                 source->client_cert_file ? "client_key_file" : "client_cert_file",
                                 "is missing: a certificate and its key belong together", err);
    if (is_nomad && mu_text_starts(source->url, "tcp://"))
        return yaml_reader_wrong(reader, node, "url",
                                 "must begin with https://, http:// or unix:///", err);
    if (mu_text_starts(source->url, "tcp://") && strpbrk(source->url + strlen("tcp://"), "/?# @"))
        return yaml_reader_wrong(reader, node, "url", "must be tcp://HOST:PORT", err);
    if (mu_text_starts(source->url, "unix://") &&
        strlen(source->url + strlen("unix://")) > SOCKET_PATH_MAX)
        return yaml_reader_wrong(reader, node, "url",
                                 "names a socket whose path is longer than 107 bytes", err);
    return MU_OK;
}

/* Of what ingest opens itself: watches and streams. */
static enum mu_status finish_opened(const struct yaml_reader *reader, struct source_config *source,
                                    const yaml_node_t *node, struct mu_error *err)
{
    if (!source->cluster)
        return yaml_reader_wrong(reader, node, "cluster", "is missing", err);
    if (mu_text_equal(source->kind->transport, "stream"))
        return check_stream(reader, source, node, err);
    if (source->url && !mu_text_starts(source->url, "http"))
        return yaml_reader_wrong(reader, node, "url", "must begin with https:// or http://", err);
    if (source->page_limit == 0)
        source->page_limit = PAGE_LIMIT_DEFAULT;
    return check_access(reader, source, node, err);
}

static enum mu_status finish_listing(struct yaml_reader *reader, struct source_reading *reading,
                                     const yaml_node_t *node, struct mu_error *err)
{
    struct source_config *source = reading->source;

    source->path = mu_arena_printf(reader->arena, "/v1/sources/%s/list", source->name);
    if (!source->path)
        return yaml_reader_nomem(reader, err);
    if (listing_config_finish(reader, node, source, err) != MU_OK)
        return err->status;
    return reading->auth ? auth_config_read(reader, reading->auth, source, err) : MU_OK;
}

static enum mu_status finish_webhook(struct yaml_reader *reader, struct source_reading *reading,
                                     struct mu_error *err)
{
    struct source_config *source = reading->source;

    if (!source->path)
        source->path = mu_arena_printf(reader->arena, "/v1/sources/%s", source->name);
    if (!source->path)
        return yaml_reader_nomem(reader, err);
    if (!source->origins_told && source->kind->handshake_origin)
        source->origins[source->origin_count++] = source->kind->handshake_origin;
    return reading->auth ? auth_config_read(reader, reading->auth, source, err) : MU_OK;
}

static enum mu_status finish_source(struct yaml_reader *reader, struct source_reading *reading,
                                    const yaml_node_t *node, struct mu_error *err)
{
    struct source_config *source = reading->source;

    if (!source->name)
        return yaml_reader_wrong(reader, node, "name", "is missing", err);
    if (!source->kind)
        return yaml_reader_wrong(reader, node, "kind", "is missing", err);
    if (check_transport(reader, source->kind, node, err) != MU_OK)
        return err->status;
    if (mu_text_equal(source->kind->transport, "listing"))
        return finish_listing(reader, reading, node, err);
    return mu_text_equal(source->kind->transport, "webhook")
                   ? finish_webhook(reader, reading, err)
                   : finish_opened(reader, source, node, err);
}

/* No two sources with one name or one path. */
static enum mu_status check_unique(const struct yaml_reader *reader,
                                   const struct ingest_config *config, const yaml_node_t *node,
                                   struct mu_error *err)
{
    const struct source_config *last = &config->sources[config->source_count];

    for (size_t i = 0; i < config->source_count; i++) {
        if (mu_text_equal(config->sources[i].name, last->name))
            return yaml_reader_wrong(reader, node, last->name, "is the name of two sources", err);
        if (last->path && mu_text_equal(config->sources[i].path, last->path))
            return yaml_reader_wrong(reader, node, last->path, "is the path of two sources", err);
    }
    return MU_OK;
}

static enum mu_status read_source(struct yaml_reader *reader, const yaml_node_t *node,
                                  struct ingest_config *config, struct mu_error *err)
{
    struct source_reading reading = {.source = &config->sources[config->source_count]};
    enum mu_status st =
            yaml_reader_mapping(reader, "source", node, source_keys, SOURCE_KEYS, &reading, err);

    if (st == MU_OK)
        st = finish_source(reader, &reading, node, err);
    if (st == MU_OK)
        st = yaml_reader_fingerprint(reader, node, &reading.source->fingerprint, err);
    return st == MU_OK ? check_unique(reader, config, node, err) : st;
}

static enum mu_status read_sources(struct yaml_reader *reader, const struct yaml_key *key,
                                   const yaml_node_t *node, void *target, struct mu_error *err)
{
    struct ingest_config *config = target;

    if (node->type != YAML_SEQUENCE_NODE)
        return yaml_reader_wrong(reader, node, key->name, "must be a list", err);
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        enum mu_status st;

        if (config->source_count == SOURCES_MAX)
            return yaml_reader_wrong(reader, node, key->name, "holds too many sources", err);
        st = read_source(reader, yaml_document_get_node(reader->document, *item), config, err);
        if (st != MU_OK)
            return st;
        config->source_count++;
    }
    return MU_OK;
}

enum mu_status ingest_config_parse(const char *path, const char *bytes, size_t len,
                                   struct mu_arena *arena, struct ingest_config *ret_config,
                                   struct mu_error *err)
{
    static const struct yaml_key top_keys[] = {{"sources", read_sources, 0, NULL}};
    yaml_document_t document;
    struct yaml_reader reader = {.path = path, .arena = arena, .document = &document};
    struct ingest_config config = {.source_count = 0};
    const yaml_node_t *root;
    enum mu_status st = yaml_reader_load(path, bytes, len, &document, err);

    if (st != MU_OK)
        return st;
    config.sources = mu_arena_alloc(arena, SOURCES_MAX * sizeof(struct source_config));
    root = yaml_document_get_root_node(&document);
    if (!config.sources)
        st = yaml_reader_nomem(&reader, err);
    else if (!root)
        st = mu_fail(err, MU_E_INVALID, "%s: is empty", path);
    else
        st = yaml_reader_mapping(&reader, path, root, top_keys, 1, &config, err);
    yaml_document_delete(&document);
    if (st == MU_OK && config.source_count == 0)
        st = mu_fail(err, MU_E_INVALID, "%s: no sources", path);
    if (st == MU_OK)
        *ret_config = config;
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
