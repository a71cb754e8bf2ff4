#include "config/auth_config.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { SECRET_MAX_BYTES = 4096, KEY_SET_MAX_BYTES = 256 * 1024, NAME_MAX_BYTES = 128 };

/* The ways that are a secret; the order of the rules. */
enum secret_way { WAY_BEARER, WAY_BASIC, WAY_HEADER, WAY_HMAC, WAY_URL, WAY_COUNT };

static const struct {
    const char *name;
    unsigned kinds; /* enum source_auth */
} ways[WAY_COUNT] = {
        [WAY_BEARER] = {"bearer", SOURCE_AUTH_BEARER},
        [WAY_BASIC] = {"basic", SOURCE_AUTH_BASIC},
        [WAY_HEADER] = {"header", SOURCE_AUTH_HEADER},
        [WAY_HMAC] = {"hmac", SOURCE_AUTH_HMAC_SHA256 | SOURCE_AUTH_HMAC_SHA1},
        [WAY_URL] = {"url", SOURCE_AUTH_URL},
};

struct secret {
    const char *text;
    const yaml_node_t *node; /* that led to it */
    const char *key;
};

struct way_secrets {
    struct secret current, previous;
};

/* The mapping while it is read. */
struct reading {
    struct way_secrets secrets[WAY_COUNT];
    const char *header, *parameter, *key_ca_file;
    struct auth_rule jwt, sns, mtls;
    const yaml_node_t *jwt_node, *sns_node, *mtls_node;
};

/* ---- secrets ---- */

static enum mu_status keep_secret(struct yaml_reader *reader, const struct yaml_key *key,
                                  const yaml_node_t *node, const char *text, size_t len,
                                  void *target, struct mu_error *err)
{
    struct secret *secret = (struct secret *)(void *)((char *)target + key->offset);

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    if (len == 0)
        return yaml_reader_wrong(reader, node, key->name, "leads to an empty secret", err);
    if (memchr(text, '\0', len))
        return yaml_reader_wrong(reader, node, key->name, "leads to a secret with a NUL", err);
    if (secret->text)
        return yaml_reader_wrong(reader, node, key->name,
                                 "is one secret too many: two may be valid at once", err);
    *secret = (struct secret){mu_arena_strndup(reader->arena, text, len), node, key->name};
    return secret->text ? MU_OK : yaml_reader_nomem(reader, err);
}

static enum mu_status read_secret_file(struct yaml_reader *reader, const struct yaml_key *key,
                                       const yaml_node_t *node, void *target, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    const char *file = NULL;
    enum mu_status st = yaml_reader_text(reader, key->name, node, &file, err);

    mu_buf_init(&text, SECRET_MAX_BYTES);
    if (st == MU_OK)
        st = mu_file_read(file, &text, err);
    if (st != MU_OK)
        return mu_wrap(err, "%s:%zu: '%s'", reader->path, yaml_reader_line(node), key->name);
    st = keep_secret(reader, key, node, text.data, text.len, target, err);
    explicit_bzero(text.data, text.len);
    return st;
}

static enum mu_status read_secret_env(struct yaml_reader *reader, const struct yaml_key *key,
                                      const yaml_node_t *node, void *target, struct mu_error *err)
{
    const char *name = NULL, *text;
    enum mu_status st = yaml_reader_text(reader, key->name, node, &name, err);

    if (st != MU_OK)
        return st;
    text = getenv(name);
    if (!text)
        return yaml_reader_wrong(reader, node, key->name, "names a variable that is not set", err);
    if (strlen(text) > SECRET_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "%s:%zu: '%s' leads to more than %d bytes", reader->path,
                       yaml_reader_line(node), key->name, SECRET_MAX_BYTES);
    return keep_secret(reader, key, node, text, strlen(text), target, err);
}

/* ---- jwt, sns, mtls ---- */

static bool is_loopback(const char *url)
{
    static const char *const hosts[] = {"http://127.0.0.1", "http://[::1]", "http://localhost"};

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        if (mu_text_starts(url, hosts[i]) && strchr(":/", url[strlen(hosts[i])]))
            return true;
    return false;
}

