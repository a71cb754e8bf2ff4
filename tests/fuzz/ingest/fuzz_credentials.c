/* The first byte chooses a rule; the rest is a header's value or a body. Nobody without the secret
 * or a key is let in, whatever he says. */
#include "auth/auth.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *value(void *opaque, const char *name)
{
    (void)name;
    return opaque;
}

static struct auth_rule rules[] = {
        {.kind = SOURCE_AUTH_BEARER, .secret = "a secret of some length"},
        {.kind = SOURCE_AUTH_BASIC, .secret = "user:a secret of some length"},
        {.kind = SOURCE_AUTH_HMAC_SHA256, .secret = "s", .header = "X", .prefix = "sha256="},
        {.kind = SOURCE_AUTH_JWT, .issuer = "i", .audience = "a", .email = "e"},
        {.kind = SOURCE_AUTH_SNS, .topic_arn = "arn:aws:sns:us-east-1:1:t"},
};
enum { RULES = sizeof(rules) / sizeof(rules[0]) };

/* A set that never comes. */
static struct mu_key_store *keys(void)
{
    static struct mu_key_store *store;
    static const struct mu_key_store_config config = {.jwks_url = "http://127.0.0.1:1/"};
    struct mu_error err;

    if (!store && mu_key_store_open(&config, &store, &err) != MU_OK)
        abort();
    return store;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct auth_rule *rule;
    char *text = malloc(size + 1);
    struct auth_request request = {.header = value, .query = value, .opaque = text, .body = text};
    const char *why;

    if (!text || size == 0) {
        free(text);
        return 0;
    }
    rule = &rules[data[0] % RULES];
    rule->keys = keys();
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    request.len = size - 1;
    request.now_us = 1795564800000000;
    if (auth_check(rule, 1, &request, &why) == AUTH_ALLOWED)
        abort();
    free(text);
    return 0;
}
