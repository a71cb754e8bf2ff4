/* state: what the checks of completeness write into. Not for others. */
#ifndef REPORT_COMPLETENESS_STATE_H
#define REPORT_COMPLETENESS_STATE_H

#include "completeness/completeness.h"

#include "base/memory.h"

enum { DAY_US_PER_SECOND = 1000000 };
#define HOUR_US ((int64_t)3600 * DAY_US_PER_SECOND)
#define DAY_US  (24 * HOUR_US)

struct completeness {
    const struct snapshot *snapshot;
    const struct system_file *system;
    struct mu_arena *arena;
    struct completeness_result results[COMPLETENESS_CHECKS];
};

/* One more of the check; `subject` may be NULL. */
void complain(struct completeness *state, enum completeness_id id, const char *subject,
              const char *fmt, ...) MU_PRINTF(4, 5);

/* Microseconds of an RFC 3339 text; MU_TIME_NONE for NULL and what is none. */
int64_t time_of(const char *text);

/* Calls `each` with every row of a list. */
typedef enum mu_status completeness_row_fn(struct completeness *state, const void *row,
                                           struct mu_error *err);

enum mu_status completeness_images(struct completeness *state, struct mu_error *err);
enum mu_status completeness_statements(struct completeness *state, struct mu_error *err);
enum mu_status completeness_each(struct completeness *state, enum snapshot_list list, void *row,
                                 completeness_row_fn *each, struct mu_error *err);

#endif
