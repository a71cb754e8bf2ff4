#include "access/access.h"

#include "base/text.h"
#include "oidc/jwt.h"
#include "oidc/key_store.h"

#include <stdlib.h>
#include <string.h>

enum { CREDENTIALS_MAX_BYTES = 16 * 1024, CLAIM_VALUES_MAX = 256 };

static const char evidence_name[] = "evidence-token";

struct access {
    bool open;
    unsigned open_roles; /* of who has no credentials */
    const char *role_claim;
    struct access_rules rules;
    struct mu_jwt_rule jwt;
    struct mu_key_store *keys; /* NULL: no issuer */
};

/* ---- opening ---- */

static bool given(const char *text)
{
    return text && *text;
}

static bool has_rule(const struct access *access, enum access_rule_kind kind)
{
    for (size_t i = 0; i < access->rules.count; i++)
        if (access->rules.items[i].kind == kind)
            return true;
    return false;
}

static enum mu_status check_mode(const struct access_config *config, struct mu_error *err)
{
    if (mu_text_equal(config->mode, "required") || mu_text_equal(config->mode, "none"))
        return MU_OK;
    return mu_fail(err, MU_E_INVALID, "--auth: '%.40s' is neither required nor none", config->mode);
}

static enum mu_status check_issuer(const struct access_config *config, struct mu_error *err)
{
    if (!given(config->oidc_issuer)) {
        if (given(config->oidc_jwks_url) || given(config->oidc_jwks_file) ||
            given(config->oidc_audience))
            return mu_fail(err, MU_E_INVALID, "--oidc-issuer is missing: the 'iss' of tokens");
        return MU_OK;
    }
    if (!given(config->oidc_audience))
        return mu_fail(err, MU_E_INVALID, "--oidc-audience is missing: the 'aud' of tokens for us");
    if (given(config->oidc_jwks_url) == given(config->oidc_jwks_file))
        return mu_fail(err, MU_E_INVALID,
                       "--oidc-issuer needs either --oidc-jwks-url or --oidc-jwks-file");
    if (given(config->oidc_jwks_url) && !mu_text_starts(config->oidc_jwks_url, "https://") &&
        !mu_text_starts(config->oidc_jwks_url, "http://127.0.0.1"))
        return mu_fail(err, MU_E_INVALID, "--oidc-jwks-url must begin with https://");
    return MU_OK;
}

/* What can never be right is told at the start. */
static enum mu_status check_rules(const struct access *access, const struct access_config *config,
                                  struct mu_error *err)
{
    if (!access->open && access->rules.count == 0)
        return mu_fail(err, MU_E_INVALID,
                       "nobody could use the API: give --access-file (tokens, certificates, claims)"
                       ", or --auth=none to let everybody read");
    if (has_rule(access, ACCESS_SUBJECT) && !config->certificates)
        return mu_fail(err, MU_E_INVALID,
                       "--access-file has lines 'subject': they need --tls-client-ca-file");
    if (has_rule(access, ACCESS_CLAIM) != given(config->oidc_issuer))
        return mu_fail(err, MU_E_INVALID,
                       "--oidc-issuer and lines 'claim' in --access-file need each other");
    return MU_OK;
}

static enum mu_status open_issuer(struct access *access, const struct access_config *config,
                                  struct mu_error *err)
{
    const struct mu_key_store_config keys = {
            .jwks_url = given(config->oidc_jwks_url) ? config->oidc_jwks_url : NULL,
            .jwks_file = given(config->oidc_jwks_file) ? config->oidc_jwks_file : NULL,
            .ca_file = given(config->oidc_ca_file) ? config->oidc_ca_file : NULL,
            .user_agent = "muster-inventory"};

    if (!given(config->oidc_issuer))
        return MU_OK;
    if (mu_key_store_open(&keys, &access->keys, err) != MU_OK)
        return mu_wrap(err, "--oidc-jwks-%s", keys.jwks_file ? "file" : "url");
    access->jwt = (struct mu_jwt_rule){
            .issuer = config->oidc_issuer, .audience = config->oidc_audience, .keys = access->keys};
    return MU_OK;
}

enum mu_status access_open(const struct access_config *config, struct access **ret_access,
                           struct mu_error *err)
{
    MU_AUTO(access) struct access *access = mu_xcalloc(1, sizeof(*access));
    enum mu_status st = check_mode(config, err);