/* "arn:PARTITION:sns:REGION:ACCOUNT:NAME" */
static bool is_topic_arn(const char *text)
{
    const char *at = mu_text_starts(text, "arn:") ? strchr(text + 4, ':') : NULL;
    int colons = 0;

    if (!at || !mu_text_starts(at, ":sns:"))
        return false;
    for (at += 4; *at; at++)
        colons += *at == ':';
    return colons == 3 && text[strlen(text) - 1] != ':';
}

static enum mu_status drop_key(void *opaque, const char *kid, struct mu_public_key *key,
                               struct mu_error *err)
{
    (void)kid, (void)err;
    mu_public_key_free(key);
    ++*(size_t *)opaque;
    return MU_OK;
}

/* The key ring reads it again; a mistake in it is told here, with the line. */
static enum mu_status check_key_set(const char *file, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    size_t count = 0;
    enum mu_status st;

    mu_buf_init(&bytes, KEY_SET_MAX_BYTES);
    st = mu_file_read(file, &bytes, err);
    if (st == MU_OK)
        st = mu_jwks_read(bytes.data, bytes.len, drop_key, &count, err);
    if (st == MU_OK && count == 0)
        st = mu_fail(err, MU_E_INVALID, "holds no key that could be used");
    return st;
}

static enum mu_status check_jwks(struct yaml_reader *reader, const yaml_node_t *node,
                                 const struct mu_key_store_config *keys, struct mu_error *err)
{
    if (!keys->jwks_url == !keys->jwks_file)
        return yaml_reader_wrong(reader, node, "jwt", "needs either 'jwks_url' or 'jwks_file'",
                                 err);
    if (keys->jwks_url && !mu_text_starts(keys->jwks_url, "https://") &&
        !is_loopback(keys->jwks_url))
        return yaml_reader_wrong(reader, node, "jwks_url", "must begin with https://", err);
    if (keys->jwks_file && check_key_set(keys->jwks_file, err) != MU_OK)
        return mu_wrap(err, "%s:%zu: 'jwks_file'", reader->path, yaml_reader_line(node));
    return MU_OK;
}

#define RULE_TEXT(member) yaml_reader_text_member, offsetof(struct auth_rule, member), NULL

static enum mu_status read_jwt(struct yaml_reader *reader, const struct yaml_key *key,
                               const yaml_node_t *node, void *target, struct mu_error *err)
{
    static const struct yaml_key keys[] = {
            {"issuer", RULE_TEXT(issuer)},
            {"audience", RULE_TEXT(audience)},
            {"email", RULE_TEXT(email)},
            {"subject", RULE_TEXT(subject)},
            {"jwks_url", RULE_TEXT(key_config.jwks_url)},
            {"jwks_file", RULE_TEXT(key_config.jwks_file)},
    };
    struct reading *reading = target;
    struct auth_rule *rule = &reading->jwt;
    enum mu_status st = yaml_reader_mapping(reader, key->name, node, keys,
                                            sizeof(keys) / sizeof(keys[0]), rule, err);

    if (st != MU_OK)
        return st;
    if (!rule->issuer || !rule->audience)
        return yaml_reader_wrong(reader, node, rule->issuer ? "audience" : "issuer", "is missing",
                                 err);
    if (strstr(rule->issuer, "accounts.google.com") && !rule->email && !rule->subject)
        return yaml_reader_wrong(reader, node, key->name,
                                 "needs 'email' or 'subject': Google signs tokens of this audience "
                                 "for everybody",
                                 err);
    reading->jwt_node = node;
    return check_jwks(reader, node, &rule->key_config, err);
}

static enum mu_status read_sns(struct yaml_reader *reader, const struct yaml_key *key,
                               const yaml_node_t *node, void *target, struct mu_error *err)
{
    static const struct yaml_key keys[] = {
            {"topic_arn", RULE_TEXT(topic_arn)},
            {"private_network", yaml_reader_bool_member,
             offsetof(struct auth_rule, key_config.private_network), NULL},
    };
    struct reading *reading = target;
    enum mu_status st = yaml_reader_mapping(reader, key->name, node, keys,
                                            sizeof(keys) / sizeof(keys[0]), &reading->sns, err);

    if (st != MU_OK)
        return st;
    if (!reading->sns.topic_arn)
        return yaml_reader_wrong(reader, node, "topic_arn", "is missing", err);
    if (!is_topic_arn(reading->sns.topic_arn))
        return yaml_reader_wrong(reader, node, "topic_arn",
                                 "must look like arn:aws:sns:REGION:ACCOUNT:NAME", err);
    reading->sns_node = node;
    return MU_OK;
}

