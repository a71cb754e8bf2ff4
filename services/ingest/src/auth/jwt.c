#include "auth/jwt.h"

#include "auth/key_store.h"

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

static bool claims_fit(const struct auth_rule *rule, const json_t *claims, int64_t now_us)
{
    return audience_fits(claims, rule->audience) && issuer_fits(claims, rule->issuer) &&
           time_fits(claims, now_us) && email_fits(claims, rule->email) &&
           (!rule->subject || mu_text_equal(mu_json_text_at(claims, "sub"), rule->subject));
}

/* ---- the whole ---- */

static enum auth_verdict verdict_of(enum key_answer answer)
{
    if (answer == KEY_RIGHT)
        return AUTH_ALLOWED;
    return answer == KEY_LATER ? AUTH_LATER : AUTH_DENIED;
}

enum auth_verdict jwt_check(const struct auth_rule *rule, const char *text, int64_t now_us)
{
    MU_AUTO_DONE(token_done) struct token token;
    const char *algorithm, *kid;

    if (!token_read(text, &token))
        return AUTH_DENIED;
    algorithm = mu_json_text_at(token.header, "alg");
    kid = mu_json_text_at(token.header, "kid");
    if (!kid || json_object_get(token.header, "crit") ||
        (!mu_text_equal(algorithm, "RS256") && !mu_text_equal(algorithm, "ES256")))
        return AUTH_DENIED;
    /* Claims first: a token that is not for us leads to no fetch. */
    if (!claims_fit(rule, token.claims, now_us))
        return AUTH_DENIED;
    return verdict_of(key_store_verify(rule->keys, kid, MU_HASH_SHA256, token.text,
                                       token.signed_len, token.signature.data,
                                       token.signature.len));
}
