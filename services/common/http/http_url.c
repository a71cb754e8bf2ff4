#include "http/http_url.h"

#include "base/memory.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

static void release_url(CURLU **url)
{
    curl_url_cleanup(*url); /* NULL is fine */
}

static void release_part(char **part)
{
    curl_free(*part); /* NULL is fine */
}

static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;

    return curl_url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

static CURLU *parse_url(const char *text)
{
    CURLU *url = curl_url();

    if (url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK) {
        curl_url_cleanup(url);
        url = NULL;
    }
    return url;
}

enum mu_status http_url_resolve(const char *base, const char *reference, char **ret_url,
                                struct mu_error *err)
{
    MU_AUTO_DONE(release_url) CURLU *url = parse_url(base);
    MU_AUTO_DONE(release_part) char *scheme = NULL, *user = NULL, *whole = NULL;

    if (url == NULL)
        return mu_fail(err, MU_E_INVALID, "no URL: '%s'", base);
    if (curl_url_set(url, CURLUPART_URL, reference, CURLU_DISALLOW_USER) != CURLUE_OK)
        return mu_fail(err, MU_E_INVALID, "no URL to go to: '%.200s'", reference);
    scheme = url_part(url, CURLUPART_SCHEME, 0);
    user = url_part(url, CURLUPART_USER, 0);
    if (scheme == NULL || (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0))
        return mu_fail(err, MU_E_INVALID, "no http or https URL: '%.200s'", reference);
    if (user != NULL)
        return mu_fail(err, MU_E_INVALID, "URL with a user name");
    whole = url_part(url, CURLUPART_URL, 0);
    if (whole == NULL)
        return mu_fail(err, MU_E_NOMEM, "URL '%.200s'", reference);
    *ret_url = mu_xstrdup(whole);
    return MU_OK;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    MU_AUTO_DONE(release_part) char *in_a = url_part(a, part, CURLU_DEFAULT_PORT);
    MU_AUTO_DONE(release_part) char *in_b = url_part(b, part, CURLU_DEFAULT_PORT);

    return in_a != NULL && in_b != NULL && strcasecmp(in_a, in_b) == 0;
}

bool http_url_same_origin(const char *a, const char *b)
{
    MU_AUTO_DONE(release_url) CURLU *url_a = parse_url(a);
    MU_AUTO_DONE(release_url) CURLU *url_b = parse_url(b);

    return url_a != NULL && url_b != NULL && same_part(url_a, url_b, CURLUPART_SCHEME) &&
           same_part(url_a, url_b, CURLUPART_HOST) && same_part(url_a, url_b, CURLUPART_PORT);
}

bool http_url_same_host(const char *a, const char *b)
{
    MU_AUTO_DONE(release_url) CURLU *url_a = parse_url(a);
    MU_AUTO_DONE(release_url) CURLU *url_b = parse_url(b);

    return url_a != NULL && url_b != NULL && same_part(url_a, url_b, CURLUPART_HOST);
}

static bool is_https(const char *url)
{
    return strncasecmp(url, "https://", 8) == 0;
}

bool http_url_may_lead_to(const char *from, const char *to)
{
    return !is_https(from) || is_https(to);
}