static enum mu_status read_mtls(struct yaml_reader *reader, const struct yaml_key *key,
                                const yaml_node_t *node, void *target, struct mu_error *err)
{
    static const struct yaml_key keys[] = {{"subject", RULE_TEXT(client_subject)}};
    struct reading *reading = target;
    enum mu_status st = yaml_reader_mapping(reader, key->name, node, keys, 1, &reading->mtls, err);

    if (st == MU_OK && !reading->mtls.client_subject)
        return yaml_reader_wrong(reader, node, "subject", "is missing", err);
    reading->mtls_node = node;
    return st;
}

/* A name of a header (RFC 9110, section 5.6.2) or of a parameter that needs no escapes. */
static enum mu_status read_name(struct yaml_reader *reader, const struct yaml_key *key,
                                const yaml_node_t *node, void *target, struct mu_error *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    const char *name = NULL;
    enum mu_status st = yaml_reader_text(reader, key->name, node, &name, err);

    if (st == MU_OK && (strlen(name) > NAME_MAX_BYTES || strspn(name, plain) != strlen(name)))
        return yaml_reader_wrong(reader, node, key->name,
                                 "must be at most 128 of a-z A-Z 0-9 - . _", err);
    if (st == MU_OK)
        *(const char **)(void *)((char *)target + key->offset) = name;
    return st;
}

/* ---- the mapping ---- */

#define SLOT(way, which) offsetof(struct reading, secrets[way].which)
#define SECRET(name, way)                                                            \
    {name "_file", read_secret_file, SLOT(way, current), NULL},                      \
            {name "_env", read_secret_env, SLOT(way, current), NULL},                \
            {"previous_" name "_file", read_secret_file, SLOT(way, previous), NULL}, \
    {                                                                                \
        "previous_" name "_env", read_secret_env, SLOT(way, previous), NULL          \
    }

static const struct yaml_key auth_keys[] = {
        SECRET("bearer", WAY_BEARER),
        SECRET("basic", WAY_BASIC),
        SECRET("header", WAY_HEADER),
        SECRET("hmac", WAY_HMAC),
        SECRET("url", WAY_URL),
        {"header", read_name, offsetof(struct reading, header), NULL},
        {"parameter", read_name, offsetof(struct reading, parameter), NULL},
        {"key_ca_file", yaml_reader_text_member, offsetof(struct reading, key_ca_file), NULL},
        {"jwt", read_jwt, 0, NULL},
        {"sns", read_sns, 0, NULL},
        {"mtls", read_mtls, 0, NULL},
};

/* ---- rules ---- */

static enum mu_status refuse_way(const struct yaml_reader *reader, const yaml_node_t *node,
                                 const char *key, const struct source_kind *kind,
                                 struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf words;

    mu_buf_init(&words, 256);
    auth_words(kind->auth, &words);
    return mu_fail(err, MU_E_INVALID, "%s:%zu: '%s' is nothing that senders of '%s' can do: %s",
                   reader->path, yaml_reader_line(node), key, kind->name, words.data);
}

static void add_rule(struct source_config *source, const struct auth_rule *rule)
{
    source->rules[source->rule_count++] = *rule;
}

/* The kinds of HMAC differ by sender. */
static enum source_auth kind_of_way(enum secret_way way, const struct source_kind *kind)
{
    if (way == WAY_HMAC && !(kind->auth & SOURCE_AUTH_HMAC_SHA256))
        return SOURCE_AUTH_HMAC_SHA1;
    return way == WAY_HMAC ? SOURCE_AUTH_HMAC_SHA256 : (enum source_auth)ways[way].kinds;
}

