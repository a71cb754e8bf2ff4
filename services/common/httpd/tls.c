#include "httpd/tls.h"

#include "base/file.h"
#include "base/memory.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

enum { PEM_MAX_BYTES = 1024 * 1024, CHAIN_MAX = 16 };

const char httpd_tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

/* ---- files ---- */

void httpd_tls_init(struct httpd_tls *tls)
{
    mu_buf_init(&tls->cert, PEM_MAX_BYTES);
    mu_buf_init(&tls->key, PEM_MAX_BYTES);
    mu_buf_init(&tls->client_ca, PEM_MAX_BYTES);
}

void httpd_tls_done(struct httpd_tls *tls)
{
    explicit_bzero(tls->key.data, tls->key.len);
    mu_buf_done(&tls->cert);
    mu_buf_done(&tls->key);
    mu_buf_done(&tls->client_ca);
}

static gnutls_datum_t datum_of(const struct mu_buf *pem)
{
    return (gnutls_datum_t){(unsigned char *)pem->data, (unsigned)pem->len};
}

static void release_credentials(gnutls_certificate_credentials_t *credentials)
{
    if (*credentials)
        gnutls_certificate_free_credentials(*credentials);
}

/* What libmicrohttpd would only say on stderr. */
static enum mu_status check(const struct mu_httpd_config *config, const struct httpd_tls *tls,
                            struct mu_error *err)
{
    MU_AUTO_DONE(release_credentials) gnutls_certificate_credentials_t credentials = NULL;
    const gnutls_datum_t cert = datum_of(&tls->cert), key = datum_of(&tls->key);
    const gnutls_datum_t client_ca = datum_of(&tls->client_ca);
    int rc = gnutls_certificate_allocate_credentials(&credentials);

    if (rc < 0)
        return mu_fail(err, MU_E_NOMEM, "TLS: %s", gnutls_strerror(rc));
    rc = gnutls_certificate_set_x509_key_mem(credentials, &cert, &key, GNUTLS_X509_FMT_PEM);
    if (rc < 0)
        return mu_fail(err, MU_E_INVALID, "TLS certificate '%s' with its key: %s",
                       config->tls_cert_file, gnutls_strerror(rc));
    if (!config->tls_client_ca_file)
        return MU_OK;
    rc = gnutls_certificate_set_x509_trust_mem(credentials, &client_ca, GNUTLS_X509_FMT_PEM);
    return rc > 0 ? MU_OK
                  : mu_fail(err, MU_E_INVALID, "client CA '%s': holds no certificate",
                            config->tls_client_ca_file);
}

enum mu_status httpd_tls_read(const struct mu_httpd_config *config, struct httpd_tls *tls,
                              struct mu_error *err)
{
    enum mu_status st;

    if (!config->tls_cert_file || !config->tls_key_file)
        return mu_fail(err, MU_E_INVALID, "TLS needs both a certificate and its key");
    st = mu_file_read(config->tls_cert_file, &tls->cert, err);
    if (st == MU_OK)
        st = mu_file_read(config->tls_key_file, &tls->key, err);
    if (st == MU_OK && config->tls_client_ca_file)
        st = mu_file_read(config->tls_client_ca_file, &tls->client_ca, err);
    return st == MU_OK ? check(config, tls, err) : st;
}

/* ---- the certificate ---- */

struct httpd_certificate {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
    struct httpd_certificate *before; /* that it took the place of */
};

static _Thread_local struct mu_httpd *server_of_thread;

static void certificate_free(struct httpd_certificate *certificate)
{
    for (unsigned i = 0; i < certificate->count; i++)
        gnutls_pcert_deinit(&certificate->chain[i]);
    if (certificate->key)
        gnutls_privkey_deinit(certificate->key);
    free(certificate);
}

