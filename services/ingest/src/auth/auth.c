#include "auth/auth.h"

#include "auth/jwt.h"
#include "auth/sns.h"

#include "base/buf.h"
#include "base/signature.h"
#include "base/text.h"

#include <string.h>

enum { CREDENTIALS_MAX_BYTES = 16 * 1024 };

typedef enum auth_verdict rule_fn(const struct auth_rule *rule, const struct auth_request *request);

static const char *header(const struct auth_request *request, const char *name)
{
    return request->header ? request->header(request->opaque, name) : NULL;
}

static enum auth_verdict equal(const char *secret, const char *given)
{
    return given && mu_secret_equal(secret, strlen(secret), given, strlen(given)) ? AUTH_ALLOWED
                                                                                  : AUTH_DENIED;
}

/* What follows "Scheme " in Authorization; scheme names have no case (RFC 9110, section 11.1). */
static const char *credentials(const struct auth_request *request, const char *scheme)
{
    const char *given = header(request, "Authorization");
    size_t len = strlen(scheme);

    if (!given || strncasecmp(given, scheme, len) != 0 || given[len] != ' ')
        return NULL;
    return given + len + strspn(given + len, " ");
}

static enum auth_verdict check_bearer(const struct auth_rule *rule,
                                      const struct auth_request *request)
{
    return equal(rule->secret, credentials(request, "Bearer"));
}

static enum auth_verdict check_basic(const struct auth_rule *rule,
                                     const struct auth_request *request)
{
    const char *given = credentials(request, "Basic");
    MU_AUTO_DONE(mu_buf_done) struct mu_buf plain;
    struct mu_error ignored;

    mu_buf_init(&plain, CREDENTIALS_MAX_BYTES);
    if (!given || mu_base64_decode(given, strlen(given), &plain, &ignored) != MU_OK)
        return AUTH_DENIED;
    return mu_secret_equal(rule->secret, strlen(rule->secret), plain.data, plain.len) ? AUTH_ALLOWED
                                                                                      : AUTH_DENIED;
}

static enum auth_verdict check_header(const struct auth_rule *rule,
                                      const struct auth_request *request)
{
    return equal(rule->secret, header(request, rule->header));
}

static enum auth_verdict check_url(const struct auth_rule *rule, const struct auth_request *request)
{
    return equal(rule->secret,
                 request->query ? request->query(request->opaque, rule->parameter) : NULL);
}

static enum auth_verdict check_hmac(const struct auth_rule *rule,
                                    const struct auth_request *request)
{
    enum mu_hash hash = rule->kind == SOURCE_AUTH_HMAC_SHA1 ? MU_HASH_SHA1 : MU_HASH_SHA256;
    const char *given = header(request, rule->header), *prefix = rule->prefix ? rule->prefix : "";
    char right[MU_HMAC_HEX_SIZE];

    if (!given || !mu_text_starts(given, prefix))
        return AUTH_DENIED;
    mu_hmac_hex(hash, rule->secret, strlen(rule->secret), request->body, request->len, right);
    return equal(right, given + strlen(prefix));
}

static enum auth_verdict check_jwt(const struct auth_rule *rule, const struct auth_request *request)
{
    const char *token = credentials(request, "Bearer");

    return token ? jwt_check(rule, token, request->now_us) : AUTH_DENIED;
}

static enum auth_verdict check_sns(const struct auth_rule *rule, const struct auth_request *request)
{
    return sns_check(rule, request->body, request->len, request->now_us);
}

static enum auth_verdict check_mtls(const struct auth_rule *rule,
                                    const struct auth_request *request)
{
    const char *wanted = rule->client_subject, *given = request->client_subject;
    size_t len = strlen(wanted);

    if (!given)
        return AUTH_DENIED;
    if (len > 0 && wanted[len - 1] == '*')
        return strncmp(given, wanted, len - 1) == 0 ? AUTH_ALLOWED : AUTH_DENIED;
    return strcmp(given, wanted) == 0 ? AUTH_ALLOWED : AUTH_DENIED;
}

static const struct {
    enum source_auth kind;
    rule_fn *check;
    const char *denied;
} kinds[] = {
        {SOURCE_AUTH_BEARER, check_bearer, "the bearer token is missing or wrong"},
        {SOURCE_AUTH_BASIC, check_basic, "user and password are missing or wrong"},
        {SOURCE_AUTH_HEADER, check_header, "the secret header is missing or wrong"},
        {SOURCE_AUTH_HMAC_SHA256, check_hmac, "the signature is missing or wrong"},
        {SOURCE_AUTH_HMAC_SHA1, check_hmac, "the signature is missing or wrong"},
        {SOURCE_AUTH_JWT, check_jwt, "the JSON Web Token is missing, expired or not for us"},
        {SOURCE_AUTH_SNS, check_sns, "the SNS signature or topic is wrong"},
        {SOURCE_AUTH_URL, check_url, "the secret in the URL is missing or wrong"},
        {SOURCE_AUTH_MTLS, check_mtls, "the client certificate is missing or another's"},
};

static enum auth_verdict check_rule(const struct auth_rule *rule,
                                    const struct auth_request *request, const char **ret_denied)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].kind != rule->kind)
            continue;
        *ret_denied = kinds[i].denied;
        return kinds[i].check(rule, request);
    }
    return AUTH_DENIED;
}

enum auth_verdict auth_check(const struct auth_rule *rules, size_t count,
                             const struct auth_request *request, const char **ret_why)
{
    enum auth_verdict best = AUTH_DENIED;

    *ret_why = "";
    if (count == 0)
        return AUTH_ALLOWED;
    for (size_t i = 0; i < count; i++) {
        enum auth_verdict verdict = check_rule(&rules[i], request, ret_why);

        if (verdict == AUTH_ALLOWED || (verdict == AUTH_LATER && best == AUTH_DENIED))
            best = verdict;
    }
    if (best == AUTH_LATER)
        *ret_why = "the sender's key is being fetched";
    return best;
}
