/*
 * quarantine_log: the records of muster.quarantine that a person asks for. The same body refused
 * for the same reason has one id: it is one record, and how often it came is counted.
 */
#ifndef INGEST_QUARANTINE_LOG_H
#define INGEST_QUARANTINE_LOG_H

#include "bus/bus.h"

struct quarantine_filter {
    const char *source;     /* NULL: any */
    const char *reason;     /* part of reason or code; NULL: any */
    int64_t since_us;       /* MU_TIME_NONE: all */
    const char *const *ids; /* wanted: whole or their beginning; count 0: any */
    size_t id_count;
    size_t limit; /* the newest so many */
};

struct quarantine_entry {
    const char *id;
    size_t times;
    struct mu_quarantine_record record;
    struct mu_arena *arena; /* its own */
};

struct quarantine_log {
    struct quarantine_entry *entries; /* oldest first */
    size_t count;
    size_t unreadable; /* messages on the topic that are no quarantine record */
};

/* Errors: as mu_bus_read, MU_E_NOMEM. */
enum mu_status quarantine_read(const struct mu_bus_config *bus,
                               const struct quarantine_filter *filter,
                               struct quarantine_log *ret_log, struct mu_error *err) MU_MUST_CHECK;
void quarantine_log_done(struct quarantine_log *log);

#endif
