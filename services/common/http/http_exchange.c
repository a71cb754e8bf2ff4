#include "http/http_exchange.h"

#include "base/clock.h"
#include "base/stop.h"
#include "http/http_address.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
    HEAD_MAX_BYTES = 64 * 1024,
    ERROR_BODY_READ_MAX = 64 * 1024, /* of a body nobody wants; then the connection is given up */
    BODY_MAX_DEFAULT = 4 * 1024 * 1024,
    KEEPALIVE_IDLE_S = 30,
    KEEPALIVE_INTERVAL_S = 10
};

/* ---- callbacks: returning anything but the length ends the transfer ---- */

static size_t stop_with(struct http_exchange *exchange, enum mu_status status)
{
    exchange->stopped = status;
    return 0;
}

static uint64_t body_limit(const struct http_exchange *exchange)
{
    uint64_t limit = exchange->request->max_body_bytes;

    return limit != 0 ? limit : BODY_MAX_DEFAULT;
}

static bool wants_body(const struct http_exchange *exchange)
{
    int status = exchange->head.response.status;

    return status >= 200 && status < 300;
}

static bool is_head(const struct http_exchange *exchange)
{
    return strcmp(exchange->request->method, "HEAD") == 0;
}

static size_t body_too_large(struct http_exchange *exchange)
{
    return stop_with(exchange, mu_fail(exchange->err, MU_E_LIMIT, "body over %llu bytes",
                                       (unsigned long long)body_limit(exchange)));
}

/* The empty line behind a head that a body follows. */
static size_t head_is_complete(struct http_exchange *exchange, size_t len)
{
    const struct mu_http_request *request = exchange->request;
    enum mu_status st;

    if (!request->on_head || !wants_body(exchange))
        return len;
    st = request->on_head(request->opaque, &exchange->head.response, exchange->err);
    return st == MU_OK ? len : stop_with(exchange, st);
}

static size_t on_head(char *line, size_t size, size_t count, void *opaque)
{
    struct http_exchange *exchange = opaque;
    size_t len = size * count;

    exchange->head_bytes += len;
    if (exchange->head_bytes > HEAD_MAX_BYTES)
        return stop_with(exchange,
                         mu_fail(exchange->err, MU_E_LIMIT, "head over %d bytes", HEAD_MAX_BYTES));
    if (exchange->body_bytes > 0)
        return len; /* a trailer: nothing in it is ours */
    http_head_line(&exchange->head, line, len);
    if (exchange->request->keep)
        http_head_keep(&exchange->head, exchange->request->keep, line, len);
    if (len <= 2 && wants_body(exchange) && !is_head(exchange) &&
        exchange->head.response.content_length > 0 &&
        (uint64_t)exchange->head.response.content_length > body_limit(exchange))
        return body_too_large(exchange);
    return len <= 2 ? head_is_complete(exchange, len) : len;
}

static char printable(char c)
{
    if (c == '\n' || c == '\r' || c == '\t')
        return ' ';
    return c >= 0x20 && c < 0x7f ? c : '?';
}

static size_t keep_error_body(struct http_exchange *exchange, const char *bytes, size_t len)
{
    char *body = exchange->head.response.error_body;

    for (size_t i = 0; i < len && exchange->error_len < MU_HTTP_ERROR_BODY_MAX - 1; i++)
        body[exchange->error_len++] = printable(bytes[i]);
    /* The answer is known; MU_END says that only its uninteresting rest was not read. */
    return exchange->body_bytes <= ERROR_BODY_READ_MAX ? len : stop_with(exchange, MU_END);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *opaque)
{
    struct http_exchange *exchange = opaque;
    const struct mu_http_request *request = exchange->request;
    size_t len = size * count;
    enum mu_status st;

    exchange->body_bytes += len;
    if (!wants_body(exchange))
        return keep_error_body(exchange, bytes, len);
    if (exchange->body_bytes > body_limit(exchange))
        return body_too_large(exchange);
    if (request->on_body == NULL)
        return len;
    st = request->on_body(request->opaque, bytes, len, exchange->err);
    return st == MU_OK ? len : stop_with(exchange, st);
}

static int on_progress(void *opaque, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct http_exchange *exchange = opaque;

    (void)down_total, (void)down, (void)up_total, (void)up;
    if (!mu_stop_requested() && !(exchange->cancel && atomic_load(exchange->cancel)))
        return 0;
    (void)stop_with(exchange, mu_fail(exchange->err, MU_E_UNAVAILABLE, "stopping"));
    return 1;
}

