#include "registry/cloud_login.h"

#include "base/clock.h"
#include "base/text.h"
#include "registry/aws_sign.h"
#include "registry/login_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REGION_SIZE = 64, URL_SIZE = 600, HEADERS_MAX = 5, ECR_LIFETIME_MS = 11 * 3600 * 1000 };

static const char target[] = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
static const char json_type[] = "application/x-amz-json-1.1";

struct aws_identity {
    struct mu_buf id, secret, session; /* session empty: none */
};

static void identity_done(struct aws_identity *identity)
{
    registry_secret_done(&identity->id);
    registry_secret_done(&identity->secret);
    registry_secret_done(&identity->session);
}

/* The region in "123456789012.dkr.ecr.REGION.amazonaws.com"; false: none that fits. */
static bool ecr_region(const char *host, char *ret_region, size_t size)
{
    static const char *const marks[] = {".dkr.ecr.", ".dkr.ecr-fips.", ".dkr-ecr."};

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        const char *at = strstr(host, marks[i]);
        size_t len = at ? strcspn(at + strlen(marks[i]), ".") : 0;

        if (len == 0 || len >= size)
            continue;
        memcpy(ret_region, at + strlen(marks[i]), len);
        ret_region[len] = '\0';
        return true;
    }
    return false;
}

