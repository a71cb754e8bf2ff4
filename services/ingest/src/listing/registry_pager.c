#include "listing/registry_pager.h"

#include "base/stop.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum {
    ATTEMPTS_MAX = 3,
    WAIT_SLICE_MS = 200,
    RATE_WAIT_MAX_MS = 60000, /* longer ones end the listing */
    RATE_RESERVE = 10,        /* of a long window: left to those who pull */
    EMPTY_PAGES_MAX = 100,
    URL_SIZE = 1600
};

/* ---- patience ---- */

static bool is_over(const struct registry_line *line)
{
    return atomic_load(line->stopping) || (line->ends && atomic_load(line->ends));
}

/* False when it was ended. */
static bool wait_ms(const struct registry_line *line, int64_t ms)
{
    for (; ms > 0; ms -= WAIT_SLICE_MS)
        if (is_over(line) || mu_stop_wait(ms < WAIT_SLICE_MS ? ms : WAIT_SLICE_MS))
            return false;
    return !is_over(line);
}

static enum mu_status ended(struct mu_error *err)
{
    return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
}

/* Before a request: whether the registry allows it. */
static enum mu_status respect_rate(struct registry_line *line, struct mu_error *err)
{
    int64_t reset_ms = line->rate_reset_ms, remaining = line->rate_remaining;

    line->rate_remaining = line->rate_reset_ms = -1;
    if (remaining < 0 || reset_ms < 0 ||
        remaining > (reset_ms > RATE_WAIT_MAX_MS ? RATE_RESERVE : 0))
        return MU_OK;
    if (reset_ms <= RATE_WAIT_MAX_MS)
        return wait_ms(line, reset_ms) ? MU_OK : ended(err);
    line->blocked_ms = reset_ms;
    return mu_fail(err, MU_E_UNAVAILABLE,
                   "the registry allows %lld more requests within %lld s, and pulls need those",
                   (long long)remaining, (long long)(reset_ms / 1000));
}

/* After a request: whether it failed and is worth another attempt, after a while. */
static bool try_again(struct registry_line *line, enum mu_status st, int attempt,
                      const struct mu_http_response *response)
{
    struct mu_backoff backoff = {line->retry_min_ms, 8 * line->retry_min_ms, (unsigned)attempt};

    line->status = response->status;
    line->rate_remaining = response->rate_remaining;
    line->rate_reset_ms = response->rate_reset_ms;
    if (st != MU_OK && response->status == 429 && response->retry_after_ms > 0)
        line->blocked_ms = response->retry_after_ms;
    return st == MU_E_UNAVAILABLE && attempt + 1 < ATTEMPTS_MAX && line->blocked_ms == 0 &&
           wait_ms(line, mu_backoff_next_ms(&backoff));
}

static void forget(struct mu_http_response *response)
{
    *response = (struct mu_http_response){
            .retry_after_ms = -1, .rate_remaining = -1, .rate_reset_ms = -1};
}

enum mu_status registry_line_look_up(struct registry_line *line, const char *tag,
                                     struct mu_registry_manifest *ret_manifest,
                                     struct mu_error *err)
{
    struct mu_http_response response;
    enum mu_status st;
    int attempt = 0;

    do {
        forget(&response);
        st = respect_rate(line, err);
        if (st == MU_OK)
            st = mu_registry_look_up_tag(line->client, tag, ret_manifest, &response, err);
    } while (try_again(line, st, attempt++, &response));
    return st;
}

/* ---- pages ---- */

struct walk {
    const struct registry_pager *pager;
    char url[URL_SIZE];
    char landmark[URL_SIZE]; /* a page read earlier: the way back to it is a loop (Brent) */
    size_t steps, power;
    size_t empty; /* pages without names in a row */
};

static enum mu_status take_body(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct mu_buf *body = opaque;

    mu_buf_append(body, bytes, len);
    return mu_buf_status(body, "page", err);
}

static enum mu_status fetch_page(const struct walk *walk, struct mu_buf *body,
                                 struct mu_http_response *ret_response, struct mu_error *err)
{
    struct mu_http_request request = {.method = "GET",
                                      .url = walk->url,
                                      .on_body = take_body,
                                      .opaque = body,
                                      .max_body_bytes = LISTING_PAGE_MAX_BYTES};
    struct registry_line *line = walk->pager->line;
    enum mu_status st;
    int attempt = 0;

    do {
        forget(ret_response);
        mu_buf_reset(body);
        st = respect_rate(line, err);
        if (st == MU_OK)
            st = mu_registry_request(line->client, &request, ret_response, err);
    } while (try_again(line, st, attempt++, ret_response));
    return st;
}

/* "https://registry.example" and what may follow it in a URL of the same registry. */
static bool stays_with(const char *url, const char *registry)
{
    size_t len = strlen(registry);

    return strncmp(url, registry, len) == 0 && url[len] == '/';
}

/* Takes the link to the next page. MU_END: there is none. */
static enum mu_status turn(struct walk *walk, const char *link, struct mu_error *err)
{
    if (link[0] == '\0')
        return MU_END;
    if (!stays_with(link, walk->pager->line->url))
        return mu_fail(err, MU_E_INVALID, "the next page is said to be '%.200s', not at %.200s",
                       link, walk->pager->line->url);
    if (mu_text_equal(link, walk->landmark) || mu_text_equal(link, walk->url) ||
        walk->empty == EMPTY_PAGES_MAX)
        return mu_fail(err, MU_E_INVALID, "the pages lead in a circle at '%.200s'", link);
    if (walk->steps++ == walk->power) {
        walk->steps = 0;
        walk->power *= 2;
        memcpy(walk->landmark, walk->url, sizeof(walk->landmark));
    }
    (void)snprintf(walk->url, sizeof(walk->url), "%s", link);
    return MU_OK;
}

static enum mu_status read_page(struct walk *walk, struct mu_buf *body, struct mu_error *err)
{
    const struct registry_pager *pager = walk->pager;
    struct mu_http_response response;
    size_t count = 0;
    enum mu_status st = fetch_page(walk, body, &response, err);

    if (st == MU_OK)
        st = listing_page_read(body->data, body->len, pager->member, pager->each, pager->opaque,
                               &count, err);
    if (st != MU_OK)
        return st;
    walk->empty = count == 0 ? walk->empty + 1 : 0;
    return turn(walk, response.link_next, err);
}

enum mu_status registry_pager_run(const struct registry_pager *pager, size_t *ret_pages,
                                  struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    struct walk walk = {.pager = pager, .power = 1};
    int len = snprintf(walk.url, sizeof(walk.url), "%s/v2/%s?n=%lld", pager->line->url, pager->path,
                       (long long)pager->page_limit);
    enum mu_status st = len > 0 && (size_t)len < sizeof(walk.url)
                                ? MU_OK
                                : mu_fail(err, MU_E_LIMIT, "a repository's name is too long");

    *ret_pages = 0;
    mu_buf_init(&body, LISTING_PAGE_MAX_BYTES);
    while (st == MU_OK) {
        st = is_over(pager->line) ? ended(err) : read_page(&walk, &body, err);
        *ret_pages += st == MU_OK || st == MU_END;
    }
    return st == MU_END ? MU_OK : st;
}