/* Whether a connection may be opened. What we were asked to reach by itself has any address. */
static bool may_open(struct http_exchange *exchange, const struct sockaddr *address)
{
    struct mu_http_client *client = exchange->client;
    bool abroad = exchange->flags & EXCHANGE_ABROAD;

    if (http_address_public(address))
        return true;
    if (client->config.public_only)
        return false;
    if (!abroad)
        client->home_private = true;
    return !abroad || (exchange->request->home && client->home_private);
}

/* After the name was resolved and before anything is sent: a name that leads elsewhere the second
 * time it is asked for gains nothing. */
static curl_socket_t open_checked(void *opaque, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_exchange *exchange = opaque;

    (void)purpose;
    if (!may_open(exchange, &address->addr)) {
        (void)stop_with(exchange,
                        mu_fail(exchange->err, MU_E_INVALID,
                                exchange->flags & EXCHANGE_ABROAD
                                        ? "sent on to a host whose address is private"
                                          " (private_redirects allows it)"
                                        : "the host's address is not one of the Internet"));
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- headers ---- */

static bool names_header(const char *header, const char *name)
{
    size_t len = strlen(name);

    return strncasecmp(header, name, len) == 0 && header[len] == ':';
}

static bool is_credential(const char *header)
{
    return names_header(header, "Authorization") || names_header(header, "Cookie") ||
           names_header(header, "Proxy-Authorization");
}

static bool describes_body(const char *header)
{
    return names_header(header, "Content-Type") || names_header(header, "Content-Encoding");
}

/* A token from outside with a line break in it would add headers of the sender's choice. */
static enum mu_status append_header(struct curl_slist **list, const char *header,
                                    struct mu_error *err)
{
    struct curl_slist *longer;

    for (const char *c = header; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 && *c != '\t')
            return mu_fail(err, MU_E_INVALID, "control byte in a request header");
    longer = curl_slist_append(*list, header);
    if (longer == NULL)
        return mu_fail(err, MU_E_NOMEM, "request header");
    *list = longer;
    return MU_OK;
}

static enum mu_status append_authorization(struct curl_slist **list, const char *value,
                                           struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf line;
    enum mu_status st;

    mu_buf_init(&line, HEAD_MAX_BYTES);
    mu_buf_puts(&line, "Authorization: ");
    mu_buf_puts(&line, value);
    st = mu_buf_status(&line, "Authorization", err);
    return st == MU_OK ? append_header(list, line.data, err) : st;
}

static enum mu_status build_headers(const struct http_exchange *exchange, struct curl_slist **list,
                                    struct mu_error *err)
{
    const struct mu_http_request *request = exchange->request;
    bool foreign = exchange->flags & EXCHANGE_FOREIGN, to_get = exchange->flags & EXCHANGE_TO_GET;
    bool typed = false;

    for (const char *const *h = request->headers; h != NULL && *h != NULL; h++) {
        if ((foreign && is_credential(*h)) || (to_get && describes_body(*h)))
            continue;
        typed = typed || names_header(*h, "Content-Type");
        if (append_header(list, *h, err) != MU_OK)
            return err->status;
    }
    if (request->authorization != NULL && !foreign &&
        append_authorization(list, request->authorization, err) != MU_OK)
        return err->status;
    /* Without these curl names a form as the type and waits for "100 Continue". */
    if (!typed && append_header(list, "Content-Type:", err) != MU_OK)
        return err->status;
    return append_header(list, "Expect:", err);
}

/* ---- options ---- */

static void set_method(CURL *curl, const struct http_exchange *exchange)
{
    const struct mu_http_request *request = exchange->request;

    if (is_head(exchange)) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    } else if ((exchange->flags & EXCHANGE_TO_GET) || strcmp(request->method, "GET") == 0) {
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    } else {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body != NULL ? request->body : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)(request->body != NULL ? request->body_len : 0));
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

static void set_limits(CURL *curl, const struct mu_http_client_config *config, int64_t left_ms)
{
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)config->connect_timeout_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)left_ms);
    if (config->stall_timeout_ms > 0) {
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)config->min_bytes_per_s);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                         (long)((config->stall_timeout_ms + 999) / 1000));
    }
    /* A peer that went without a word is noticed on a quiet stream. */
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static void set_pem(CURL *curl, CURLoption option, const char *pem)
{
    struct curl_blob blob = {(void *)(uintptr_t)pem, strlen(pem), CURL_BLOB_COPY};

    curl_easy_setopt(curl, option, &blob);
}

