#include "watch/kube_config.h"

#include "yaml/yaml_reader.h"

#include "base/text.h"

#include <string.h>

enum { TEXT_MAX_BYTES = 1024 * 1024, PEM_MAX_BYTES = 1024 * 1024 };

struct reader {
    const char *path;
    struct mu_arena *arena;
    yaml_document_t *document;
};

/* ---- YAML ---- */

static enum mu_status wrong(const struct reader *reader, const yaml_node_t *node, const char *what,
                            const char *why, struct mu_error *err)
{
    return mu_fail(err, MU_E_INVALID, "%s:%zu: '%s' %s", reader->path, node->start_mark.line + 1,
                   what, why);
}

/* The member's value; NULL when it is absent or null, or `node` no mapping. The first of two. */
static const yaml_node_t *member(const struct reader *reader, const yaml_node_t *node,
                                 const char *name)
{
    if (!node || node->type != YAML_MAPPING_NODE)
        return NULL;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
        bool is_null = value->type == YAML_SCALAR_NODE &&
                       value->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                       (mu_text_equal((const char *)value->data.scalar.value, "null") ||
                        mu_text_equal((const char *)value->data.scalar.value, "~"));

        if (key->type == YAML_SCALAR_NODE &&
            mu_text_equal((const char *)key->data.scalar.value, name))
            return is_null ? NULL : value;
    }
    return NULL;
}

/* The member's text in the arena; NULL when it is absent or empty. */
static enum mu_status text_member(const struct reader *reader, const yaml_node_t *node,
                                  const char *name, const char **ret_text, struct mu_error *err)
{
    const yaml_node_t *value = member(reader, node, name);
    const char *text;

    *ret_text = NULL;
    if (!value)
        return MU_OK;
    if (value->type != YAML_SCALAR_NODE)
        return wrong(reader, value, name, "must be a text", err);
    text = (const char *)value->data.scalar.value;
    if (strlen(text) != value->data.scalar.length)
        return wrong(reader, value, name, "holds a NUL", err);
    if (value->data.scalar.length > TEXT_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "%s: '%s' is longer than %d bytes", reader->path, name,
                       TEXT_MAX_BYTES);
    if (!*text)
        return MU_OK;
    *ret_text = mu_arena_strdup(reader->arena, text);
    return *ret_text ? MU_OK : mu_fail(err, MU_E_NOMEM, "%s: out of memory", reader->path);
}

/* The `inner` mapping of the entry called `name` in the list `list`. */
static enum mu_status entry_of(const struct reader *reader, const char *list, const char *inner,
                               const char *name, const yaml_node_t **ret_entry,
                               struct mu_error *err)
{
    const yaml_node_t *root = yaml_document_get_root_node(reader->document);
    const yaml_node_t *entries = member(reader, root, list), *found;

    if (!entries || entries->type != YAML_SEQUENCE_NODE)
        return mu_fail(err, MU_E_INVALID, "%s: '%s' is missing or no list", reader->path, list);
    for (const yaml_node_item_t *item = entries->data.sequence.items.start;
         item < entries->data.sequence.items.top; item++) {
        const yaml_node_t *entry = yaml_document_get_node(reader->document, *item);
        const yaml_node_t *entry_name = member(reader, entry, "name");

        if (!entry_name || entry_name->type != YAML_SCALAR_NODE ||
            !mu_text_equal((const char *)entry_name->data.scalar.value, name))
            continue;
        found = member(reader, entry, inner);
        if (!found || found->type != YAML_MAPPING_NODE)
            return wrong(reader, entry, inner, "is missing or no mapping", err);
        *ret_entry = found;
        return MU_OK;
    }
    return mu_fail(err, MU_E_NOT_FOUND, "%s: '%s' has none named '%.200s'", reader->path, list,
                   name);
}

/* ---- what is not supported ---- */

struct refused {
    const char *name, *why;
};

static const struct refused refused_of_user[] = {
        {"exec", "runs a program for each token, which is not done here: give ingest a service "
                 "account of its own, and its token as 'tokenFile', or 'url' with 'token_file'"},
        {"auth-provider",
         "was removed from Kubernetes 1.26: use a service account's token as 'tokenFile'"},
        {"as", "impersonates somebody, which is not supported: use that user's own credentials"},
        {"as-uid", "impersonates somebody, which is not supported"},
        {"as-groups", "impersonates somebody, which is not supported"},
        {"as-user-extra", "impersonates somebody, which is not supported"},
};

static const struct refused refused_of_cluster[] = {
        {"insecure-skip-tls-verify",
         "would let anybody answer for the cluster: give its CA as 'certificate-authority'"},
        {"tls-server-name",
         "is not supported: use a 'server' whose name is in the API server's certificate"},
        {"proxy-url", "is not supported: set the environment variable HTTPS_PROXY"},
};

