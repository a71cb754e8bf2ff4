/*
 * registry_tokens: tokens and credentials that may be used again, with their time, for all clients
 * of a process. A full cache forgets what ends first. Secrets are wiped when they go.
 *
 * Threads: any.
 */
#ifndef MU_REGISTRY_TOKENS_H
#define MU_REGISTRY_TOKENS_H

#include "base/buf.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stdint.h>

struct mu_registry_tokens;

struct mu_registry_tokens *mu_registry_tokens_new(void);
void mu_registry_tokens_free(struct mu_registry_tokens *tokens); /* NULL is fine */
MU_DEFINE_AUTO(registry_tokens, struct mu_registry_tokens, mu_registry_tokens_free)

/* Appends what is kept under `key` to `out`; false: nothing, or its time is over. `tokens` NULL:
 * nothing is ever kept; so below. */
bool registry_tokens_get(struct mu_registry_tokens *tokens, const char *key, struct mu_buf *out);
void registry_tokens_put(struct mu_registry_tokens *tokens, const char *key, const void *value,
                         size_t len, int64_t lifetime_ms);
void registry_tokens_drop(struct mu_registry_tokens *tokens, const char *key);

#endif
