#include "health/health.h"

#include "health/health_row.h"
#include "source/source.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t minute_us = INT64_C(60000000);
static const int64_t quarter_us = INT64_C(900000000);
static const int64_t half_life_us = INT64_C(14) * 24 * 3600 * 1000000;

enum { MEAN_SHARE = 16, ENOUGH_VISITS = 8, TIMES_LONGEST = 3, TIMES_MEAN = 8, RATE_MINUTES = 5 };

const char *health_state_name(enum health_state state)
{
    static const char *const names[] = {[HEALTH_NEVER] = "never",
                                        [HEALTH_OK] = "ok",
                                        [HEALTH_LATE] = "late",
                                        [HEALTH_SILENT] = "silent"};

    return names[state];
}

/* ---- rows ---- */

static struct source_health *row_new(const char *name, int64_t now_us)
{
    struct source_health *row = mu_xcalloc(1, sizeof(*row));

    (void)pthread_mutex_init(&row->lock, NULL);
    (void)snprintf(row->name, sizeof(row->name), "%s", name);
    row->memory = (struct health_memory){.name = row->name,
                                         .known_since_us = now_us,
                                         .last_event_at_us = MU_TIME_NONE,
                                         .visit_at_us = MU_TIME_NONE,
                                         .heard_at_us = MU_TIME_NONE};
    row->lag_us = -1;
    row->last_error_at_us = MU_TIME_NONE;
    return row;
}

struct source_health *health_row_of(struct health *health, const char *name, int64_t now_us)
{
    struct source_health *row = NULL;

    (void)pthread_mutex_lock(&health->lock);
    for (size_t i = 0; i < health->count && !row; i++)
        if (mu_text_equal(health->rows[i]->name, name))
            row = health->rows[i];
    if (!row && health->count < HEALTH_MAX_ROWS)
        row = health->rows[health->count++] = row_new(name, now_us);
    (void)pthread_mutex_unlock(&health->lock);
    return row;
}

static void configure(struct source_health *row, const struct source_config *source)
{
    (void)pthread_mutex_lock(&row->lock);
    row->kind = source ? source->kind->name : NULL;
    row->silent_after_ms = source ? source->silent_after_ms : SOURCE_NEVER_SILENT;
    (void)pthread_mutex_unlock(&row->lock);
}

void health_watch(struct health *health, struct ingest_config *config, int64_t now_us)
{
    for (size_t i = 0; i < config->source_count; i++) {
        struct source_config *source = &config->sources[i];

        source->health = health_row_of(health, source->name, now_us);
        if (source->health)
            configure(source->health, source);
    }
    for (size_t i = 0; i < health->count; i++)
        if (!ingest_config_find(config, health->rows[i]->name))
            configure(health->rows[i], NULL);
}

void health_free(struct health *health)
{
    if (!health)
        return;
    for (size_t i = 0; i < health->count; i++) {
        (void)pthread_mutex_destroy(&health->rows[i]->lock);
        free(health->rows[i]);
    }
    (void)pthread_mutex_destroy(&health->lock);
    free(health->path);
    free(health);
}

/* ---- learning ---- */

/* A visit ended and another begins. */
static void learn(struct health_memory *memory, int64_t gap_us)
{
    double kept = exp2(-(double)gap_us / (double)half_life_us);
    int64_t longest_us = (int64_t)((double)memory->longest_interval_us * kept);

    memory->longest_interval_us = gap_us > longest_us ? gap_us : longest_us;
    if (memory->visits == 0)
        memory->mean_interval_us = gap_us;
    else
        memory->mean_interval_us += (gap_us - memory->mean_interval_us) / MEAN_SHARE;
    memory->visits++;
}

static void note_visit(struct health_memory *memory, int64_t now_us)
{
    if (memory->visit_at_us == MU_TIME_NONE)
        memory->visit_at_us = now_us;
    if (now_us - memory->visit_at_us < minute_us)
        return;
    learn(memory, now_us - memory->visit_at_us);
    memory->visit_at_us = now_us;
}

static void count_events(struct source_health *row, int64_t now_us, int64_t events)
{
    int64_t minute = now_us / minute_us;
    size_t place = (size_t)(minute % HEALTH_MINUTES);

    if (row->minute_of[place] != minute) {
        row->minute_of[place] = minute;
        row->minute_events[place] = 0;
    }
    row->minute_events[place] += events;
    row->memory.events_total += events;
}

