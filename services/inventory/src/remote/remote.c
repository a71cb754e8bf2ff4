#include "remote/remote.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"
#include "http/http_client.h"
#include "json/json_doc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    RETRY_MIN_MS = 200,
    RETRY_MAX_MS = 5000,
    TOKEN_MAX_BYTES = 16 * 1024,
    URL_MAX_BYTES = 32 * 1024,
    DETAIL_SIZE = 400,
    KEY_BYTES = 16,
    KEY_HEADER_SIZE = 64
};

struct remote {
    const struct remote_config *config;
    struct mu_http_client *client;
    int base_len;              /* of the URL, without slashes at its end */
    bool told;                 /* that it is away */
    char key[KEY_HEADER_SIZE]; /* the header of what is written */
};

static bool given(const char *text)
{
    return text && *text;
}

/* ---- options ---- */

bool remote_is_wanted(const struct remote_config *config)
{
    return given(config->inventory_url);
}

static enum mu_status check_url(const char *url, struct mu_error *err)
{
    const char *host = strstr(url, "://");

    if ((!mu_text_starts(url, "http://") && !mu_text_starts(url, "https://")) || !host[3] ||
        host[3] == '/')
        return mu_fail(err, MU_E_INVALID,
                       "--inventory-url '%.200s' is no http or https URL, such as "
                       "https://inventory.example:8080",
                       url);
    if (strpbrk(url, "?# @"))
        return mu_fail(err, MU_E_INVALID,
                       "--inventory-url '%.200s' must be an address alone: without blanks, user, "
                       "query and fragment",
                       url);
    return MU_OK;
}

static enum mu_status check_files(const struct remote_config *config, struct mu_error *err)
{
    const struct {
        const char *option, *path;
    } files[] = {{"token-file", config->token_file},
                 {"ca-file", config->ca_file},
                 {"client-cert-file", config->client_cert_file},
                 {"client-key-file", config->client_key_file}};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (given(files[i].path) && access(files[i].path, R_OK) != 0)
            return mu_fail(err, MU_E_INVALID, "--%s '%.200s': %s", files[i].option, files[i].path,
                           strerror(errno));
    if (given(config->client_cert_file) != given(config->client_key_file))
        return mu_fail(err, MU_E_INVALID,
                       "--client-cert-file and --client-key-file go together: one is missing");
    return MU_OK;
}

enum mu_status remote_check(const struct remote_config *config, struct mu_error *err)
{
    if (given(config->postgres) == given(config->inventory_url))
        return mu_fail(err, MU_E_INVALID,
                       given(config->postgres)
                               ? "--inventory-url and --postgres (or MUSTER_INVENTORY_URL and "
                                 "MUSTER_POSTGRES) are both given: one of them says where to ask"
                               : "nobody to ask: give --inventory-url=https://..., the address of "
                                 "'muster-inventory run', or --postgres");
    if (!remote_is_wanted(config))
        return MU_OK;
    if (check_url(config->inventory_url, err) != MU_OK)
        return err->status;
    return check_files(config, err);
}

/* ---- life ---- */

static const char *or_null(const char *text)
{
    return given(text) ? text : NULL;
}

static enum mu_status make_key(char ret_header[KEY_HEADER_SIZE], struct mu_error *err)
{
    char hex[2 * KEY_BYTES + 1];
    uint8_t bytes[KEY_BYTES];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return mu_fail(err, MU_E_UNAVAILABLE, "no random numbers: %s", strerror(errno));
    mu_hex_encode(bytes, sizeof(bytes), hex);
    (void)snprintf(ret_header, KEY_HEADER_SIZE, "Idempotency-Key: %s", hex);
    return MU_OK;
}

enum mu_status remote_open(const struct remote_config *config, struct remote **ret_remote,
                           struct mu_error *err)
{
    const struct mu_http_client_config http = {.user_agent = "muster-inventory/" MU_VERSION,
                                               .deadline_ms = config->timeout_ms,
                                               .ca_file = or_null(config->ca_file),
                                               .client_cert_file =
                                                       or_null(config->client_cert_file),
                                               .client_key_file = or_null(config->client_key_file),
                                               .no_redirects = true};
    struct remote *remote = mu_xcalloc(1, sizeof(*remote));
    size_t len = strlen(config->inventory_url);

