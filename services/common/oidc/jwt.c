#include "oidc/jwt.h"

#include "oidc/key_store.h"

#include "base/buf.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>

enum { TOKEN_MAX_BYTES = 16 * 1024, LEEWAY_S = 60 };

static const struct mu_json_limits limits = {TOKEN_MAX_BYTES, 16};

struct token {
    const char *text;
    size_t signed_len; /* of "header.payload" */
    json_t *header, *claims;
    struct mu_buf signature;
};

static void token_done(struct token *token)
{
    json_decref(token->header);
    json_decref(token->claims);
    mu_buf_done(&token->signature);
}

static json_t *read_part(const char *text, size_t len)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf plain;
    json_t *root = NULL;
    struct mu_error ignored;

    mu_buf_init(&plain, TOKEN_MAX_BYTES);
    if (mu_base64url_decode(text, len, &plain, &ignored) != MU_OK ||
        mu_json_parse(plain.data, plain.len, &limits, &root, &ignored) != MU_OK)
        return NULL;
    return root;
}

/* False when it has not the form of a token. */
static bool token_read(const char *text, struct token *token)
{
    const char *first = strchr(text, '.'), *second = first ? strchr(first + 1, '.') : NULL;
    struct mu_error ignored;

    *token = (struct token){.text = text};
    mu_buf_init(&token->signature, TOKEN_MAX_BYTES);
    if (!second || strchr(second + 1, '.') || strlen(text) > TOKEN_MAX_BYTES)
        return false;
    token->signed_len = (size_t)(second - text);
    token->header = read_part(text, (size_t)(first - text));
    token->claims = read_part(first + 1, (size_t)(second - first) - 1);
    return token->header && token->claims &&
           mu_base64url_decode(second + 1, strlen(second + 1), &token->signature, &ignored) ==
                   MU_OK;
}

/* ---- claims ---- */

static bool audience_fits(const json_t *claims, const char *audience)
{
    const json_t *told = json_object_get(claims, "aud"), *one;
    size_t index;

    if (json_is_string(told))
        return mu_text_equal(json_string_value(told), audience);
    json_array_foreach (told, index, one) {
        if (mu_text_equal(json_string_value(one), audience))
            return true;
    }
    return false;
}

/* Google's tokens name their issuer with and without the scheme. */
static bool issuer_fits(const json_t *claims, const char *issuer)
{
    static const char scheme[] = "https://";
    const char *told = mu_json_text_at(claims, "iss");

    if (!issuer)
        return true;
    if (mu_text_equal(told, issuer))
        return true;
    return told && mu_text_starts(issuer, scheme) && mu_text_equal(told, issuer + strlen(scheme)) &&
           mu_text_equal(told, "accounts.google.com");
}

static bool time_fits(const json_t *claims, int64_t now_us)
{
    const json_t *expires = json_object_get(claims, "exp");
    const json_t *begins = json_object_get(claims, "nbf");
    double now_s = (double)now_us / 1e6;

    if (!json_is_number(expires) || json_number_value(expires) + LEEWAY_S < now_s)
        return false;
    return !json_is_number(begins) || json_number_value(begins) - LEEWAY_S <= now_s;
}

static bool email_fits(const json_t *claims, const char *email)
{
    if (!email)
        return true;
    return mu_text_equal(mu_json_text_at(claims, "email"), email) &&
           json_is_true(json_object_get(claims, "email_verified"));
}

/* What is wrong with the claims, or NULL. */
static const char *claims_wrong(const struct mu_jwt_rule *rule, const json_t *claims,
                                int64_t now_us)
{
    if (!issuer_fits(claims, rule->issuer))
        return "the JSON Web Token has another issuer";
    if (!audience_fits(claims, rule->audience))
        return "the JSON Web Token is for another audience";
    if (!email_fits(claims, rule->email))
        return "the JSON Web Token has another email, or one that is not verified";
    if (rule->subject && !mu_text_equal(mu_json_text_at(claims, "sub"), rule->subject))
        return "the JSON Web Token has another subject";
    return time_fits(claims, now_us) ? NULL : "the JSON Web Token has expired, or is not valid yet";
}

/* ---- the whole ---- */

/* RFC 7515 section 4.1.11: what is critical and unknown makes the token invalid. */
static const char *header_wrong(const json_t *header)
{
    const char *algorithm = mu_json_text_at(header, "alg");

    if (!mu_text_equal(algorithm, "RS256") && !mu_text_equal(algorithm, "ES256"))
        return "the JSON Web Token is signed by no algorithm that we take";
    if (!mu_json_text_at(header, "kid") || json_object_get(header, "crit"))
        return "the JSON Web Token names no key, or demands what we do not know";
    return NULL;
}

/* Claims first: a token that is not for us leads to no fetch. */
static const char *token_wrong(const struct mu_jwt_rule *rule, const struct token *token,
                               int64_t now_us)
{
    const char *why = header_wrong(token->header);

    return why ? why : claims_wrong(rule, token->claims, now_us);
}

enum mu_jwt_verdict mu_jwt_check(const struct mu_jwt_rule *rule, const char *text, int64_t now_us,
                                 json_t **ret_claims, const char **ret_why)
{
    MU_AUTO_DONE(token_done) struct token token;
    const char *why = "the JSON Web Token is none";
    enum mu_key_answer answer;

    if (token_read(text, &token))
        why = token_wrong(rule, &token, now_us);
    if (!why) {
        answer = mu_key_store_verify(rule->keys, mu_json_text_at(token.header, "kid"),
                                     MU_HASH_SHA256, token.text, token.signed_len,
                                     token.signature.data, token.signature.len);
        if (answer == MU_KEY_RIGHT) {
            if (ret_claims)
                *ret_claims = json_incref(token.claims);
            return MU_JWT_RIGHT;
        }
        if (answer == MU_KEY_LATER)
            return MU_JWT_LATER;
        why = "the signature of the JSON Web Token is wrong, or its key unknown";
    }
    *ret_why = why;
    return MU_JWT_WRONG;
}
