/*
 * job_wishes: what a batch wants to be scanned, each job once however often it is named: as urgent
 * and as early as the most urgent and the earliest word.
 *
 * Threads: one at a time.
 */
#ifndef INVENTORY_APPLY_JOB_WISHES_H
#define INVENTORY_APPLY_JOB_WISHES_H

#include "store/write_set.h"

#include "base/memory.h"

#include <stdint.h>

/* Texts are borrowed and must last as long as the wishes. */
struct job_wish {
    const char *repository, *digest;
    int priority; /* enum mu_scan_priority */
    const char *reason;
    int64_t grace_ms;
    const char *traceparent; /* NULL: none */
};

struct job_wishes;

struct job_wishes *job_wishes_new(void);
void job_wishes_free(struct job_wishes *wishes); /* NULL is fine */
void job_wishes_reset(struct job_wishes *wishes);

void job_wishes_add(struct job_wishes *wishes, const struct job_wish *wish);

/* Rows of WRITE_JOBS_WANTED; `known_us`: from when the grace counts. */
void job_wishes_write(const struct job_wishes *wishes, struct write_set *set, int64_t known_us,
                      struct mu_arena *arena);

MU_DEFINE_AUTO(job_wishes, struct job_wishes, job_wishes_free)

#endif
