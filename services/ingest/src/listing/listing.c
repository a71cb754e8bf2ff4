#include "listing/listing.h"

#include "health/health.h"
#include "listing/listing_run.h"
#include "listing/registry_pager.h"
#include "listing/tag_events.h"
#include "listing/tag_wishes.h"
#include "metrics/metrics.h"
#include "source/source.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LISTING_RETRY_MIN_MS = 30000,
    LISTING_RETRY_MAX_TIMES = 32,
    LOOK_UP_RETRY_MIN_MS = 500,
    LOOK_UP_ATTEMPTS = 5
};

struct listing {
    const struct source_config *source;
    const struct listings_config *config;
    pthread_t lister, seeker;
    bool lister_runs, seeker_runs;
    atomic_bool stopping;
    struct tag_wishes *wishes;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool requested;
};

struct listings {
    struct listings_config config;
    pthread_rwlock_t lock; /* of the two below; what leaves them is ended without it */
    struct listing *items[SOURCES_MAX];
    size_t count;
};

static bool is_stopping(const struct listing *listing)
{
    return atomic_load(&listing->stopping) || mu_stop_requested();
}

/* ---- listing ---- */

/* Waits until a listing is due or asked for; false when it is over. */
static bool wait_due(struct listing *listing, uint64_t due_ms)
{
    const struct timespec due = {.tv_sec = (time_t)(due_ms / 1000),
                                 .tv_nsec = (long)(due_ms % 1000) * 1000000};

    (void)pthread_mutex_lock(&listing->lock);
    while (!listing->requested && !is_stopping(listing))
        if (pthread_cond_timedwait(&listing->changed, &listing->lock, &due) == ETIMEDOUT)
            break;
    listing->requested = false;
    (void)pthread_mutex_unlock(&listing->lock);
    return !is_stopping(listing);
}

/* Of a registry that is listed, a listing is the sign of life. */
static void note_health(const struct listing *listing, enum mu_status st,
                        const struct listing_result *result, const struct mu_error *err)
{
    struct source_health *row = listing->source->health;

    if (st == MU_OK)
        source_health_heard(row, mu_now_us(),
                            (size_t)(result->new_tags + result->moved + result->gone),
                            MU_TIME_NONE);
    else
        source_health_failed(row, mu_now_us(), err->message);
}

static void log_result(const struct listing *listing, enum mu_status st,
                       const struct listing_result *result, const struct mu_error *err)
{
    const char *name = listing->source->name;

    if (st != MU_OK && is_stopping(listing))
        return;
    note_health(listing, st, result, err);
    mu_metric_add(st != MU_OK               ? &metric_listings_failed
                  : result->walk.failed > 0 ? &metric_listings_partial
                                            : &metric_listings_complete,
                  1);
    if (st != MU_OK) {
        MU_LOG(MU_LOG_WARN, "registry not listed, retrying", MU_KV("source", name),
               MU_KV("error", err->message), MU_KV_INT("repositories", result->walk.repositories));
        return;
    }
    if (result->walk.failed > 0)
        MU_LOG(MU_LOG_WARN,
               "repositories could not be listed; nothing of them is taken for deleted",
               MU_KV("source", name), MU_KV_INT("failed", result->walk.failed),
               MU_KV("first", result->walk.failure));
    MU_LOG(MU_LOG_INFO, "registry listed", MU_KV("source", name),
           MU_KV_INT("repositories", result->walk.repositories),
           MU_KV_INT("tags", result->walk.tags), MU_KV_INT("new", result->new_tags),
           MU_KV_INT("moved", result->moved), MU_KV_INT("gone", result->gone),
           MU_KV_INT("names_skipped", result->walk.skipped));
}

/* How long until the next one. */
static int64_t list_once(struct listing *listing, struct mu_backoff *backoff)
{
    MU_AUTO(tag_events)
    struct tag_events *events = tag_events_new(listing->source, listing->config->delivery);
    const struct listing_run run = {.source = listing->source,
                                    .folder = listing->config->state_folder,
                                    .stopping = &listing->stopping,
                                    .retry_min_ms = listing->config->retry_min_ms,
                                    .events = events};
    struct listing_result result;
    struct mu_error err;
    enum mu_status st = listing_run(&run, &result, &err);
    int64_t next_ms = listing->source->interval_ms, retry_ms = INT64_MAX;

    log_result(listing, st, &result, &err);
    if (st == MU_OK)
        backoff->attempt = 0;
    else
        retry_ms = mu_backoff_next_ms(backoff);
    if (retry_ms < next_ms)
        next_ms = retry_ms;
    return result.walk.blocked_ms > next_ms ? result.walk.blocked_ms : next_ms;
}