/* A text from memory, else a file, else nothing. */
static void set_pem_or_file(CURL *curl, CURLoption pem_option, const char *pem,
                            CURLoption file_option, const char *file)
{
    if (pem != NULL)
        set_pem(curl, pem_option, pem);
    else if (file != NULL)
        curl_easy_setopt(curl, file_option, file);
}

static void set_identity(CURL *curl, const struct mu_http_client_config *config, unsigned flags)
{
    if (config->user_agent != NULL)
        curl_easy_setopt(curl, CURLOPT_USERAGENT, config->user_agent);
    set_pem_or_file(curl, CURLOPT_CAINFO_BLOB, config->ca_pem, CURLOPT_CAINFO, config->ca_file);
    if (config->ca_pem != NULL || config->ca_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL); /* the system's are trusted no more */
    if (config->unix_socket != NULL)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, config->unix_socket);
    if (flags & (EXCHANGE_FOREIGN | EXCHANGE_ABROAD))
        return;
    set_pem_or_file(curl, CURLOPT_SSLCERT_BLOB, config->client_cert_pem, CURLOPT_SSLCERT,
                    config->client_cert_file);
    set_pem_or_file(curl, CURLOPT_SSLKEY_BLOB, config->client_key_pem, CURLOPT_SSLKEY,
                    config->client_key_file);
}

static void set_callbacks(CURL *curl, struct http_exchange *exchange,
                          const struct mu_http_client_config *config)
{
    if (config->public_only || config->public_redirects) {
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_checked);
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, exchange);
    }
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, exchange);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

/* ---- outcome ---- */

static enum mu_status curl_status(CURLcode code)
{
    switch ((int)code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_LOGIN_DENIED: /* a user name in the URL */
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        return MU_E_INVALID;
    case CURLE_OUT_OF_MEMORY:
        return MU_E_NOMEM;
    default:
        return MU_E_UNAVAILABLE;
    }
}

static enum mu_status outcome(struct mu_http_client *client, struct http_exchange *exchange,
                              CURLcode code, struct mu_error *err)
{
    client->distrusts = code == CURLE_PEER_FAILED_VERIFICATION;
    if (exchange->stopped == MU_END)
        return MU_OK;
    if (exchange->stopped != MU_OK)
        return exchange->stopped; /* the callback described it */
    if (code == CURLE_OK)
        return MU_OK;
    return mu_fail(err, curl_status(code), "%s",
                   client->curl_error[0] ? client->curl_error : curl_easy_strerror(code));
}

static enum mu_status time_left(const struct http_exchange *exchange, int64_t *ret_ms,
                                struct mu_error *err)
{
    uint64_t now_ms = mu_monotonic_ms();

    if (exchange->deadline_at_ms != 0 && now_ms >= exchange->deadline_at_ms)
        return mu_fail(err, MU_E_UNAVAILABLE, "deadline passed");
    *ret_ms = exchange->deadline_at_ms == 0 ? 0 : (int64_t)(exchange->deadline_at_ms - now_ms);
    return MU_OK;
}

enum mu_status http_exchange_run(struct mu_http_client *client, struct http_exchange *exchange,
                                 struct mu_error *err)
{
    struct curl_slist *headers = NULL;
    int64_t left_ms = 0;
    CURL *curl = client->curl;
    enum mu_status st;

    exchange->body_bytes = exchange->head_bytes = 0;
    exchange->error_len = 0;
    exchange->stopped = MU_OK;
    exchange->err = err;
    http_head_reset(&exchange->head);
    st = time_left(exchange, &left_ms, err);
    if (st == MU_OK)
        st = build_headers(exchange, &headers, err);
    if (st == MU_OK) {
        curl_easy_reset(curl); /* options only: connections stay */
        client->curl_error[0] = '\0';
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->curl_error);
        curl_easy_setopt(curl, CURLOPT_URL, exchange->url);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        set_method(curl, exchange);
        set_limits(curl, &client->config, left_ms);
        set_identity(curl, &client->config, exchange->flags);
        exchange->cancel = client->config.cancel;
        exchange->client = client;
        set_callbacks(curl, exchange, &client->config);
        st = outcome(client, exchange, curl_easy_perform(curl), err);
    }
    curl_slist_free_all(headers);
    return st;
}
