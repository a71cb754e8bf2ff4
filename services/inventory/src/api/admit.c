/* Who asks, whether he may, how often, and the record of it. */
#include "api/server.h"

#include "api/accept.h"
#include "store/metrics.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PARAMETERS_MAX_BYTES = 4096, NAME_MAX_BYTES = 64, VALUE_MAX_BYTES = 1024 };

/* Keys of buckets that no principal can have: names of tokens have no blank. */
static const char stranger_key[] = "without credentials";

static void key_of(const struct principal *principal, char *ret_key, size_t size)
{
    (void)snprintf(ret_key, size, "%s %s", principal_kind_name(principal->kind), principal->name);
}

static void reply_limited(struct mu_request *request, unsigned wait_s)
{
    char seconds[16];
    const char *const headers[] = {"Retry-After", seconds, NULL};

    (void)snprintf(seconds, sizeof(seconds), "%u", wait_s);
    mu_metric_add(&metric_api_limited, 1);
    mu_httpd_reply_problem(request, 429, "too many requests: come again after the time told",
                           headers);
}

/* Guessing credentials has its measure. */
static bool refuse_stranger(struct api *api, struct mu_request *request, enum access_answer answer,
                            const char *why)
{
    unsigned wait_s = 0;

    if (answer == ACCESS_LATER) {
        mu_httpd_reply_error(request, 503, why ? why : "no memory");
        return false;
    }
    mu_metric_add(&metric_api_refused, 1);
    if (rate_take(api->stranger_rate, stranger_key, mu_monotonic_ms(), &wait_s))
        mu_httpd_reply_denied(request, "Bearer realm=\"muster\"", why);
    else
        reply_limited(request, wait_s);
    return false;
}

static bool within_rate(struct api *api, const struct endpoint *endpoint,
                        const struct principal *principal, unsigned *ret_wait_s)
{
    char key[ACCESS_NAME_MAX * 8 + 32];

    if (endpoint->flags & ENDPOINT_UNMETERED)
        return true;
    key_of(principal, key, sizeof(key));
    return rate_take(api->rate, key, mu_monotonic_ms(), ret_wait_s);
}

/* Says what would do. */
static void refuse_role(struct mu_request *request, const struct principal *principal,
                        const struct endpoint *endpoint)
{
    char has[ROLES_TEXT_SIZE], needed[ROLES_TEXT_SIZE], detail[MU_ERROR_MESSAGE_MAX];

    roles_to_words(principal->roles, has);
    roles_to_words(endpoint->roles, needed);
    (void)snprintf(detail, sizeof(detail),
                   "your roles do not allow this: it takes one of %s, and '%.100s' has %s", needed,
                   principal->name, *has ? has : "none");
    mu_httpd_reply_error(request, 403, detail);
}

bool api_admit(void *opaque, struct mu_request *request)
{
    struct api *api = opaque;
    const struct endpoint *endpoint = api->endpoints[mu_request_route(request)];
    struct access_request asked = {mu_request_header(request, "Authorization"), NULL, mu_now_us()};
    const struct principal *principal = NULL;
    enum access_answer answer;
    const char *why = NULL;
    unsigned wait_s = 0;

    if (endpoint->roles == 0)
        return true;
    if (!asked.authorization)
        asked.client_subject = mu_request_client_subject(request);
    answer = access_identify(api->config.access, &asked, mu_request_arena(request), &principal,
                             &why);
    if (answer != ACCESS_KNOWN)
        return refuse_stranger(api, request, answer, why);
    mu_request_set_caller(request, principal);
    if (!within_rate(api, endpoint, principal, &wait_s)) {
        reply_limited(request, wait_s);
        return false;
    }
    if (!(principal->roles & endpoint->roles)) {
        if (principal->kind == PRINCIPAL_NONE) { /* credentials would help */
            mu_request_set_caller(request, NULL);
            return refuse_stranger(api, request, ACCESS_MISSING, "this needs credentials");
        }
        mu_metric_add(&metric_api_forbidden, 1);
        refuse_role(request, principal, endpoint);
        return false;
    }
    return true;
}