static enum mu_status refuse(const struct reader *reader, const yaml_node_t *node,
                             const struct refused *rows, size_t count, struct mu_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *value = member(reader, node, rows[i].name);

        if (!value || (value->type == YAML_SCALAR_NODE &&
                       (value->data.scalar.length == 0 ||
                        mu_text_equal((const char *)value->data.scalar.value, "false"))))
            continue;
        return wrong(reader, value, rows[i].name, rows[i].why, err);
    }
    return MU_OK;
}

/* ---- files and their texts ---- */

/* `name` as seen from the kubeconfig's folder. */
static const char *beside(const struct reader *reader, const char *name)
{
    const char *slash = strrchr(reader->path, '/');

    if (!name || name[0] == '/' || !slash)
        return name;
    return mu_arena_printf(reader->arena, "%.*s/%s", (int)(slash - reader->path), reader->path,
                           name);
}

static enum mu_status decode_pem(const struct reader *reader, const char *name, const char *base64,
                                 const char **ret_pem, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pem;
    enum mu_status st;

    mu_buf_init(&pem, PEM_MAX_BYTES);
    st = mu_base64_decode(base64, strlen(base64), &pem, err);
    if (st != MU_OK)
        return mu_wrap(err, "%s: '%s'", reader->path, name);
    if (strlen(pem.data) != pem.len || !strstr(pem.data, "-----BEGIN "))
        return mu_fail(err, MU_E_INVALID, "%s: '%s' is not base64 of a PEM", reader->path, name);
    *ret_pem = mu_arena_strndup(reader->arena, pem.data, pem.len);
    explicit_bzero(pem.data, pem.len);
    return *ret_pem ? MU_OK : mu_fail(err, MU_E_NOMEM, "%s: out of memory", reader->path);
}

/* `NAME-data`, which wins, or the file `NAME`. */
static enum mu_status read_pem(const struct reader *reader, const yaml_node_t *node,
                               const char *name, const char *data_name, const char **ret_file,
                               const char **ret_pem, struct mu_error *err)
{
    const char *data = NULL, *file = NULL;
    enum mu_status st = text_member(reader, node, data_name, &data, err);

    if (st == MU_OK && data)
        return decode_pem(reader, data_name, data, ret_pem, err);
    if (st == MU_OK)
        st = text_member(reader, node, name, &file, err);
    *ret_file = beside(reader, file);
    if (st == MU_OK && file && !*ret_file)
        return mu_fail(err, MU_E_NOMEM, "%s: out of memory", reader->path);
    return st;
}

/* ---- cluster and user ---- */

static enum mu_status read_server(const struct reader *reader, const yaml_node_t *cluster,
                                  struct kube_access *access, struct mu_error *err)
{
    const char *server = NULL;
    enum mu_status st = text_member(reader, cluster, "server", &server, err);
    size_t len;

    if (st != MU_OK)
        return st;
    if (!server)
        return wrong(reader, cluster, "server", "is missing", err);
    if ((!mu_text_starts(server, "https://") && !mu_text_starts(server, "http://")) ||
        strpbrk(server, "?#@ \r\n") || strchr("/", strchr(server, ':')[3]))
        return wrong(reader, member(reader, cluster, "server"), "server",
                     "must be https://host[:port][/path]", err);
    len = strlen(server);
    while (len > 0 && server[len - 1] == '/')
        len--;
    access->url = mu_arena_strndup(reader->arena, server, len);
    return access->url ? MU_OK : mu_fail(err, MU_E_NOMEM, "%s: out of memory", reader->path);
}

static enum mu_status read_cluster(const struct reader *reader, const char *name,
                                   struct kube_access *access, struct mu_error *err)
{
    const yaml_node_t *cluster = NULL;
    enum mu_status st = entry_of(reader, "clusters", "cluster", name, &cluster, err);

    if (st == MU_OK)
        st = refuse(reader, cluster, refused_of_cluster,
                    sizeof(refused_of_cluster) / sizeof(refused_of_cluster[0]), err);
    if (st == MU_OK)
        st = read_server(reader, cluster, access, err);
    if (st == MU_OK)
        st = read_pem(reader, cluster, "certificate-authority", "certificate-authority-data",
                      &access->ca_file, &access->ca_pem, err);
    return st;
}

static enum mu_status read_certificate(const struct reader *reader, const yaml_node_t *user,
                                       struct kube_access *access, struct mu_error *err)
{
    enum mu_status st = read_pem(reader, user, "client-certificate", "client-certificate-data",
                                 &access->client_cert_file, &access->client_cert_pem, err);

    if (st == MU_OK)
        st = read_pem(reader, user, "client-key", "client-key-data", &access->client_key_file,
                      &access->client_key_pem, err);
    if (st == MU_OK && (access->client_cert_file || access->client_cert_pem) !=
                               (access->client_key_file || access->client_key_pem))
        return wrong(reader, user, "client-certificate", "and 'client-key' go together", err);
    return st;
}