static struct auth_rule rule_of(const struct reading *reading, enum secret_way way,
                                const struct source_kind *kind)
{
    const char *header = reading->header ? reading->header : kind->auth_header;

    return (struct auth_rule){.kind = kind_of_way(way, kind),
                              .header = header ? header : "Authorization",
                              .prefix = kind->auth_prefix,
                              .parameter = reading->parameter ? reading->parameter : "secret"};
}

static enum mu_status add_secrets(const struct yaml_reader *reader, const struct reading *reading,
                                  enum secret_way way, struct source_config *source,
                                  struct mu_error *err)
{
    const struct secret *current = &reading->secrets[way].current;
    const struct secret *previous = &reading->secrets[way].previous;
    const struct secret *any = current->text ? current : previous;
    struct auth_rule rule = rule_of(reading, way, source->kind);

    if (!any->text)
        return MU_OK;
    if (!(source->kind->auth & ways[way].kinds))
        return refuse_way(reader, any->node, any->key, source->kind, err);
    if (!current->text)
        return yaml_reader_wrong(reader, previous->node, previous->key,
                                 "is given without a secret that follows it", err);
    for (size_t i = 0; i < 2; i++) {
        const struct secret *secret = i == 0 ? current : previous;

        if (way == WAY_BASIC && secret->text && !strchr(secret->text, ':'))
            return yaml_reader_wrong(reader, secret->node, secret->key, "leads to no USER:PASSWORD",
                                     err);
        rule.secret = secret->text;
        if (secret->text)
            add_rule(source, &rule);
    }
    return MU_OK;
}

static enum mu_status add_others(const struct yaml_reader *reader, struct reading *reading,
                                 struct source_config *source, struct mu_error *err)
{
    const struct {
        struct auth_rule *rule;
        const yaml_node_t *node;
        const char *key;
        enum source_auth kind;
    } others[] = {
            {&reading->jwt, reading->jwt_node, "jwt", SOURCE_AUTH_JWT},
            {&reading->sns, reading->sns_node, "sns", SOURCE_AUTH_SNS},
            {&reading->mtls, reading->mtls_node, "mtls", SOURCE_AUTH_MTLS},
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (!others[i].node)
            continue;
        if (!(source->kind->auth & others[i].kind))
            return refuse_way(reader, others[i].node, others[i].key, source->kind, err);
        others[i].rule->kind = others[i].kind;
        others[i].rule->key_config.ca_file = reading->key_ca_file;
        add_rule(source, others[i].rule);
    }
    return MU_OK;
}

/* What no rule looks at was meant for one. */
static enum mu_status check_used(const struct yaml_reader *reader, const struct reading *reading,
                                 const yaml_node_t *node, struct mu_error *err)
{
    const struct way_secrets *secrets = reading->secrets;
    const struct {
        const char *name;
        bool given, used;
    } options[] = {
            {"header", reading->header,
             secrets[WAY_HEADER].current.text || secrets[WAY_HMAC].current.text},
            {"parameter", reading->parameter, secrets[WAY_URL].current.text},
            {"key_ca_file", reading->key_ca_file, reading->jwt_node || reading->sns_node},
    };

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (options[i].given && !options[i].used)
            return yaml_reader_wrong(reader, node, options[i].name, "is used by no rule", err);
    return MU_OK;
}

enum mu_status auth_config_read(struct yaml_reader *reader, const yaml_node_t *node,
                                struct source_config *source, struct mu_error *err)
{
    struct reading reading = {.header = NULL};
    enum mu_status st =
            yaml_reader_mapping(reader, "auth", node, auth_keys,
                                sizeof(auth_keys) / sizeof(auth_keys[0]), &reading, err);

    source->rules = mu_arena_alloc(reader->arena, AUTH_MAX_RULES * sizeof(struct auth_rule));
    if (!source->rules)
        return yaml_reader_nomem(reader, err);
    for (size_t i = 0; st == MU_OK && i < WAY_COUNT; i++)
        st = add_secrets(reader, &reading, (enum secret_way)i, source, err);
    if (st == MU_OK)
        st = add_others(reader, &reading, source, err);
    if (st == MU_OK && source->rule_count == 0)
        return yaml_reader_wrong(reader, node, "auth", "holds no secret: everybody would be let in",
                                 err);
    return st == MU_OK ? check_used(reader, &reading, node, err) : st;
}