    if (make_key(remote->key, err) != MU_OK ||
        mu_http_client_new(&http, &remote->client, err) != MU_OK) {
        remote_free(remote);
        return err->status;
    }
    while (len > 0 && config->inventory_url[len - 1] == '/')
        len--;
    remote->config = config;
    remote->base_len = (int)len;
    *ret_remote = remote;
    return MU_OK;
}

void remote_free(struct remote *remote)
{
    if (remote)
        mu_http_client_free(remote->client);
    free(remote);
}

/* ---- a question ---- */

/* "Bearer ..."; "" without a token. */
static enum mu_status authorize(const struct remote_config *config, struct mu_buf *out,
                                struct mu_error *err)
{
    static const char scheme[] = "Bearer ";
    const char *token;

    mu_buf_puts(out, scheme);
    if (given(config->token_file)) {
        if (mu_file_read(config->token_file, out, err) != MU_OK)
            return mu_wrap(err, "--token-file");
    } else if (given(config->inventory_token)) {
        mu_buf_puts(out, config->inventory_token);
    }
    while (out->len > 0 && strchr(" \t\r\n", out->data[out->len - 1]))
        mu_buf_cut(out, out->len - 1);
    if (mu_buf_status(out, "the token", err) != MU_OK)
        return err->status;
    token = out->len >= sizeof(scheme) - 1 ? out->data + sizeof(scheme) - 1 : "";
    if (given(config->token_file) && !*token)
        return mu_fail(err, MU_E_INVALID, "--token-file '%.200s' is empty", config->token_file);
    for (const char *at = token; *at; at++)
        if (*at <= ' ' || *at > '~')
            return mu_fail(err, MU_E_INVALID,
                           "the token of %s is more than one word: it must be the token alone",
                           given(config->token_file) ? "--token-file" : "MUSTER_INVENTORY_TOKEN");
    if (!*token)
        mu_buf_reset(out);
    return MU_OK;
}

/* ---- a refusal ---- */

static void read_detail(const struct mu_http_response *response, char ret_detail[DETAIL_SIZE])
{
    static const struct mu_json_limits limits = {MU_HTTP_ERROR_BODY_MAX, 4};
    json_auto_t *root = NULL;
    struct mu_error ignored;
    const char *detail = NULL;

    if (mu_text_starts(response->content_type, "application/problem+json") &&
        mu_json_parse(response->error_body, strlen(response->error_body), &limits, &root,
                      &ignored) == MU_OK)
        detail = mu_json_text_at(root, "detail");
    (void)snprintf(ret_detail, DETAIL_SIZE, "%.*s", DETAIL_SIZE - 1, detail ? detail : "");
}

enum mu_status remote_is_none(const struct remote *remote, struct mu_error *err)
{
    return mu_fail(err, MU_E_INVALID,
                   "what answers at %.200s is no muster-inventory of version %s or later: is "
                   "--inventory-url the address of 'muster-inventory run'?",
                   remote->config->inventory_url, MU_VERSION);
}

static enum mu_status refuse_credentials(const struct remote *remote, const char *detail,
                                         struct mu_error *err)
{
    const struct remote_config *config = remote->config;

    if (given(config->token_file) || given(config->inventory_token))
        return mu_fail(err, MU_E_DENIED,
                       "%.150s refuses the token of %.100s: %.150s; it must be in the server's "
                       "--access-file, or of its --oidc-issuer",
                       config->inventory_url,
                       given(config->token_file) ? config->token_file : "MUSTER_INVENTORY_TOKEN",
                       detail);
    return mu_fail(err, MU_E_DENIED,
                   "%.200s wants credentials: %.200s; give --token-file or "
                   "--client-cert-file with --client-key-file",
                   config->inventory_url, detail);
}

static enum mu_status refused(const struct remote *remote, const struct mu_http_request *request,
                              const struct mu_http_response *response, struct mu_error *err)
{
    const char *url = remote->config->inventory_url;
    char detail[DETAIL_SIZE];

    read_detail(response, detail);
    if (response->status == 429 || response->status >= 500)
        return mu_fail(err, MU_E_UNAVAILABLE, "%.200s answered %d%s%.250s", url, response->status,
                       *detail ? ": " : "", detail);
    if (!*detail)
        return remote_is_none(remote, err);
    if (response->status == 401)
        return refuse_credentials(remote, detail, err);
    if (response->status == 403)
        return mu_fail(err, MU_E_DENIED, "%.150s: %.330s", url, detail);
    if (response->status == 405 || (response->status == 404 && !request->body))
        return remote_is_none(remote, err);
    return mu_fail(err,
                   response->status == 404   ? MU_E_NOT_FOUND
                   : response->status == 409 ? MU_E_CONFLICT
                                             : MU_E_INVALID,
                   "%.330s", detail);
}

