/*
 * tls: https for the server: certificate and key, and who the client is. Internal to httpd. The
 * only place that includes gnutls.
 *
 * TLS 1.2 and 1.3. A client certificate is asked for when there is a client CA, and checked when
 * somebody asks for its subject: who has none may still prove himself otherwise.
 */
#ifndef MU_HTTPD_TLS_H
#define MU_HTTPD_TLS_H

#include "httpd/request.h"

/* PEM texts, while the server starts. */
struct httpd_tls {
    struct mu_buf cert, key, client_ca;
};

void httpd_tls_init(struct httpd_tls *tls);
void httpd_tls_done(struct httpd_tls *tls); /* wipes the key */

/* Reads the files and checks that they fit. Errors: MU_E_NOT_FOUND, MU_E_UNAVAILABLE, MU_E_LIMIT,
 * MU_E_INVALID (no certificate, or another's key). */
enum mu_status httpd_tls_read(const struct mu_httpd_config *config, struct httpd_tls *tls,
                              struct mu_error *err) MU_MUST_CHECK;

/* What handshakes give out from now on. One that was replaced stays until the release: a handshake
 * may have it in hand. One thread at a time. Errors: MU_E_INVALID, MU_E_NOMEM. */
enum mu_status httpd_tls_use(struct mu_httpd *server, const struct httpd_tls *tls,
                             struct mu_error *err) MU_MUST_CHECK;
void httpd_tls_release(struct mu_httpd *server); /* no handshake is left */
/* The thread that runs this is one of the server's: its handshakes give out the server's
 * certificate. GnuTLS says neither server nor connection to who gives it one. */
void httpd_tls_enter(struct mu_httpd *server);
/* For libmicrohttpd: a gnutls_certificate_retrieve_function3. */
void *httpd_tls_giver(void);

/* The subject of the client's certificate when a client CA vouches for it, in `arena`, else NULL.
 */
const char *httpd_tls_subject(struct MHD_Connection *connection, struct mu_arena *arena);

extern const char httpd_tls_priorities[];

#endif
