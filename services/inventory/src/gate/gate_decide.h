/*
 * gate_decide: may this image start here? From the gate's configuration and its cache alone.
 *
 * Threads: any; nothing is changed. Trust: image, cluster and namespace come from outside.
 */
#ifndef INVENTORY_GATE_DECIDE_H
#define INVENTORY_GATE_DECIDE_H

#include "gate/gate_cache.h"
#include "gate/gate_config.h"

struct gate_question {
    const char *cluster, *namespace_name, *image; /* never NULL */
    int64_t now_us;
};

/* Texts are in the arena, in the configuration, or constant: never in the cache. */
struct gate_answer {
    bool allowed;
    bool would_deny; /* it is allowed only because the scope warns */
    enum verdict verdict;
    enum verdict_reason reason;
    const char *scope, *rule;
    const char *message; /* what is wrong and what mends it; "" when it is simply allowed */
    const char *repository, *tag, *digest; /* as understood; "" when it is not said, or not known */
    const char *scan_id, *database_version;
    uint64_t generation; /* of the cache; 0: none */
};

/* `cache` may be NULL. Errors: MU_E_NOMEM. */
enum mu_status gate_decide(const struct gate_config *config, const struct gate_cache *cache,
                           const struct gate_question *question, struct mu_arena *arena,
                           struct gate_answer *ret_answer, struct mu_error *err) MU_MUST_CHECK;

#endif