    access->open = mu_text_equal(config->mode, "none");
    access->open_roles = ROLE_VIEWER | ROLE_ASSESSOR | ROLE_INGEST |
                         (given(config->evidence_token) ? 0 : ROLE_SCANNER);
    access->role_claim = given(config->oidc_role_claim) ? config->oidc_role_claim : "roles";
    if (st == MU_OK)
        st = check_issuer(config, err);
    if (st == MU_OK && given(config->access_file) &&
        access_file_load(config->access_file, &access->rules, err) != MU_OK)
        st = mu_wrap(err, "--access-file");
    if (st == MU_OK && given(config->evidence_token))
        access_rules_add_token(&access->rules, evidence_name, ROLE_SCANNER, config->evidence_token);
    if (st == MU_OK)
        st = check_rules(access, config, err);
    if (st == MU_OK)
        st = open_issuer(access, config, err);
    if (st != MU_OK)
        return st;
    *ret_access = access;
    access = NULL;
    return MU_OK;
}

void access_close(struct access *access)
{
    if (!access)
        return;
    mu_key_store_close(access->keys);
    access_rules_done(&access->rules);
    free(access);
}

bool access_is_open(const struct access *access)
{
    return access->open;
}

const char *principal_kind_name(enum principal_kind kind)
{
    static const char *const names[] = {[PRINCIPAL_NONE] = "none",
                                        [PRINCIPAL_TOKEN] = "token",
                                        [PRINCIPAL_OIDC] = "oidc",
                                        [PRINCIPAL_CERTIFICATE] = "certificate"};

    return names[kind];
}

/* ---- identifying ---- */

/* What the lines that fit give together. */
struct grant {
    unsigned roles;
    const char *speaks_as;
    struct mu_arena *arena;
};

static void add_grant(struct grant *grant, const struct access_rule *rule)
{
    grant->roles |= rule->roles;
    if (rule->speaks_as)
        grant->speaks_as = grant->speaks_as ? mu_arena_concat(grant->arena, grant->speaks_as, ",",
                                                              rule->speaks_as, NULL)
                                            : rule->speaks_as;
}

enum mu_status principal_check_role(const struct principal *principal, const char *role,
                                    struct mu_error *err)
{
    const char *at = principal->speaks_as ? principal->speaks_as : "";

    if (!role)
        return MU_OK;
    for (size_t len; *at; at += len + (at[len] == ',')) {
        len = strcspn(at, ",");
        if (strlen(role) == len && memcmp(at, role, len) == 0)
            return MU_OK;
    }
    return mu_fail(err, MU_E_DENIED,
                   "'%.100s' may not speak as '%.60s': it takes as:%.60s among the roles of its "
                   "line in the access file",
                   principal->name, role, role);
}

static enum access_answer known(enum principal_kind kind, const char *name,
                                const struct grant *grant, struct mu_arena *arena,
                                const struct principal **ret_principal)
{
    struct principal *principal = mu_arena_alloc(arena, sizeof(*principal));

    if (!principal)
        return ACCESS_LATER;
    *principal =
            (struct principal){kind, grant->roles, mu_arena_strdup(arena, name), grant->speaks_as};
    if (!principal->name)
        return ACCESS_LATER;
    *ret_principal = principal;
    return ACCESS_KNOWN;
}

/* Looks at every token, whichever fits. */
static const struct access_rule *find_token(const struct access *access, const char *token)
{
    const struct access_rule *found = NULL;
    char hash[MU_DIGEST_TEXT_SIZE];

    mu_sha256_text(token, strlen(token), hash);
    for (size_t i = 0; i < access->rules.count; i++) {
        const struct access_rule *rule = &access->rules.items[i];

        if (rule->kind == ACCESS_TOKEN && mu_secret_equal(rule->token_hash, MU_DIGEST_TEXT_SIZE - 1,
                                                          hash, MU_DIGEST_TEXT_SIZE - 1))
            found = rule;
    }
    return found;
}

static void grant_claim(const struct access *access, const char *value, size_t len,
                        struct grant *grant)
{
    for (size_t i = 0; i < access->rules.count; i++) {
        const struct access_rule *rule = &access->rules.items[i];

        if (rule->kind == ACCESS_CLAIM && strlen(rule->text) == len &&
            memcmp(rule->text, value, len) == 0)
            add_grant(grant, rule);
    }
}

