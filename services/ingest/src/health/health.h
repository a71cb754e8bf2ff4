/*
 * health: what each source has said lately, how often it usually speaks, and whether it went
 * silent.
 *
 * The usual interval is learnt: arrivals within a minute are one visit; the mean of the time
 * between visits follows them by 1/16 each, the longest is forgotten by half in two weeks. After
 * eight visits a source is silent when nothing came for three times the longest and eight times
 * the mean, at least a quarter of an hour; `silent_after` of the source says it instead, 0 says
 * never. What only a listing found (marked `reconcile`) is not the source speaking. The time that
 * this process itself was away does not count.
 *
 * A file keeps it over restarts. A source's row stays when the configuration no longer has it, so
 * that requests under way may still write to it, and a source that comes back is remembered.
 *
 * Threads: source_health_* from any thread; the rest from one.
 */
#ifndef INGEST_HEALTH_H
#define INGEST_HEALTH_H

#include "config/ingest_config.h"

#include "base/buf.h"
#include "base/clock.h"

enum { HEALTH_MAX_ROWS = 4 * SOURCES_MAX, HEALTH_ERROR_SIZE = 256 };

enum health_state { HEALTH_NEVER, HEALTH_OK, HEALTH_LATE, HEALTH_SILENT };
const char *health_state_name(enum health_state state);

struct health;
struct source_health;

/* Reads `path` if it is there; NULL: nothing is kept. Errors: MU_E_UNAVAILABLE, MU_E_LIMIT,
 * MU_E_INVALID (the file is damaged). */
enum mu_status health_open(const char *path, int64_t now_us, struct health **ret_health,
                           struct mu_error *err) MU_MUST_CHECK;
void health_free(struct health *health); /* NULL is fine; nothing is saved */
MU_DEFINE_AUTO(health, struct health, health_free)
/* Errors: MU_E_UNAVAILABLE, MU_E_LIMIT. */
enum mu_status health_save(struct health *health, int64_t now_us,
                           struct mu_error *err) MU_MUST_CHECK;

/* From now on these are the sources; each gets its row in `health`. Before they are published. */
void health_watch(struct health *health, struct ingest_config *config, int64_t now_us);

/* ---- what happens to a source; a NULL row is fine ---- */

/* It spoke, with so many events (0: nothing that concerns us). `occurred_at_us` of the newest or
 * MU_TIME_NONE. */
void source_health_heard(struct source_health *row, int64_t now_us, size_t events,
                         int64_t occurred_at_us);
/* Something of it could not be taken: credentials, a body that is not understood, a peer away. */
void source_health_failed(struct source_health *row, int64_t now_us, const char *why);

/* ---- what is known ---- */

struct health_row {
    const char *name, *kind; /* kind NULL: no longer configured */
    enum health_state state;
    bool told_silent; /* inventory has heard that it is silent */
    int64_t known_since_us;
    int64_t last_event_at_us; /* MU_TIME_NONE: never */
    int64_t events_total, events_last_hour, events_last_5_minutes, errors_total;
    int64_t lag_us;            /* of the last event: received - occurred; -1 not known */
    int64_t usual_interval_us; /* 0: not learnt yet */
    int64_t longest_interval_us;
    int64_t silent_after_us;  /* 0: never silent */
    int64_t last_error_at_us; /* MU_TIME_NONE: none */
    char last_error[HEALTH_ERROR_SIZE];
};

/* Row `index` as of now; false behind the last. */
bool health_row_at(struct health *health, size_t index, int64_t now_us, struct health_row *ret_row);
/* Remembers what inventory was told of a row. */
void health_set_told(struct health *health, size_t index, bool silent);

/* {"sources":[...]} of those configured. Errors: MU_E_LIMIT from the buffer, MU_E_NOMEM. */
enum mu_status health_to_json(struct health *health, int64_t now_us, struct mu_buf *out,
                              struct mu_error *err) MU_MUST_CHECK;
/* muster_ingest_source_*{source="..."} in the Prometheus text format. */
void health_render(struct health *health, int64_t now_us, struct mu_buf *out);

#endif