/* 0, or GnuTLS's error. */
static int certificate_import(struct httpd_certificate *certificate, const struct httpd_tls *tls)
{
    const gnutls_datum_t cert = datum_of(&tls->cert), key = datum_of(&tls->key);
    unsigned count = CHAIN_MAX;
    int rc = gnutls_pcert_list_import_x509_raw(certificate->chain, &count, &cert,
                                               GNUTLS_X509_FMT_PEM, 0);

    if (rc < 0)
        return rc;
    certificate->count = count;
    rc = gnutls_privkey_init(&certificate->key);
    return rc < 0 ? rc
                  : gnutls_privkey_import_x509_raw(certificate->key, &key, GNUTLS_X509_FMT_PEM,
                                                   NULL, 0);
}

enum mu_status httpd_tls_use(struct mu_httpd *server, const struct httpd_tls *tls,
                             struct mu_error *err)
{
    struct httpd_certificate *certificate = mu_xcalloc(1, sizeof(*certificate));
    int rc = certificate_import(certificate, tls);

    if (rc < 0) {
        certificate_free(certificate);
        return mu_fail(err, rc == GNUTLS_E_MEMORY_ERROR ? MU_E_NOMEM : MU_E_INVALID,
                       "TLS certificate '%s' with its key: %s", server->config.tls_cert_file,
                       gnutls_strerror(rc));
    }
    certificate->before = atomic_load(&server->certificate);
    atomic_store(&server->certificate, certificate);
    return MU_OK;
}

void httpd_tls_release(struct mu_httpd *server)
{
    struct httpd_certificate *certificate = atomic_load(&server->certificate);

    while (certificate) {
        struct httpd_certificate *before = certificate->before;

        certificate_free(certificate);
        certificate = before;
    }
}

void httpd_tls_enter(struct mu_httpd *server)
{
    server_of_thread = server;
}

static int give(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                gnutls_pcert_st **ret_chain, unsigned *ret_count, gnutls_ocsp_data_st **ret_ocsp,
                unsigned *ret_ocsp_count, gnutls_privkey_t *ret_key, unsigned *ret_flags)
{
    struct httpd_certificate *certificate =
            server_of_thread ? atomic_load(&server_of_thread->certificate) : NULL;

    (void)session, (void)info;
    if (!certificate)
        return -1;
    *ret_chain = certificate->chain;
    *ret_count = certificate->count;
    *ret_ocsp = NULL;
    *ret_ocsp_count = 0;
    *ret_key = certificate->key;
    *ret_flags = 0; /* all of it stays ours */
    return 0;
}

void *httpd_tls_giver(void)
{
    gnutls_certificate_retrieve_function3 *giver = give;

    return (void *)(uintptr_t)giver;
}

/* ---- the client ---- */

static bool is_trusted(gnutls_session_t session)
{
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned status = 0;

    return gnutls_certificate_verify_peers(session, &purpose, 1, &status) == GNUTLS_E_SUCCESS &&
           status == 0;
}

static const char *subject_of(gnutls_x509_crt_t certificate, struct mu_arena *arena)
{
    gnutls_datum_t name = {NULL, 0};
    const char *subject = NULL;

    /* RFC 4514: the most specific part first. */
    if (gnutls_x509_crt_get_dn3(certificate, &name, 0) < 0)
        return NULL;
    if (name.size > 0 && !memchr(name.data, '\0', name.size))
        subject = mu_arena_strndup(arena, (const char *)name.data, name.size);
    gnutls_free(name.data);
    return subject;
}

static const char *read_subject(const gnutls_datum_t *der, struct mu_arena *arena)
{
    gnutls_x509_crt_t certificate;
    const char *subject = NULL;

    if (gnutls_x509_crt_init(&certificate) < 0)
        return NULL;
    if (gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) >= 0)
        subject = subject_of(certificate, arena);
    gnutls_x509_crt_deinit(certificate);
    return subject;
}

const char *httpd_tls_subject(struct MHD_Connection *connection, struct mu_arena *arena)
{
    const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    const gnutls_datum_t *peers;
    unsigned count = 0;

    if (!info || !info->tls_session)
        return NULL;
    peers = gnutls_certificate_get_peers(info->tls_session, &count);
    if (!peers || count == 0 || !is_trusted(info->tls_session))
        return NULL;
    return read_subject(&peers[0], arena);
}