/* Of an array of texts, or of one text with words (RFC 8693 section 4.2 writes scopes so). */
static void grant_claims(const struct access *access, const json_t *claims, struct grant *grant)
{
    const json_t *told = mu_json_at(claims, access->role_claim), *one;
    size_t index;

    if (json_is_string(told)) {
        const char *at = json_string_value(told);

        for (size_t len; *at; at += len + (at[len] == ' ')) {
            len = strcspn(at, " ");
            grant_claim(access, at, len, grant);
        }
        return;
    }
    json_array_foreach (told, index, one) {
        if (index < CLAIM_VALUES_MAX && json_is_string(one))
            grant_claim(access, json_string_value(one), json_string_length(one), grant);
    }
}

static enum access_answer identify_jwt(struct access *access, const char *token, int64_t now_us,
                                       struct mu_arena *arena,
                                       const struct principal **ret_principal, const char **ret_why)
{
    json_auto_t *claims = NULL;
    struct grant grant = {.arena = arena};
    const char *subject;

    switch (mu_jwt_check(&access->jwt, token, now_us, &claims, ret_why)) {
    case MU_JWT_WRONG:
        return ACCESS_WRONG;
    case MU_JWT_LATER:
        *ret_why = "the issuer's keys are being fetched";
        return ACCESS_LATER;
    case MU_JWT_RIGHT:
        break;
    }
    subject = mu_json_text_at(claims, "sub");
    if (!subject || !*subject) {
        *ret_why = "the JSON Web Token names no subject";
        return ACCESS_WRONG;
    }
    grant_claims(access, claims, &grant);
    return known(PRINCIPAL_OIDC, subject, &grant, arena, ret_principal);
}

static enum access_answer identify_bearer(struct access *access, const char *token, int64_t now_us,
                                          struct mu_arena *arena,
                                          const struct principal **ret_principal,
                                          const char **ret_why)
{
    const struct access_rule *rule;

    *ret_why = "the bearer token is wrong";
    if (strlen(token) > CREDENTIALS_MAX_BYTES)
        return ACCESS_WRONG;
    rule = find_token(access, token);
    if (rule)
        return known(PRINCIPAL_TOKEN, rule->text,
                     &(struct grant){rule->roles, rule->speaks_as, arena}, arena, ret_principal);
    if (access->keys && strchr(token, '.'))
        return identify_jwt(access, token, now_us, arena, ret_principal, ret_why);
    return ACCESS_WRONG;
}

static bool subject_fits(const char *pattern, const char *subject)
{
    size_t len = strlen(pattern);

    return len > 0 && pattern[len - 1] == '*' ? strncmp(pattern, subject, len - 1) == 0
                                              : strcmp(pattern, subject) == 0;
}

/* A trusted certificate that no line names is somebody, who may do nothing. */
static enum access_answer identify_subject(const struct access *access, const char *subject,
                                           struct mu_arena *arena,
                                           const struct principal **ret_principal)
{
    struct grant grant = {.arena = arena};

    for (size_t i = 0; i < access->rules.count; i++) {
        const struct access_rule *rule = &access->rules.items[i];

        if (rule->kind == ACCESS_SUBJECT && subject_fits(rule->text, subject))
            add_grant(&grant, rule);
    }
    return known(PRINCIPAL_CERTIFICATE, subject, &grant, arena, ret_principal);
}

/* What follows "Bearer "; the scheme's name has no case (RFC 9110 section 11.1). */
static const char *bearer_token(const char *authorization)
{
    static const char scheme[] = "Bearer";
    size_t len = strlen(scheme);

    if (strncasecmp(authorization, scheme, len) != 0 || authorization[len] != ' ')
        return NULL;
    return authorization + len + strspn(authorization + len, " ");
}

enum access_answer access_identify(struct access *access, const struct access_request *request,
                                   struct mu_arena *arena, const struct principal **ret_principal,
                                   const char **ret_why)
{
    if (request->authorization) {
        const char *token = bearer_token(request->authorization);

        if (token && *token)
            return identify_bearer(access, token, request->now_us, arena, ret_principal, ret_why);
        *ret_why = "the credentials are no bearer token";
        return ACCESS_WRONG;
    }
    if (request->client_subject)
        return identify_subject(access, request->client_subject, arena, ret_principal);
    if (access->open)
        return known(PRINCIPAL_NONE, "anonymous", &(struct grant){access->open_roles, NULL, arena},
                     arena, ret_principal);
    *ret_why = "credentials are missing: a bearer token or a client certificate";
    return ACCESS_MISSING;
}