bool api_takes_json(struct mu_request *request)
{
    static const char json_type[] = "application/json";
    static const char *const forms[] = {json_type};
    const char *type = mu_request_header(request, "Content-Type");
    size_t len = type ? strcspn(type, "; \t") : 0;

    if (len != sizeof(json_type) - 1 || strncasecmp(type, json_type, len) != 0) {
        mu_httpd_reply_error(request, 415, "Content-Type must be application/json");
        return false;
    }
    if (accept_choose(mu_request_header(request, "Accept"), forms, 1) == ACCEPT_NONE) {
        mu_httpd_reply_error(request, 406, "there is application/json");
        return false;
    }
    return true;
}

/* ---- the record ---- */

static bool write_parameter(void *opaque, const char *name, size_t name_len, const char *value,
                            size_t value_len)
{
    struct mu_buf *out = opaque;

    if (out->len > 1)
        mu_buf_puts(out, ",");
    mu_text_to_json(name, name_len < NAME_MAX_BYTES ? name_len : NAME_MAX_BYTES, out);
    mu_buf_puts(out, ":");
    mu_text_to_json(value ? value : "",
                    value_len < VALUE_MAX_BYTES && value ? value_len
                    : value                              ? VALUE_MAX_BYTES
                                                         : 0,
                    out);
    return !out->failed;
}

static void end_parameters(struct mu_buf *out)
{
    mu_buf_puts(out, "}");
    if (!out->failed)
        return;
    mu_buf_reset(out);
    mu_buf_puts(out, "{\"\":\"too long to be kept\"}");
}

void api_note(struct mu_request *request, const char *const *pairs)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf note;

    mu_buf_init(&note, PARAMETERS_MAX_BYTES);
    mu_buf_puts(&note, "{");
    for (; pairs[0]; pairs += 2)
        if (pairs[1])
            (void)write_parameter(&note, pairs[0], strlen(pairs[0]), pairs[1], strlen(pairs[1]));
    end_parameters(&note);
    mu_request_set_state(request, mu_arena_strdup(mu_request_arena(request), note.data), NULL);
}

static void write_parameters(const struct mu_request *request, struct mu_buf *out)
{
    mu_buf_puts(out, "{");
    (void)mu_request_each_query(request, write_parameter, out);
    end_parameters(out);
}

/* What people read and write, and who was refused. Strangers beyond their measure are counted only.
 */
static bool is_recorded(const struct principal *principal, int status)
{
    if (!principal)
        return status == 401;
    return (principal->roles & ROLES_PEOPLE) || status == 403;
}

void api_answered(void *opaque, struct mu_request *request, int status)
{
    struct api *api = opaque;
    const struct endpoint *endpoint = api->endpoints[mu_request_route(request)];
    const struct principal *principal = mu_request_caller(request);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf parameters;
    const char *note = endpoint->flags & ENDPOINT_NOTED ? mu_request_state(request) : NULL;
    char roles[ROLES_TEXT_SIZE] = "";

    mu_buf_init(&parameters, PARAMETERS_MAX_BYTES);
    if (endpoint->roles == 0 || !is_recorded(principal, status))
        return;
    write_parameters(request, &parameters);
    if (principal)
        roles_to_words(principal->roles, roles);
    audit_add(api->audit,
              &(struct audit_record){.at_us = mu_now_us(),
                                     .principal = principal ? principal->name : "",
                                     .authentication = principal_kind_name(
                                             principal ? principal->kind : PRINCIPAL_NONE),
                                     .roles = roles,
                                     .method = mu_request_method(request),
                                     .path = mu_request_path(request),
                                     .parameters = note ? note : parameters.data,
                                     .status = status});
}
