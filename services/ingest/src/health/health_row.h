/*
 * health_row: the inside of a source's row, shared by the files of src/health. Not for others.
 */
#ifndef INGEST_HEALTH_ROW_H
#define INGEST_HEALTH_ROW_H

#include "health/health.h"

#include <pthread.h>

enum { HEALTH_NAME_SIZE = 65, HEALTH_MINUTES = 60 };

/* What a restart keeps; times MU_TIME_NONE when unknown. */
struct health_memory {
    const char *name; /* of the row */
    int64_t known_since_us, last_event_at_us;
    int64_t visit_at_us; /* when the visit under way began, moved by the time we were away */
    int64_t heard_at_us; /* last sign of life, moved likewise */
    int64_t mean_interval_us, longest_interval_us, visits;
    int64_t events_total, errors_total;
    bool told_silent;
};

struct source_health {
    pthread_mutex_t lock;
    char name[HEALTH_NAME_SIZE];
    const char *kind; /* NULL: not configured */
    int64_t silent_after_ms;
    struct health_memory memory;
    int64_t minute_of[HEALTH_MINUTES]; /* since the epoch */
    int64_t minute_events[HEALTH_MINUTES];
    int64_t lag_us, last_error_at_us;
    char last_error[HEALTH_ERROR_SIZE];
};

struct health {
    char *path;           /* NULL: nothing is kept */
    pthread_mutex_t lock; /* of `rows` and `count`; rows stay where they are */
    struct source_health *rows[HEALTH_MAX_ROWS];
    size_t count;
};

/* The row of a name, made if need be; NULL when there are too many. */
struct source_health *health_row_of(struct health *health, const char *name, int64_t now_us);

/* Appends the rows of a file whose writer stopped at `saved_at`. Errors: MU_E_INVALID, MU_E_LIMIT.
 */
enum mu_status health_parse(struct health *health, const char *bytes, size_t len, int64_t now_us,
                            struct mu_error *err) MU_MUST_CHECK;

#endif
