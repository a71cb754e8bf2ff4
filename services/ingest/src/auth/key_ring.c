#include "auth/key_ring.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>

struct place {
    const struct key_store_config *config;
    struct key_store *keys;
};

struct key_ring {
    struct place *places;
    size_t count;
};

static bool needs_keys(const struct auth_rule *rule)
{
    return rule->kind == SOURCE_AUTH_JWT || rule->kind == SOURCE_AUTH_SNS;
}

static size_t count_rules(const struct source_config *sources, size_t count)
{
    size_t rules = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t rule = 0; rule < sources[i].rule_count; rule++)
            rules += needs_keys(&sources[i].rules[rule]);
    return rules;
}

static bool same_place(const struct key_store_config *a, const struct key_store_config *b)
{
    return mu_text_equal(a->jwks_url, b->jwks_url) && mu_text_equal(a->jwks_file, b->jwks_file) &&
           mu_text_equal(a->ca_file, b->ca_file) && a->private_network == b->private_network;
}

static enum mu_status keys_of(struct key_ring *ring, const struct key_store_config *config,
                              struct key_store **ret_keys, struct mu_error *err)
{
    struct place *place = ring->places;
    enum mu_status st;

    for (; place < ring->places + ring->count; place++)
        if (same_place(place->config, config)) {
            *ret_keys = place->keys;
            return MU_OK;
        }
    st = key_store_open(config, &place->keys, err);
    if (st != MU_OK)
        return st;
    place->config = config;
    ring->count++;
    *ret_keys = place->keys;
    return MU_OK;
}

static enum mu_status open_source(struct key_ring *ring, const struct source_config *source,
                                  struct mu_error *err)
{
    for (size_t i = 0; i < source->rule_count; i++) {
        struct auth_rule *rule = &source->rules[i];

        if (needs_keys(rule) && keys_of(ring, &rule->key_config, &rule->keys, err) != MU_OK)
            return mu_wrap(err, "source '%s'", source->name);
    }
    return MU_OK;
}

enum mu_status key_ring_open(const struct source_config *sources, size_t count,
                             struct key_ring **ret_ring, struct mu_error *err)
{
    struct key_ring *ring = mu_xcalloc(1, sizeof(*ring));

    ring->places = mu_xcalloc(count_rules(sources, count) + 1, sizeof(struct place));
    for (size_t i = 0; i < count; i++)
        if (open_source(ring, &sources[i], err) != MU_OK) {
            key_ring_close(ring);
            return err->status;
        }
    *ret_ring = ring;
    return MU_OK;
}

void key_ring_close(struct key_ring *ring)
{
    if (!ring)
        return;
    for (size_t i = 0; i < ring->count; i++)
        key_store_close(ring->places[i].keys);
    free(ring->places);
    free(ring);
}