void source_health_heard(struct source_health *row, int64_t now_us, size_t events,
                         int64_t occurred_at_us)
{
    if (!row)
        return;
    (void)pthread_mutex_lock(&row->lock);
    note_visit(&row->memory, now_us);
    row->memory.heard_at_us = now_us;
    if (events > 0) {
        row->memory.last_event_at_us = now_us;
        row->lag_us = occurred_at_us == MU_TIME_NONE || occurred_at_us > now_us
                              ? 0
                              : now_us - occurred_at_us;
        count_events(row, now_us, (int64_t)events);
    }
    (void)pthread_mutex_unlock(&row->lock);
}

void source_health_failed(struct source_health *row, int64_t now_us, const char *why)
{
    if (!row)
        return;
    (void)pthread_mutex_lock(&row->lock);
    row->memory.errors_total++;
    row->last_error_at_us = now_us;
    (void)snprintf(row->last_error, sizeof(row->last_error), "%s", why);
    mu_utf8_clean(row->last_error); /* may be cut within a character */
    (void)pthread_mutex_unlock(&row->lock);
}

/* ---- judging ---- */

/* How long it may say nothing; 0: as long as it likes. */
static int64_t bound_us(const struct source_health *row)
{
    const struct health_memory *memory = &row->memory;
    int64_t bound = TIMES_LONGEST * memory->longest_interval_us;

    if (row->silent_after_ms == SOURCE_NEVER_SILENT)
        return 0;
    if (row->silent_after_ms > 0)
        return row->silent_after_ms * 1000;
    if (memory->visits < ENOUGH_VISITS)
        return 0;
    if (bound < TIMES_MEAN * memory->mean_interval_us)
        bound = TIMES_MEAN * memory->mean_interval_us;
    return bound > quarter_us ? bound : quarter_us;
}

static enum health_state judge(const struct source_health *row, int64_t now_us)
{
    bool never = row->memory.heard_at_us == MU_TIME_NONE;
    int64_t bound = bound_us(row);
    int64_t quiet_us = now_us - (never ? row->memory.known_since_us : row->memory.heard_at_us);

    if (bound > 0 && quiet_us > bound)
        return HEALTH_SILENT;
    if (never)
        return HEALTH_NEVER;
    return bound > 0 && quiet_us > bound / 2 ? HEALTH_LATE : HEALTH_OK;
}

static int64_t recent_events(const struct source_health *row, int64_t now_us, int64_t minutes)
{
    int64_t minute = now_us / minute_us, sum = 0;

    for (size_t i = 0; i < HEALTH_MINUTES; i++)
        if (row->minute_of[i] <= minute && row->minute_of[i] > minute - minutes)
            sum += row->minute_events[i];
    return sum;
}

static void fill(const struct source_health *row, int64_t now_us, struct health_row *ret_row)
{
    const struct health_memory *memory = &row->memory;

    *ret_row = (struct health_row){
            .name = row->name,
            .kind = row->kind,
            .state = judge(row, now_us),
            .told_silent = memory->told_silent,
            .known_since_us = memory->known_since_us,
            .last_event_at_us = memory->last_event_at_us,
            .events_total = memory->events_total,
            .events_last_hour = recent_events(row, now_us, HEALTH_MINUTES),
            .events_last_5_minutes = recent_events(row, now_us, RATE_MINUTES),
            .errors_total = memory->errors_total,
            .lag_us = row->lag_us,
            .usual_interval_us = memory->visits < ENOUGH_VISITS ? 0 : memory->mean_interval_us,
            .longest_interval_us = memory->longest_interval_us,
            .silent_after_us = bound_us(row),
            .last_error_at_us = row->last_error_at_us,
    };
    memcpy(ret_row->last_error, row->last_error, sizeof(ret_row->last_error));
}

static struct source_health *row_at(struct health *health, size_t index)
{
    struct source_health *row;

    (void)pthread_mutex_lock(&health->lock);
    row = index < health->count ? health->rows[index] : NULL;
    (void)pthread_mutex_unlock(&health->lock);
    return row;
}

bool health_row_at(struct health *health, size_t index, int64_t now_us, struct health_row *ret_row)
{
    struct source_health *row = row_at(health, index);

    if (!row)
        return false;
    (void)pthread_mutex_lock(&row->lock);
    fill(row, now_us, ret_row);
    (void)pthread_mutex_unlock(&row->lock);
    return true;
}

void health_set_told(struct health *health, size_t index, bool silent)
{
    struct source_health *row = row_at(health, index);

    if (!row)
        return;
    (void)pthread_mutex_lock(&row->lock);
    row->memory.told_silent = silent;
    (void)pthread_mutex_unlock(&row->lock);
}