static enum mu_status set_basic(const struct reader *reader, const char *username,
                                const char *password, struct kube_access *access,
                                struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf plain, header;

    mu_buf_init(&plain, TEXT_MAX_BYTES);
    mu_buf_init(&header, 2 * TEXT_MAX_BYTES);
    mu_buf_printf(&plain, "%s:%s", username, password ? password : "");
    mu_buf_puts(&header, "Basic ");
    mu_base64_encode(plain.data, plain.len, &header);
    if (mu_buf_status(&plain, "username and password", err) != MU_OK)
        return err->status;
    access->authorization = mu_arena_strndup(reader->arena, header.data, header.len);
    return access->authorization ? MU_OK
                                 : mu_fail(err, MU_E_NOMEM, "%s: out of memory", reader->path);
}

/* As client-go: a token file before a token, a token before a password. */
static enum mu_status read_authorization(const struct reader *reader, const yaml_node_t *user,
                                         struct kube_access *access, struct mu_error *err)
{
    const char *file = NULL, *token = NULL, *username = NULL, *password = NULL;
    enum mu_status st = text_member(reader, user, "tokenFile", &file, err);

    if (st == MU_OK)
        st = text_member(reader, user, "token", &token, err);
    if (st == MU_OK)
        st = text_member(reader, user, "username", &username, err);
    if (st == MU_OK)
        st = text_member(reader, user, "password", &password, err);
    if (st != MU_OK)
        return st;
    if (file) {
        file = beside(reader, file);
        return file ? kube_access_bearer_file(file, reader->arena, &access->authorization, err)
                    : mu_fail(err, MU_E_NOMEM, "%s: out of memory", reader->path);
    }
    if (!token)
        return username ? set_basic(reader, username, password, access, err) : MU_OK;
    access->authorization = mu_arena_printf(reader->arena, "Bearer %s", token);
    return access->authorization ? MU_OK
                                 : mu_fail(err, MU_E_NOMEM, "%s: out of memory", reader->path);
}

static enum mu_status read_user(const struct reader *reader, const char *name,
                                struct kube_access *access, struct mu_error *err)
{
    const yaml_node_t *user = NULL;
    enum mu_status st = entry_of(reader, "users", "user", name, &user, err);

    if (st == MU_OK)
        st = refuse(reader, user, refused_of_user,
                    sizeof(refused_of_user) / sizeof(refused_of_user[0]), err);
    if (st == MU_OK)
        st = read_certificate(reader, user, access, err);
    return st == MU_OK ? read_authorization(reader, user, access, err) : st;
}

static enum mu_status read_context(const struct reader *reader, const char *name,
                                   struct kube_access *access, struct mu_error *err)
{
    const yaml_node_t *context = NULL;
    const char *cluster = NULL, *user = NULL;
    enum mu_status st = entry_of(reader, "contexts", "context", name, &context, err);

    if (st == MU_OK)
        st = text_member(reader, context, "cluster", &cluster, err);
    if (st == MU_OK)
        st = text_member(reader, context, "user", &user, err);
    if (st == MU_OK && !cluster)
        st = wrong(reader, context, "cluster", "is missing", err);
    if (st == MU_OK)
        st = read_cluster(reader, cluster, access, err);
    return st == MU_OK && user ? read_user(reader, user, access, err) : st;
}

static enum mu_status read_document(const struct reader *reader, const char *context,
                                    struct kube_access *access, struct mu_error *err)
{
    const yaml_node_t *root = yaml_document_get_root_node(reader->document);
    enum mu_status st = MU_OK;

    if (!root || root->type != YAML_MAPPING_NODE)
        return mu_fail(err, MU_E_INVALID, "%s: is no kubeconfig", reader->path);
    if (!context)
        st = text_member(reader, root, "current-context", &context, err);
    if (st == MU_OK && !context)
        return mu_fail(err, MU_E_INVALID,
                       "%s: has no current-context: name one with the option 'context'",
                       reader->path);
    return st == MU_OK ? read_context(reader, context, access, err) : st;
}

enum mu_status kube_config_parse(const char *path, const char *bytes, size_t len,
                                 const char *context, struct mu_arena *arena,
                                 struct kube_access *ret_access, struct mu_error *err)
{
    yaml_document_t document;
    struct reader reader = {path, arena, &document};
    struct kube_access access = {0};
    enum mu_status st = yaml_reader_load(path, bytes, len, &document, err);

    if (st != MU_OK)
        return st;
    st = read_document(&reader, context, &access, err);
    yaml_document_delete(&document);
    if (st == MU_OK)
        *ret_access = access;
    return st;
}