/* Since the last complete one, whoever made it. */
static int64_t first_wait_ms(const struct listing *listing)
{
    int64_t last_us = listing_last_at_us(listing->config->state_folder, listing->source);
    int64_t passed_ms = last_us == MU_TIME_NONE ? INT64_MAX : (mu_now_us() - last_us) / 1000;

    return passed_ms < 0 || passed_ms >= listing->source->interval_ms
                   ? 0
                   : listing->source->interval_ms - passed_ms;
}

static void *list_loop(void *opaque)
{
    struct listing *listing = opaque;
    const int64_t min_ms =
            listing->config->retry_min_ms ? listing->config->retry_min_ms : LISTING_RETRY_MIN_MS;
    struct mu_backoff backoff = {min_ms, LISTING_RETRY_MAX_TIMES * min_ms, 0};
    uint64_t due_ms = mu_monotonic_ms() + (uint64_t)first_wait_ms(listing);

    while (wait_due(listing, due_ms))
        due_ms = mu_monotonic_ms() + (uint64_t)list_once(listing, &backoff);
    return NULL;
}

/* ---- single tags ---- */

static enum mu_status tell(struct listing *listing, const struct tag_line *line,
                           struct mu_error *err)
{
    MU_AUTO(tag_events)
    struct tag_events *events = tag_events_new(listing->source, listing->config->delivery);
    const struct tag_change change = {.kind = TAG_NEW, .line = line, .previous = ""};
    const struct known_tags_head head = {.epoch = line->seen_at_us};
    enum mu_status st = tag_events_add(events, &head, &change, line->seen_at_us, err);

    return st == MU_OK ? tag_events_settle(events, err) : st;
}

static enum mu_status look_up(struct listing *listing, const struct tag_wish *wish,
                              struct mu_error *err)
{
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    struct registry_line connection = {.url = listing->source->url,
                                       .stopping = &listing->stopping,
                                       .retry_min_ms = listing->config->retry_min_ms
                                                               ? listing->config->retry_min_ms
                                                               : LOOK_UP_RETRY_MIN_MS,
                                       .rate_remaining = -1,
                                       .rate_reset_ms = -1};
    struct tag_line line = {.seen_at_us = mu_now_us()};
    struct mu_registry_manifest manifest;
    enum mu_status st = registry_walk_connect(listing->source, wish->repository, &client, err);

    connection.client = client;
    if (st == MU_OK)
        st = registry_line_look_up(&connection, wish->tag, &manifest, err);
    if (st != MU_OK)
        return st;
    (void)snprintf(line.repository, sizeof(line.repository), "%s", wish->repository);
    (void)snprintf(line.tag, sizeof(line.tag), "%s", wish->tag);
    (void)snprintf(line.digest, sizeof(line.digest), "%s", manifest.digest);
    (void)snprintf(line.media_type, sizeof(line.media_type), "%s", manifest.media_type);
    return tell(listing, &line, err);
}

/* A push may be told before it can be seen, and a registry be away: a few times more, then the next
 * listing must find it. */
static void *seek_loop(void *opaque)
{
    struct listing *listing = opaque;
    struct tag_wish wish;

    while (tag_wishes_take(listing->wishes, &wish) && !is_stopping(listing)) {
        struct mu_backoff backoff = {LOOK_UP_RETRY_MIN_MS, 10 * LOOK_UP_RETRY_MIN_MS,
                                     wish.attempts};
        struct mu_error err;
        enum mu_status st = look_up(listing, &wish, &err);

        mu_metric_add(st == MU_OK ? &metric_look_ups_done : &metric_look_ups_failed, 1);
        if (st == MU_OK || is_stopping(listing))
            continue;
        if (++wish.attempts < LOOK_UP_ATTEMPTS &&
            (st == MU_E_NOT_FOUND || st == MU_E_UNAVAILABLE)) {
            (void)tag_wishes_add(listing->wishes, &wish);
            (void)mu_stop_wait(mu_backoff_next_ms(&backoff));
            continue;
        }
        MU_LOG(MU_LOG_WARN, "a pushed tag could not be looked up; the next listing will tell it",
               MU_KV("source", listing->source->name), MU_KV("repository", wish.repository),
               MU_KV("tag", wish.tag), MU_KV("error", err.message));
    }
    return NULL;
}

/* ---- wishes ---- */

static void request(struct listing *listing)
{
    (void)pthread_mutex_lock(&listing->lock);
    listing->requested = true;
    (void)pthread_cond_signal(&listing->changed);
    (void)pthread_mutex_unlock(&listing->lock);
}

bool listings_request(struct listings *listings, const char *source_name)
{
    bool found = false;

    (void)pthread_rwlock_rdlock(&listings->lock);
    for (size_t i = 0; i < listings->count && !found; i++) {
        found = mu_text_equal(listings->items[i]->source->name, source_name);
        if (found)
            request(listings->items[i]);
    }
    (void)pthread_rwlock_unlock(&listings->lock);
    return found;
}

