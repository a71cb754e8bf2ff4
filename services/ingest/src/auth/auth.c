#include "auth/auth.h"

#include "auth/sns.h"

#include "base/buf.h"
#include "base/signature.h"
#include "base/text.h"
#include "oidc/jwt.h"

#include <string.h>

enum { CREDENTIALS_MAX_BYTES = 16 * 1024 };

/* `*ret_why` stays NULL when nothing was there for the rule. */
typedef enum auth_verdict rule_fn(const struct auth_rule *rule, const struct auth_request *request,
                                  const char **ret_why);

static const char *header(const struct auth_request *request, const char *name)
{
    return request->header ? request->header(request->opaque, name) : NULL;
}

static enum auth_verdict judge(bool right, const char *wrong, const char **ret_why)
{
    if (right)
        return AUTH_ALLOWED;
    *ret_why = wrong;
    return AUTH_DENIED;
}

static enum auth_verdict equal(const char *secret, const char *given, const char *wrong,
                               const char **ret_why)
{
    if (!given)
        return AUTH_DENIED;
    return judge(mu_secret_equal(secret, strlen(secret), given, strlen(given)), wrong, ret_why);
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
                                      const struct auth_request *request, const char **ret_why)
{
    return equal(rule->secret, credentials(request, "Bearer"), "the bearer token is wrong",
                 ret_why);
}

static enum auth_verdict check_basic(const struct auth_rule *rule,
                                     const struct auth_request *request, const char **ret_why)
{
    const char *given = credentials(request, "Basic");
    MU_AUTO_DONE(mu_buf_done) struct mu_buf plain;
    struct mu_error ignored;
    bool right;

    mu_buf_init(&plain, CREDENTIALS_MAX_BYTES);
    if (!given)
        return AUTH_DENIED;
    right = mu_base64_decode(given, strlen(given), &plain, &ignored) == MU_OK &&
            mu_secret_equal(rule->secret, strlen(rule->secret), plain.data, plain.len);
    return judge(right, "user or password is wrong", ret_why);
}

static enum auth_verdict check_header(const struct auth_rule *rule,
                                      const struct auth_request *request, const char **ret_why)
{
    return equal(rule->secret, header(request, rule->header), "the secret header is wrong",
                 ret_why);
}

static enum auth_verdict check_url(const struct auth_rule *rule, const struct auth_request *request,
                                   const char **ret_why)
{
    const char *given = request->query ? request->query(request->opaque, rule->parameter) : NULL;

    return equal(rule->secret, given, "the secret in the URL is wrong", ret_why);
}

static enum auth_verdict check_hmac(const struct auth_rule *rule,
                                    const struct auth_request *request, const char **ret_why)
{
    enum mu_hash hash = rule->kind == SOURCE_AUTH_HMAC_SHA1 ? MU_HASH_SHA1 : MU_HASH_SHA256;
    const char *given = header(request, rule->header), *prefix = rule->prefix ? rule->prefix : "";
    char right[MU_HMAC_HEX_SIZE];

    if (!given)
        return AUTH_DENIED;
    if (!mu_text_starts(given, prefix))
        return judge(false, "the signature is of another kind", ret_why);
    mu_hmac_hex(hash, rule->secret, strlen(rule->secret), request->body, request->len, right);
    return equal(right, given + strlen(prefix), "the signature is wrong", ret_why);
}

static enum auth_verdict check_jwt(const struct auth_rule *rule, const struct auth_request *request,
                                   const char **ret_why)
{
    static const enum auth_verdict verdicts[] = {[MU_JWT_RIGHT] = AUTH_ALLOWED,
                                                 [MU_JWT_WRONG] = AUTH_DENIED,
                                                 [MU_JWT_LATER] = AUTH_LATER};
    const struct mu_jwt_rule jwt = {rule->issuer, rule->audience, rule->email, rule->subject,
                                    rule->keys};
    const char *token = credentials(request, "Bearer");

    return token ? verdicts[mu_jwt_check(&jwt, token, request->now_us, NULL, ret_why)]
                 : AUTH_DENIED;
}

static enum auth_verdict check_sns(const struct auth_rule *rule, const struct auth_request *request,
                                   const char **ret_why)
{
    return sns_check(rule, request->body, request->len, ret_why);
}

static enum auth_verdict check_mtls(const struct auth_rule *rule,
                                    const struct auth_request *request, const char **ret_why)
{
    const char *wanted = rule->client_subject, *given = request->client_subject;
    size_t len = strlen(wanted);
    bool right;

    if (!given)
        return AUTH_DENIED;
    right = len > 0 && wanted[len - 1] == '*' ? strncmp(given, wanted, len - 1) == 0
                                              : strcmp(given, wanted) == 0;
    return judge(right, "the client certificate is another's", ret_why);
}

static const char custom[] = "Muster"; /* no scheme of HTTP fits, and 401 must name one */

/* In the order of the bits of enum source_auth. */
static const struct way {
    enum source_auth kind;
    const char *word;
    rule_fn *check;
    const char *missing;
    const char *challenge;
} ways[] = {
        {SOURCE_AUTH_BEARER, "bearer", check_bearer, "a bearer token is missing", "Bearer"},
        {SOURCE_AUTH_BASIC, "basic", check_basic, "user and password are missing",
         "Basic realm=\"muster\""},
        {SOURCE_AUTH_HEADER, "header", check_header, "the secret header is missing", custom},
        {SOURCE_AUTH_HMAC_SHA256, "hmac-sha256", check_hmac, "the signature is missing", custom},
        {SOURCE_AUTH_HMAC_SHA1, "hmac-sha1", check_hmac, "the signature is missing", custom},
        {SOURCE_AUTH_JWT, "jwt", check_jwt, "a JSON Web Token is missing", "Bearer"},
        {SOURCE_AUTH_SNS, "sns", check_sns, "the SNS signature is missing", custom},
        {SOURCE_AUTH_URL, "url", check_url, "the secret in the URL is missing", custom},
        {SOURCE_AUTH_MTLS, "mtls", check_mtls, "a client certificate that we trust is missing",
         custom},
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

static const struct way *way_of(enum source_auth kind)
{
    size_t i = 0;

    while (i + 1 < WAYS && ways[i].kind != kind)
        i++;
    return &ways[i];
}

enum auth_verdict auth_check(const struct auth_rule *rules, size_t count,
                             const struct auth_request *request, const char **ret_why)
{
    enum auth_verdict best = AUTH_DENIED;
    const char *wrong = NULL;

    *ret_why = "";
    if (count == 0)
        return AUTH_ALLOWED;
    for (size_t i = 0; i < count; i++) {
        enum auth_verdict verdict = way_of(rules[i].kind)->check(&rules[i], request, &wrong);

        if (verdict == AUTH_ALLOWED || (verdict == AUTH_LATER && best == AUTH_DENIED))
            best = verdict;
    }
    if (best == AUTH_LATER)
        *ret_why = "the sender's key is being fetched";
    else if (best == AUTH_DENIED)
        *ret_why = wrong ? wrong : way_of(rules[0].kind)->missing;
    return best;
}

const char *auth_challenge(const struct auth_rule *rules, size_t count)
{
    return count > 0 ? way_of(rules[0].kind)->challenge : custom;
}

void auth_words(unsigned kinds, struct mu_buf *out)
{
    for (size_t i = 0; i < WAYS; i++)
        if (kinds & ways[i].kind)
            mu_buf_printf(out, "%s%s", out->len > 0 ? ", " : "", ways[i].word);
}
