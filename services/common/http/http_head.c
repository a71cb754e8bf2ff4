#include "http/http_head.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { RETRY_AFTER_MAX_S = 24 * 60 * 60, NUMBER_MAX_DIGITS = 18, DATE_MAX = 64 };

void http_head_reset(struct http_head *head)
{
    memset(head, 0, sizeof(*head));
    head->response.content_length = -1;
    head->response.range_start = -1;
    head->response.retry_after_ms = -1;
    head->response.rate_remaining = -1;
    head->response.rate_reset_ms = -1;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Leaves `ret_text` alone when the value is too long or holds control bytes. */
static bool copy_value(const char *value, size_t len, char *ret_text, size_t size)
{
    if (len >= size)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            return false;
    memcpy(ret_text, value, len);
    ret_text[len] = '\0';
    return true;
}

/* Digits only; -1 when it is anything else or too long to be a size. */
static int64_t read_number(const char *value, size_t len)
{
    int64_t number = 0;

    if (len == 0 || len > NUMBER_MAX_DIGITS)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(value[i]))
            return -1;
        number = number * 10 + (value[i] - '0');
    }
    return number;
}

/* ---- Retry-After ---- */

int64_t http_retry_after_ms(const char *value, size_t len, int64_t now_us)
{
    int64_t seconds = read_number(value, len);
    char date[DATE_MAX];
    time_t at;

    if (seconds < 0) {
        if (len == 0 || is_digit(value[0]) || !copy_value(value, len, date, sizeof(date)))
            return -1;
        at = curl_getdate(date, NULL);
        if (at < 0)
            return -1;
        seconds = (int64_t)at - now_us / 1000000;
    }
    if (seconds < 0)
        seconds = 0;
    return (seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : seconds) * 1000;
}

/* ---- Link ---- */

struct cursor {
    const char *at, *end;
};

static void skip_spaces(struct cursor *c)
{
    while (c->at < c->end && is_space(*c->at))
        c->at++;
}

