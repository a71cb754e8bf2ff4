#include "app/watches.h"

#include "listing/listing.h"
#include "source/source.h"
#include "stream/stream.h"
#include "watch/kube_watch.h"

#include "base/log.h"
#include "base/text.h"

#include <stdlib.h>

struct watches {
    struct delivery *delivery;
    struct listings *listings;
    const char *state_folder;
    struct running {
        const struct transport *transport;
        void *handle;
        const struct source_config *source;
        struct generation *generation; /* held: `source` lives in it */
    } running[SOURCES_MAX];
    size_t count;
};

/* ---- the ways to ask ---- */

static enum mu_status start_watch(struct watches *watches, struct running *running,
                                  struct mu_error *err)
{
    const struct kube_watch_config config = {.source = running->source,
                                             .delivery = watches->delivery,
                                             .state_folder = watches->state_folder};
    struct kube_watch *watch = NULL;
    enum mu_status st = kube_watch_start(&config, &watch, err);

    running->handle = watch;
    return st;
}

static void stop_watch(struct watches *watches, struct running *running)
{
    (void)watches;
    kube_watch_stop(running->handle);
}

static enum mu_status start_stream(struct watches *watches, struct running *running,
                                   struct mu_error *err)
{
    const struct stream_config config = {.source = running->source,
                                         .delivery = watches->delivery,
                                         .state_folder = watches->state_folder};
    struct stream *stream = NULL;
    enum mu_status st = stream_start(&config, &stream, err);

    running->handle = stream;
    return st;
}

static void stop_stream(struct watches *watches, struct running *running)
{
    (void)watches;
    stream_stop(running->handle);
}

static enum mu_status start_listing(struct watches *watches, struct running *running,
                                    struct mu_error *err)
{
    return listings_add(watches->listings, running->source, err);
}

static void stop_listing(struct watches *watches, struct running *running)
{
    listings_remove(watches->listings, running->source);
}

static const struct transport {
    const char *name; /* of source_kind */
    enum mu_status (*start)(struct watches *watches, struct running *running, struct mu_error *err);
    void (*stop)(struct watches *watches, struct running *running);
} transports[] = {{"watch", start_watch, stop_watch},
                  {"stream", start_stream, stop_stream},
                  {"listing", start_listing, stop_listing}};

/* NULL: its senders come by themselves. */
static const struct transport *transport_of(const struct source_config *source)
{
    for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
        if (mu_text_equal(transports[i].name, source->kind->transport))
            return &transports[i];
    return NULL;
}

/* ---- the set ---- */

struct watches *watches_new(struct delivery *delivery, struct listings *listings,
                            const char *state_folder)
{
    struct watches *watches = mu_xcalloc(1, sizeof(*watches));

    watches->delivery = delivery;
    watches->listings = listings;
    watches->state_folder = state_folder;
    return watches;
}

static void end(struct watches *watches, struct running *running)
{
    running->transport->stop(watches, running);
    generation_release(running->generation);
}

void watches_free(struct watches *watches)
{
    for (size_t i = 0; watches && i < watches->count; i++)
        end(watches, &watches->running[i]);
    free(watches);
}

/* Says the new configuration still, word for word, what runs? */
static bool still_there(const struct running *running, const struct ingest_config *config)
{
    const struct source_config *source = ingest_config_find(config, running->source->name);

    return source && mu_text_equal(source->fingerprint, running->source->fingerprint);
}

static void end_what_is_gone(struct watches *watches, const struct ingest_config *config)
{
    size_t kept = 0;

    for (size_t i = 0; i < watches->count; i++) {
        if (still_there(&watches->running[i], config)) {
            watches->running[kept++] = watches->running[i];
            continue;
        }
        MU_LOG(MU_LOG_INFO, "watch ends: removed or changed",
               MU_KV("source", watches->running[i].source->name));
        end(watches, &watches->running[i]);
    }
    watches->count = kept;
}

static bool runs(const struct watches *watches, const char *name)
{
    for (size_t i = 0; i < watches->count; i++)
        if (mu_text_equal(watches->running[i].source->name, name))
            return true;
    return false;
}

static enum mu_status start(struct watches *watches, struct generation *generation,
                            const struct source_config *source, struct mu_error *err)
{
    struct running running = {.transport = transport_of(source), .source = source};
    enum mu_status st = MU_OK;

    if (!running.transport || runs(watches, source->name))
        return MU_OK;
    st = running.transport->start(watches, &running, err);
    if (st != MU_OK)
        return st;
    running.generation = generation_hold(generation);
    watches->running[watches->count++] = running;
    return MU_OK;
}

enum mu_status watches_set(struct watches *watches, struct generation *generation,
                           struct mu_error *err)
{
    const struct ingest_config *config = &generation->config;
    enum mu_status first = MU_OK;

    end_what_is_gone(watches, config);
    for (size_t i = 0; i < config->source_count; i++) {
        struct mu_error failure;
        enum mu_status st = start(watches, generation, &config->sources[i], &failure);

        if (st != MU_OK && first == MU_OK) {
            first = st;
            *err = failure;
        }
    }
    return first;
}
