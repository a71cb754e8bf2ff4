#include "watch/kube_access.h"

#include "watch/kube_config.h"

#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { TOKEN_MAX_BYTES = 64 * 1024, KUBECONFIG_MAX_BYTES = 4 * 1024 * 1024 };

static const char service_account_folder[] = "/var/run/secrets/kubernetes.io/serviceaccount";

static enum mu_status no_memory(struct mu_error *err)
{
    return mu_fail(err, MU_E_NOMEM, "out of memory");
}

enum mu_status kube_access_bearer_file(const char *path, struct mu_arena *arena,
                                       const char **ret_authorization, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf token;
    const char *authorization;
    enum mu_status st;

    mu_buf_init(&token, TOKEN_MAX_BYTES);
    st = mu_file_read(path, &token, err);
    if (st != MU_OK)
        return st;
    while (token.len > 0 && strchr("\r\n\t ", token.data[token.len - 1]))
        token.data[--token.len] = '\0';
    if (token.len == 0)
        return mu_fail(err, MU_E_INVALID, "'%s' holds no token", path);
    authorization = mu_arena_printf(arena, "Bearer %s", token.data);
    explicit_bzero(token.data, token.len);
    if (!authorization)
        return no_memory(err);
    *ret_authorization = authorization;
    return MU_OK;
}

static enum mu_status read_by_url(const struct source_config *source, struct mu_arena *arena,
                                  struct kube_access *access, struct mu_error *err)
{
    *access = (struct kube_access){.url = source->url, .ca_file = source->ca_file};
    return source->token_file
                   ? kube_access_bearer_file(source->token_file, arena, &access->authorization, err)
                   : MU_OK;
}

static enum mu_status read_in_cluster(const struct source_config *source, struct mu_arena *arena,
                                      struct kube_access *access, struct mu_error *err)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    const char *folder = source->service_account ? source->service_account : service_account_folder;
    const char *token = mu_arena_printf(arena, "%s/token", folder);
    bool bare_ipv6 = host && strchr(host, ':') && host[0] != '[';

    if (!host || !*host || !port || !*port)
        return mu_fail(err, MU_E_INVALID,
                       "KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is not set: this is no "
                       "pod of a cluster; use 'kubeconfig' or 'url'");
    *access = (struct kube_access){
            .url = mu_arena_printf(arena, bare_ipv6 ? "https://[%s]:%s" : "https://%s:%s", host,
                                   port),
            .ca_file = mu_arena_printf(arena, "%s/ca.crt", folder)};
    if (!access->url || !access->ca_file || !token)
        return no_memory(err);
    return kube_access_bearer_file(token, arena, &access->authorization, err);
}

static enum mu_status read_kubeconfig(const struct source_config *source, struct mu_arena *arena,
                                      struct kube_access *access, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, KUBECONFIG_MAX_BYTES);
    st = mu_file_read(source->kubeconfig, &bytes, err);
    if (st == MU_OK)
        st = kube_config_parse(source->kubeconfig, bytes.data, bytes.len, source->context, arena,
                               access, err);
    explicit_bzero(bytes.data, bytes.len);
    return st;
}

enum mu_status kube_access_read(const struct source_config *source, struct mu_arena *arena,
                                struct kube_access *ret_access, struct mu_error *err)
{
    struct kube_access access;
    enum mu_status st;

    if (source->kubeconfig)
        st = read_kubeconfig(source, arena, &access, err);
    else if (source->in_cluster)
        st = read_in_cluster(source, arena, &access, err);
    else
        st = read_by_url(source, arena, &access, err);
    if (st != MU_OK)
        return mu_wrap(err, "access to the cluster");
    *ret_access = access;
    return MU_OK;
}