/* Partition of China has a domain of its own. */
static const char *domain_of(const char *region)
{
    return mu_text_starts(region, "cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

/* ---- who we are ---- */

static bool from_environment(struct aws_identity *identity)
{
    const char *id = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");
    const char *session = getenv("AWS_SESSION_TOKEN");

    if (!id || !secret || id[0] == '\0' || secret[0] == '\0')
        return false;
    mu_buf_puts(&identity->id, id);
    mu_buf_puts(&identity->secret, secret);
    mu_buf_puts(&identity->session, session ? session : "");
    return true;
}

/* Text of the first element of that name: what STS answers has neither attributes nor entities in
 * these. */
static enum mu_status xml_take(const struct mu_buf *xml, const char *name, struct mu_buf *out,
                               struct mu_error *err)
{
    char open[40];
    const char *at;
    size_t len;

    (void)snprintf(open, sizeof(open), "<%s>", name);
    at = strstr(xml->data, open);
    len = at ? strcspn(at + strlen(open), "<") : 0;
    if (len == 0)
        return mu_fail(err, MU_E_INVALID, "AWS STS: its answer has no %s", name);
    mu_buf_append(out, at + strlen(open), len);
    return mu_buf_status(out, name, err);
}

static enum mu_status assume_role(const struct mu_registry_login *login, const char *region,
                                  const char *role, const char *token_file,
                                  struct aws_identity *identity, struct mu_error *err)
{
    MU_AUTO_DONE(registry_secret_done) struct mu_buf token, form, answer;
    const char *session = getenv("AWS_ROLE_SESSION_NAME");
    char url[URL_SIZE];

    mu_buf_init(&token, REGISTRY_SECRET_MAX_BYTES);
    mu_buf_init(&form, 4 * REGISTRY_SECRET_MAX_BYTES);
    mu_buf_init(&answer, REGISTRY_ANSWER_MAX_BYTES);
    if (login_file_read("AWS web identity", token_file, &token, err) != MU_OK)
        return err->status;
    login_form_add(&form, "Action", "AssumeRoleWithWebIdentity");
    login_form_add(&form, "Version", "2011-06-15");
    login_form_add(&form, "RoleArn", role);
    login_form_add(&form, "RoleSessionName", session && session[0] != '\0' ? session : "muster");
    login_form_add(&form, "WebIdentityToken", token.data);
    if (login->sts_endpoint)
        (void)snprintf(url, sizeof(url), "%s/", login->sts_endpoint);
    else
        (void)snprintf(url, sizeof(url), "https://sts.%s.%s/", region, domain_of(region));
    if (login_post_form("AWS STS", url, &form, &answer, err) != MU_OK ||
        xml_take(&answer, "AccessKeyId", &identity->id, err) != MU_OK ||
        xml_take(&answer, "SecretAccessKey", &identity->secret, err) != MU_OK ||
        xml_take(&answer, "SessionToken", &identity->session, err) != MU_OK)
        return err->status;
    return MU_OK;
}

static enum mu_status identity_find(const struct mu_registry_login *login, const char *region,
                                    struct aws_identity *identity, struct mu_error *err)
{
    const char *role = getenv("AWS_ROLE_ARN"), *file = getenv("AWS_WEB_IDENTITY_TOKEN_FILE");

    if (from_environment(identity))
        return MU_OK;
    if (!role || !file || role[0] == '\0' || file[0] == '\0')
        return mu_fail(err, MU_E_DENIED,
                       "ecr: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_ROLE_ARN and "
                       "AWS_WEB_IDENTITY_TOKEN_FILE");
    return assume_role(login, region, role, file, identity, err);
}

/* ---- the token ---- */

static const char *host_of(const char *url)
{
    const char *scheme = strstr(url, "://");

    return scheme ? scheme + 3 : url;
}

/* Header lines for the request, from what is signed. */
static void lines_make(const struct aws_header *headers, size_t count, struct mu_buf *lines,
                       const char **ret_lines)
{
    for (size_t i = 0; i < count; i++)
        mu_buf_printf(&lines[i], "%s: %s", headers[i].name, headers[i].value);
    for (size_t i = 0; i < count; i++)
        ret_lines[i] = lines[i].data;
    ret_lines[count] = NULL;
}

struct signed_lines {
    struct mu_buf lines[HEADERS_MAX], authorization;
};

static void signed_lines_done(struct signed_lines *signed_lines)
{
    for (size_t i = 0; i < HEADERS_MAX; i++)
        registry_secret_done(&signed_lines->lines[i]);
    registry_secret_done(&signed_lines->authorization);
}

static enum mu_status token_request(const char *endpoint, const char *region,
                                    const struct aws_identity *identity, struct mu_buf *answer,
                                    struct mu_error *err)
{
    MU_AUTO_DONE(signed_lines_done) struct signed_lines own = {0};
    char date[AWS_DATE_SIZE], url[URL_SIZE + 1];
    struct aws_header headers[HEADERS_MAX] = {
            {"content-type", json_type}, {"host", host_of(endpoint)}, {"x-amz-date", date}};
    const char *lines[HEADERS_MAX + 1];
    size_t count = 3;
    const struct aws_keys keys = {identity->id.data, identity->secret.data};
    struct aws_request to_sign = {.method = "POST",
                                  .path = "/",
                                  .query = "",
                                  .body = "{}",
                                  .body_len = 2,
                                  .region = region,
                                  .service = "ecr"};
    struct mu_http_request request = {
            .method = "POST", .url = url, .headers = lines, .body = "{}", .body_len = 2};

    if (identity->session.len > 0)
        headers[count++] = (struct aws_header){"x-amz-security-token", identity->session.data};
    headers[count++] = (struct aws_header){"x-amz-target", target};
    for (size_t i = 0; i < HEADERS_MAX; i++)
        mu_buf_init(&own.lines[i], REGISTRY_SECRET_MAX_BYTES);
    mu_buf_init(&own.authorization, 4096);
    (void)snprintf(url, sizeof(url), "%s/", endpoint);
    aws_date(mu_now_us(), date);
    to_sign.headers = headers;
    to_sign.header_count = count;
    aws_sign(&to_sign, &keys, date, &own.authorization);
    lines_make(headers, count, own.lines, lines);
    request.authorization = own.authorization.data;
    return login_request("ecr GetAuthorizationToken", &request, answer, err);
}

/* "AWS:token" in base64. */
static enum mu_status token_take(const struct mu_buf *answer,
                                 struct registry_credential *credential, struct mu_error *err)
{
    MU_AUTO_DONE(registry_secret_done) struct mu_buf text, pair;
    const char *colon;

    mu_buf_init(&text, REGISTRY_SECRET_MAX_BYTES);
    mu_buf_init(&pair, REGISTRY_SECRET_MAX_BYTES);
    if (login_text_take("ecr", answer, "authorizationData.0.authorizationToken", &text, err) !=
        MU_OK)
        return err->status;
    colon = mu_base64_decode(text.data, text.len, &pair, err) == MU_OK
                    ? memchr(pair.data, ':', pair.len)
                    : NULL;
    if (!colon)
        return mu_fail(err, MU_E_INVALID, "ecr: its token is no base64 of user:password");
    mu_buf_append(&credential->user, pair.data, (size_t)(colon - pair.data));
    mu_buf_puts(&credential->secret, colon + 1);
    credential->kind = CREDENTIAL_BASIC;
    credential->lifetime_ms = ECR_LIFETIME_MS; /* of twelve hours */
    return MU_OK;
}

enum mu_status ecr_login(const struct mu_registry_access *access,
                         struct registry_credential *credential, struct mu_error *err)
{
    const struct mu_registry_login *login = &access->login;
    MU_AUTO_DONE(identity_done) struct aws_identity identity;
    MU_AUTO_DONE(registry_secret_done) struct mu_buf answer;
    char region[REGION_SIZE], endpoint[URL_SIZE];

    mu_buf_init(&identity.id, 1024);
    mu_buf_init(&identity.secret, 1024);
    mu_buf_init(&identity.session, REGISTRY_SECRET_MAX_BYTES);
    mu_buf_init(&answer, REGISTRY_ANSWER_MAX_BYTES);
    if (login->region)
        (void)snprintf(region, sizeof(region), "%s", login->region);
    else if (!ecr_region(access->host, region, sizeof(region)))
        return mu_fail(err, MU_E_DENIED, "ecr: '%.200s' names no region: set \"region\"",
                       access->host);
    if (login->endpoint)
        (void)snprintf(endpoint, sizeof(endpoint), "%s", login->endpoint);
    else
        (void)snprintf(endpoint, sizeof(endpoint), "https://api.ecr.%s.%s", region,
                       domain_of(region));
    if (identity_find(login, region, &identity, err) != MU_OK ||
        token_request(endpoint, region, &identity, &answer, err) != MU_OK)
        return err->status;
    return token_take(&answer, credential, err);
}
