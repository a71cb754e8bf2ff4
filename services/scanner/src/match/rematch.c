#include "match/rematch.h"

#include "base/memory.h"

#include <stdlib.h>

static const size_t arena_max_bytes = (size_t)256 << 20;

struct rematch {
    const struct match_rules *rules;
    const struct change_set *changes;
    struct judge judge;
    struct mu_arena *arena;
};

struct rematch *rematch_new(const struct match_rules *rules, const struct change_set *changes)
{
    struct rematch *rematch = mu_xcalloc(1, sizeof(*rematch));

    rematch->rules = rules;
    rematch->changes = changes;
    rematch->arena = mu_arena_new(arena_max_bytes);
    judge_init(&rematch->judge, rules->database);
    return rematch;
}

void rematch_free(struct rematch *rematch)
{
    if (!rematch)
        return;
    judge_done(&rematch->judge);
    mu_arena_free(rematch->arena);
    free(rematch);
}

static bool is_touched(const struct rematch *rematch, const struct package_key *key)
{
    if (!rematch->changes)
        return true;
    if (!key->ecosystem || key->no_version)
        return false;
    return change_set_has(rematch->changes, key->ecosystem, key->name) ||
           (key->source_name && change_set_has(rematch->changes, key->ecosystem, key->source_name));
}

enum mu_status rematch_package(struct rematch *rematch, const struct image_os *os,
                               const struct image_package *package, struct match_result *ret_result,
                               struct mu_error *err)
{
    struct package_distribution distribution;
    struct package_key key;
    enum mu_status st;

    mu_arena_reset(rematch->arena);
    st = package_distribution_of(os, rematch->arena, &distribution, err);
    if (st == MU_OK)
        st = package_key_of(&distribution, package, rematch->arena, &key, err);
    if (st != MU_OK)
        return st;
    if (!is_touched(rematch, &key))
        return MU_END;
    return match_package(rematch->rules, &rematch->judge, &distribution, package, rematch->arena,
                         ret_result, err);
}
