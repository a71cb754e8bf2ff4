#include "auth/key_ring.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>

/* Shared by the rings that need it. */
struct place {
    size_t rings;
    struct mu_key_store_config config; /* its own texts */
    struct mu_key_store *keys;
};

struct key_ring {
    struct place **places;
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

static bool same_place(const struct mu_key_store_config *a, const struct mu_key_store_config *b)
{
    return mu_text_equal(a->jwks_url, b->jwks_url) && mu_text_equal(a->jwks_file, b->jwks_file) &&
           mu_text_equal(a->ca_file, b->ca_file) && a->private_network == b->private_network;
}

static const char *copy_text(const char *text)
{
    return text ? mu_xstrdup(text) : NULL;
}

static void drop_place(struct place *place)
{
    if (--place->rings > 0)
        return;
    mu_key_store_close(place->keys);
    free((void *)(uintptr_t)place->config.jwks_url);
    free((void *)(uintptr_t)place->config.jwks_file);
    free((void *)(uintptr_t)place->config.ca_file);
    free(place);
}

static struct place *find_place(const struct key_ring *ring,
                                const struct mu_key_store_config *config)
{
    for (size_t i = 0; ring && i < ring->count; i++)
        if (same_place(&ring->places[i]->config, config))
            return ring->places[i];
    return NULL;
}

static enum mu_status open_place(const struct mu_key_store_config *config, struct place **ret_place,
                                 struct mu_error *err)
{
    struct place *place = mu_xcalloc(1, sizeof(*place));
    enum mu_status st;

    place->rings = 1;
    place->config = *config;
    place->config.user_agent = "muster-ingest";
    place->config.jwks_url = copy_text(config->jwks_url);
    place->config.jwks_file = copy_text(config->jwks_file);
    place->config.ca_file = copy_text(config->ca_file);
    st = mu_key_store_open(&place->config, &place->keys, err);
    if (st != MU_OK) {
        drop_place(place);
        return st;
    }
    *ret_place = place;
    return MU_OK;
}

static enum mu_status keys_of(struct key_ring *ring, const struct key_ring *previous,
                              const struct mu_key_store_config *config,
                              struct mu_key_store **ret_keys, struct mu_error *err)
{
    struct place *place = find_place(ring, config);

    if (!place) {
        place = config->jwks_file ? NULL : find_place(previous, config);
        if (place)
            place->rings++;
        else if (open_place(config, &place, err) != MU_OK)
            return err->status;
        ring->places[ring->count++] = place;
    }
    *ret_keys = place->keys;
    return MU_OK;
}

static enum mu_status open_source(struct key_ring *ring, const struct key_ring *previous,
                                  const struct source_config *source, struct mu_error *err)
{
    for (size_t i = 0; i < source->rule_count; i++) {
        struct auth_rule *rule = &source->rules[i];

        if (needs_keys(rule) &&
            keys_of(ring, previous, &rule->key_config, &rule->keys, err) != MU_OK)
            return mu_wrap(err, "source '%s'", source->name);
    }
    return MU_OK;
}

enum mu_status key_ring_open(const struct source_config *sources, size_t count,
                             const struct key_ring *previous, struct key_ring **ret_ring,
                             struct mu_error *err)
{
    struct key_ring *ring = mu_xcalloc(1, sizeof(*ring));

    ring->places = mu_xcalloc(count_rules(sources, count) + 1, sizeof(struct place *));
    for (size_t i = 0; i < count; i++)
        if (open_source(ring, previous, &sources[i], err) != MU_OK) {
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
        drop_place(ring->places[i]);
    free(ring->places);
    free(ring);
}