/* The path of `repository` in the registry that a source lists; NULL: it is of another one. */
static const char *path_in(const struct listing *listing, const char *repository)
{
    size_t host_len = 0;
    const char *path = NULL;

    mu_oci_repository_split(repository, &host_len, &path);
    if (!path || strlen(listing->source->registry) != host_len ||
        memcmp(listing->source->registry, repository, host_len) != 0)
        return NULL;
    return path;
}

/* True when the source lists that registry. */
static bool wish_for(struct listing *listing, const struct mu_registry_event *event)
{
    const char *path = path_in(listing, event->repository);
    struct tag_wish wish = {.attempts = 0};

    if (!path)
        return false;
    (void)snprintf(wish.repository, sizeof(wish.repository), "%s", path);
    (void)snprintf(wish.tag, sizeof(wish.tag), "%s", event->tag);
    if (!tag_wishes_add(listing->wishes, &wish))
        request(listing);
    return true;
}

void listings_look_up(struct listings *listings, const struct mu_registry_event *event)
{
    if (!listings || event->action != MU_REGISTRY_PUSH || event->digest || !event->tag)
        return;
    (void)pthread_rwlock_rdlock(&listings->lock);
    for (size_t i = 0; i < listings->count; i++)
        if (wish_for(listings->items[i], event))
            break;
    (void)pthread_rwlock_unlock(&listings->lock);
}

/* ---- start and stop ---- */

static bool is_listed(const struct source_config *source)
{
    return mu_text_equal(source->kind->transport, "listing");
}

static enum mu_status start_one(struct listing *listing, struct mu_error *err)
{
    pthread_condattr_t monotonic;

    (void)pthread_mutex_init(&listing->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&listing->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    listing->wishes = tag_wishes_new();
    listing->lister_runs = pthread_create(&listing->lister, NULL, list_loop, listing) == 0;
    listing->seeker_runs = pthread_create(&listing->seeker, NULL, seek_loop, listing) == 0;
    if (!listing->lister_runs || !listing->seeker_runs)
        return mu_fail(err, MU_E_UNAVAILABLE, "source '%s': no thread", listing->source->name);
    return MU_OK;
}

static void stop_one(struct listing *listing)
{
    (void)pthread_mutex_lock(&listing->lock);
    atomic_store(&listing->stopping, true);
    (void)pthread_cond_signal(&listing->changed);
    (void)pthread_mutex_unlock(&listing->lock);
    tag_wishes_close(listing->wishes);
    if (listing->lister_runs)
        (void)pthread_join(listing->lister, NULL);
    if (listing->seeker_runs)
        (void)pthread_join(listing->seeker, NULL);
    tag_wishes_free(listing->wishes);
    (void)pthread_cond_destroy(&listing->changed);
    (void)pthread_mutex_destroy(&listing->lock);
}

enum mu_status listings_add(struct listings *listings, const struct source_config *source,
                            struct mu_error *err)
{
    struct listing *listing;

    if (listings->count == SOURCES_MAX)
        return mu_fail(err, MU_E_LIMIT, "source '%s': more than %d", source->name, SOURCES_MAX);
    listing = mu_xcalloc(1, sizeof(*listing));
    listing->source = source;
    listing->config = &listings->config;
    if (start_one(listing, err) != MU_OK) {
        stop_one(listing);
        free(listing);
        return err->status;
    }
    (void)pthread_rwlock_wrlock(&listings->lock);
    listings->items[listings->count++] = listing;
    (void)pthread_rwlock_unlock(&listings->lock);
    return MU_OK;
}

void listings_remove(struct listings *listings, const struct source_config *source)
{
    struct listing *listing = NULL;

    (void)pthread_rwlock_wrlock(&listings->lock);
    for (size_t i = 0; i < listings->count && !listing; i++) {
        if (listings->items[i]->source != source)
            continue;
        listing = listings->items[i];
        listings->items[i] = listings->items[--listings->count];
    }
    (void)pthread_rwlock_unlock(&listings->lock);
    if (!listing)
        return;
    stop_one(listing);
    free(listing);
}

enum mu_status listings_start(const struct listings_config *config, struct listings **ret_listings,
                              struct mu_error *err)
{
    struct listings *listings = mu_xcalloc(1, sizeof(*listings));
    enum mu_status st = MU_OK;

    listings->config = *config;
    (void)pthread_rwlock_init(&listings->lock, NULL);
    for (size_t i = 0; config->sources && st == MU_OK && i < config->sources->source_count; i++)
        if (is_listed(&config->sources->sources[i]))
            st = listings_add(listings, &config->sources->sources[i], err);
    if (st != MU_OK) {
        listings_stop(listings);
        return st;
    }
    *ret_listings = listings;
    return MU_OK;
}

void listings_stop(struct listings *listings)
{
    while (listings && listings->count > 0)
        listings_remove(listings, listings->items[0]->source);
    if (listings)
        (void)pthread_rwlock_destroy(&listings->lock);
    free(listings);
}
