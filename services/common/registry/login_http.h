/*
 * login_http: the small requests of cloud logins: a form or a signed body out, JSON or XML back.
 * Internal to registry_login.
 *
 * Redirects are not followed, bodies are bounded, and no answer of a service becomes part of an
 * error: it may hold a secret. https alone, but to an address the operator wrote down with http.
 */
#ifndef MU_REGISTRY_LOGIN_HTTP_H
#define MU_REGISTRY_LOGIN_HTTP_H

#include "base/buf.h"
#include "base/error.h"
#include "http/http_client.h"

/* "name=value" of a form, percent-encoded, with '&' in front when it is not the first. */
void login_form_add(struct mu_buf *form, const char *name, const char *value);

/* A 200's body into `answer`. Errors: MU_E_DENIED (400, 401, 403), MU_E_UNAVAILABLE, MU_E_INVALID,
 * MU_E_LIMIT; `what` names the service. */
enum mu_status login_request(const char *what, struct mu_http_request *request,
                             struct mu_buf *answer, struct mu_error *err) MU_MUST_CHECK;

/* The same with a form as the body. */
enum mu_status login_post_form(const char *what, const char *url, const struct mu_buf *form,
                               struct mu_buf *answer, struct mu_error *err) MU_MUST_CHECK;

/* A text of a JSON answer at a dotted path into `out`. Errors: MU_E_INVALID. */
enum mu_status login_text_take(const char *what, const struct mu_buf *answer, const char *path,
                               struct mu_buf *out, struct mu_error *err) MU_MUST_CHECK;

/* Seconds at a path in ms; 0 when they are not said. */
int64_t login_lifetime_ms(const struct mu_buf *answer, const char *path);

/* A whole file without its last newline. Errors: MU_E_DENIED naming it. */
enum mu_status login_file_read(const char *what, const char *path, struct mu_buf *out,
                               struct mu_error *err) MU_MUST_CHECK;

#endif