/* ---- asking ---- */

static enum mu_status ask_once(struct remote *remote, const struct mu_http_request *request,
                               struct mu_buf *out, struct mu_http_response *ret_response,
                               struct mu_error *err)
{
    enum mu_status st = mu_http_fetch(remote->client, request, out, ret_response, err);

    ret_response->retry_after_ms = st == MU_OK ? ret_response->retry_after_ms : -1;
    if (mu_http_client_distrusts(remote->client)) {
        err->status = MU_E_DENIED;
        return mu_wrap(err, "--ca-file must name who vouches for the server");
    }
    if (st != MU_OK)
        return st;
    return ret_response->status == 200 || ret_response->status == 201
                   ? MU_OK
                   : refused(remote, request, ret_response, err);
}

/* True: the time for another try has come. */
static bool wait_for_next(struct remote *remote, struct mu_backoff *backoff, int64_t after_ms,
                          uint64_t ends_at_ms, const struct mu_error *err)
{
    int64_t pause_ms = mu_backoff_next_ms(backoff);

    if (pause_ms < after_ms)
        pause_ms = after_ms;
    if (mu_monotonic_ms() + (uint64_t)pause_ms >= ends_at_ms)
        return false;
    if (!remote->told)
        (void)fprintf(stderr, "muster-inventory: %s; trying again\n", err->message);
    remote->told = true;
    return !mu_stop_wait(pause_ms);
}

static enum mu_status ask_patiently(struct remote *remote, const struct mu_http_request *request,
                                    struct mu_buf *out, struct remote_answer *ret_answer,
                                    struct mu_error *err)
{
    uint64_t ends_at_ms = mu_monotonic_ms() + (uint64_t)remote->config->timeout_ms;
    struct mu_backoff backoff = {RETRY_MIN_MS, RETRY_MAX_MS, 0};
    struct mu_http_response response;
    enum mu_status st;

    do
        st = ask_once(remote, request, out, &response, err);
    while (st == MU_E_UNAVAILABLE &&
           wait_for_next(remote, &backoff, response.retry_after_ms, ends_at_ms, err));
    if (st != MU_OK)
        return st;
    remote->told = false;
    *ret_answer = (struct remote_answer){
            .status = response.status,
            .retry_after_ms = response.retry_after_ms > 0 ? response.retry_after_ms : 0};
    (void)snprintf(ret_answer->verdict, sizeof(ret_answer->verdict), "%.*s",
                   REMOTE_VERDICT_SIZE - 1, response.kept);
    return MU_OK;
}

enum mu_status remote_ask(struct remote *remote, const struct remote_question *question,
                          struct mu_buf *out, struct remote_answer *ret_answer,
                          struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf url, accept, authorization;
    const char *headers[4] = {NULL};
    size_t header_count = 0;
    struct mu_http_request request = {.method = question->method,
                                      .headers = headers,
                                      .keep = "Muster-Verdict",
                                      .body = question->json,
                                      .body_len = question->json ? strlen(question->json) : 0};
    enum mu_status st;

    mu_buf_init(&url, URL_MAX_BYTES);
    mu_buf_init(&accept, URL_MAX_BYTES);
    mu_buf_init(&authorization, TOKEN_MAX_BYTES);
    mu_buf_printf(&url, "%.*s%s", remote->base_len, remote->config->inventory_url, question->path);
    mu_buf_printf(&accept, "Accept: %s", question->accept);
    st = mu_buf_status(&url, "the URL", err);
    if (st == MU_OK)
        st = authorize(remote->config, &authorization, err);
    request.url = url.data;
    request.authorization = authorization.len > 0 ? authorization.data : NULL;
    headers[header_count++] = accept.data;
    if (mu_text_equal(question->method, "POST"))
        headers[header_count++] = remote->key;
    if (question->json)
        headers[header_count] = "Content-Type: application/json";
    if (st == MU_OK)
        st = ask_patiently(remote, &request, out, ret_answer, err);
    if (authorization.len > 0)
        explicit_bzero(authorization.data, authorization.len);
    return st;
}
