#include "registry/registry_tokens.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS_MAX = 256, VALUE_MAX_BYTES = 128 * 1024, EARLY_MS = 5000 };

struct token {
    char *key; /* NULL: free */
    char *value;
    size_t len;
    uint64_t ends_at_ms; /* monotonic */
};

struct mu_registry_tokens {
    pthread_mutex_t lock;
    struct token tokens[TOKENS_MAX];
};

struct mu_registry_tokens *mu_registry_tokens_new(void)
{
    struct mu_registry_tokens *tokens = mu_xcalloc(1, sizeof(*tokens));

    (void)pthread_mutex_init(&tokens->lock, NULL);
    return tokens;
}

static void forget(struct token *token)
{
    if (token->value)
        explicit_bzero(token->value, token->len);
    free(token->value);
    free(token->key);
    *token = (struct token){.key = NULL};
}

void mu_registry_tokens_free(struct mu_registry_tokens *tokens)
{
    if (!tokens)
        return;
    for (size_t i = 0; i < TOKENS_MAX; i++)
        forget(&tokens->tokens[i]);
    (void)pthread_mutex_destroy(&tokens->lock);
    free(tokens);
}

/* That of the key, when its time is not over. */
static struct token *find(struct mu_registry_tokens *tokens, const char *key)
{
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        struct token *token = &tokens->tokens[i];

        if (!token->key || !mu_text_equal(token->key, key))
            continue;
        if (mu_monotonic_ms() < token->ends_at_ms)
            return token;
        forget(token);
    }
    return NULL;
}

bool registry_tokens_get(struct mu_registry_tokens *tokens, const char *key, struct mu_buf *out)
{
    const struct token *token;

    if (!tokens)
        return false;
    (void)pthread_mutex_lock(&tokens->lock);
    token = find(tokens, key);
    if (token)
        mu_buf_append(out, token->value, token->len);
    (void)pthread_mutex_unlock(&tokens->lock);
    return token != NULL;
}

void registry_tokens_drop(struct mu_registry_tokens *tokens, const char *key)
{
    struct token *token;

    if (!tokens)
        return;
    (void)pthread_mutex_lock(&tokens->lock);
    token = find(tokens, key);
    if (token)
        forget(token);
    (void)pthread_mutex_unlock(&tokens->lock);
}

/* A free place, else that of what ends first. */
static struct token *place(struct mu_registry_tokens *tokens)
{
    struct token *first = &tokens->tokens[0];

    for (size_t i = 0; i < TOKENS_MAX; i++) {
        if (!tokens->tokens[i].key)
            return &tokens->tokens[i];
        if (tokens->tokens[i].ends_at_ms < first->ends_at_ms)
            first = &tokens->tokens[i];
    }
    return first;
}

void registry_tokens_put(struct mu_registry_tokens *tokens, const char *key, const void *value,
                         size_t len, int64_t lifetime_ms)
{
    struct token *token;
    char *copy;

    if (!tokens || lifetime_ms <= EARLY_MS || len > VALUE_MAX_BYTES)
        return;
    copy = malloc(len + 1);
    if (!copy)
        return; /* it is asked for again */
    memcpy(copy, value, len);
    (void)pthread_mutex_lock(&tokens->lock);
    token = find(tokens, key);
    token = token ? token : place(tokens);
    forget(token);
    token->key = mu_xstrdup(key);
    token->value = copy;
    token->len = len;
    token->ends_at_ms = mu_monotonic_ms() + (uint64_t)(lifetime_ms - EARLY_MS);
    (void)pthread_mutex_unlock(&tokens->lock);
}