static bool skip_char(struct cursor *c, char wanted)
{
    skip_spaces(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

/* A token or a quoted string (its backslashes stay: no relation type has any). */
static struct cursor take_word(struct cursor *c)
{
    struct cursor word;

    skip_spaces(c);
    if (c->at < c->end && *c->at == '"') {
        word.at = ++c->at;
        while (c->at < c->end && *c->at != '"')
            c->at += *c->at == '\\' && c->at + 1 < c->end ? 2 : 1;
        word.end = c->at;
        if (c->at < c->end)
            c->at++;
        return word;
    }
    word.at = c->at;
    while (c->at < c->end && !is_space(*c->at) && strchr("=;,\"", *c->at) == NULL)
        c->at++;
    word.end = c->at;
    return word;
}

static bool word_is(const char *at, const char *end, const char *wanted)
{
    return (size_t)(end - at) == strlen(wanted) && strncasecmp(at, wanted, (size_t)(end - at)) == 0;
}

/* A rel value is a list of relation types parted by spaces. */
static bool has_relation(struct cursor value, const char *wanted)
{
    while (value.at < value.end) {
        const char *begin;

        skip_spaces(&value);
        begin = value.at;
        while (value.at < value.end && !is_space(*value.at))
            value.at++;
        if (word_is(begin, value.at, wanted))
            return true;
    }
    return false;
}

/* The parameters behind one target; true when the first rel among them (RFC 8288 3.3) says "next".
 */
static bool params_say_next(struct cursor *c)
{
    bool seen = false, next = false;

    while (skip_char(c, ';')) {
        struct cursor name = take_word(c), value = {NULL, NULL};

        if (skip_char(c, '='))
            value = take_word(c);
        if (!seen && word_is(name.at, name.end, "rel")) {
            seen = true;
            next = has_relation(value, "next");
        }
    }
    return next;
}

bool http_link_next(const char *value, size_t len, char *ret_target, size_t size)
{
    struct cursor c = {value, value + len};

    do {
        const char *target, *end;

        if (!skip_char(&c, '<'))
            continue; /* an empty list element */
        target = c.at;
        end = memchr(target, '>', (size_t)(c.end - target));
        if (end == NULL)
            return false;
        c.at = end + 1;
        if (params_say_next(&c))
            return copy_value(target, (size_t)(end - target), ret_target, size);
    } while (skip_char(&c, ','));
    return false;
}

/* ---- lines ---- */

typedef void head_value_fn(struct http_head *head, const char *value, size_t len);

static void take_content_type(struct http_head *head, const char *value, size_t len)
{
    (void)copy_value(value, len, head->response.content_type, sizeof(head->response.content_type));
}

static void take_digest(struct http_head *head, const char *value, size_t len)
{
    (void)copy_value(value, len, head->response.docker_content_digest,
                     sizeof(head->response.docker_content_digest));
}

/* Of several challenges Bearer is kept, else the first: it is what registries mean. */
static void take_challenge(struct http_head *head, const char *value, size_t len)
{
    static const char bearer[] = "Bearer ";
    char *kept = head->response.www_authenticate;

    if (kept[0] == '\0' || (len >= sizeof(bearer) - 1 && strncasecmp(kept, bearer, 7) != 0 &&
                            strncasecmp(value, bearer, 7) == 0))
        (void)copy_value(value, len, kept, sizeof(head->response.www_authenticate));
}

static void take_link(struct http_head *head, const char *value, size_t len)
{
    if (head->response.link_next[0] == '\0')
        (void)http_link_next(value, len, head->response.link_next,
                             sizeof(head->response.link_next));
}

static void take_etag(struct http_head *head, const char *value, size_t len)
{
    (void)copy_value(value, len, head->response.etag, sizeof(head->response.etag));
}

static void take_last_modified(struct http_head *head, const char *value, size_t len)
{
    (void)copy_value(value, len, head->response.last_modified,
                     sizeof(head->response.last_modified));
}

static void take_length(struct http_head *head, const char *value, size_t len)
{
    head->response.content_length = read_number(value, len);
}

/* "bytes 1000-1999/5000" (RFC 9110 14.4). */
static void take_range(struct http_head *head, const char *value, size_t len)
{
    static const char unit[] = "bytes ";
    const char *dash = memchr(value, '-', len);

    if (dash && dash > value + sizeof(unit) - 1 && strncasecmp(value, unit, sizeof(unit) - 1) == 0)
        head->response.range_start =
                read_number(value + sizeof(unit) - 1, (size_t)(dash - value) - (sizeof(unit) - 1));
}

static void take_retry_after(struct http_head *head, const char *value, size_t len)
{
    head->response.retry_after_ms = http_retry_after_ms(value, len, mu_now_us());
}

/* ---- RateLimit ---- */

/* "76;w=21600" (Docker Hub): what is left, and the length of the window. */
static void take_rate_remaining(struct http_head *head, const char *value, size_t len)
{
    const char *semicolon = memchr(value, ';', len);
    size_t digits = semicolon ? (size_t)(semicolon - value) : len;
    int64_t window_s = -1;

    while (digits > 0 && is_space(value[digits - 1]))
        digits--;
    head->response.rate_remaining = read_number(value, digits);
    for (; semicolon && semicolon + 3 < value + len && window_s < 0; semicolon++)
        if (memcmp(semicolon, ";w=", 3) == 0)
            window_s = read_number(semicolon + 3, (size_t)(value + len - semicolon - 3));
    if (window_s >= 0 && head->response.rate_reset_ms < 0)
        head->response.rate_reset_ms =
                (window_s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : window_s) * 1000;
}

/* Seconds from now, or since 1970: what is that large is no waiting time. */
static void take_rate_reset(struct http_head *head, const char *value, size_t len)
{
    int64_t seconds = read_number(value, len);

    if (seconds > INT64_C(1000000000))
        seconds -= mu_now_us() / 1000000;
    if (seconds < 0)
        return;
    head->response.rate_reset_ms =
            (seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : seconds) * 1000;
}

static void take_location(struct http_head *head, const char *value, size_t len)
{
    (void)copy_value(value, len, head->location, sizeof(head->location));
}

static const struct {
    const char *name;
    head_value_fn *take;
} fields[] = {
        {"Content-Type", take_content_type},
        {"Docker-Content-Digest", take_digest},
        {"WWW-Authenticate", take_challenge},
        {"ETag", take_etag},
        {"Last-Modified", take_last_modified},
        {"Link", take_link},
        {"Content-Length", take_length},
        {"Content-Range", take_range},
        {"Retry-After", take_retry_after},
        {"Location", take_location},
        {"RateLimit-Remaining", take_rate_remaining},
        {"X-RateLimit-Remaining", take_rate_remaining},
        {"RateLimit-Reset", take_rate_reset},
        {"X-RateLimit-Reset", take_rate_reset},
};

static void start_over(struct http_head *head, const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len);
    size_t rest;

    http_head_reset(head);
    if (space == NULL)
        return;
    rest = (size_t)(line + len - space - 1);
    if (rest >= 3)
        head->response.status = (int)read_number(space + 1, 3);
}

/* Without the blanks around the value; false when it is no header. */
static bool split_line(const char *line, size_t len, const char **ret_colon,
                       struct cursor *ret_value)
{
    const char *colon, *value;

    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n' || is_space(line[len - 1])))
        len--;
    colon = memchr(line, ':', len);
    if (colon == NULL)
        return false;
    value = colon + 1;
    while (value < line + len && is_space(*value))
        value++;
    *ret_colon = colon;
    *ret_value = (struct cursor){value, line + len};
    return true;
}

void http_head_line(struct http_head *head, const char *line, size_t len)
{
    struct cursor value;
    const char *colon;

    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        start_over(head, line, len);
        return;
    }
    if (!split_line(line, len, &colon, &value))
        return;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (word_is(line, colon, fields[i].name))
            fields[i].take(head, value.at, (size_t)(value.end - value.at));
}

void http_head_keep(struct http_head *head, const char *name, const char *line, size_t len)
{
    struct cursor value;
    const char *colon;

    if (split_line(line, len, &colon, &value) && word_is(line, colon, name))
        (void)copy_value(value.at, (size_t)(value.end - value.at), head->response.kept,
                         sizeof(head->response.kept));
}
