/* count: the parts of numbers_compute. Internal to src/numbers. */
#ifndef REPORT_NUMBERS_COUNT_H
#define REPORT_NUMBERS_COUNT_H

#include "numbers/numbers.h"

#define DAY_US INT64_C(86400000000)

/* Counts findings, items, clocks, triggers. */
enum mu_status count_findings(const struct snapshot *snapshot, struct mu_arena *arena,
                              struct numbers *numbers, struct mu_error *err) MU_MUST_CHECK;
/* Counts coverage, scans, failures, deviations, what was closed. */
enum mu_status count_rest(const struct numbers_request *request, struct mu_arena *arena,
                          struct numbers *numbers, struct mu_error *err) MU_MUST_CHECK;
/* Reads the earlier months. */
enum mu_status count_history(const struct numbers_files *previous, struct mu_arena *arena,
                             struct numbers *numbers, struct mu_error *err) MU_MUST_CHECK;

/* Which of `steps` (ascending days) the span fits into; the count of steps when none. */
size_t count_step(int64_t span_us, const int64_t *steps, size_t step_count);

#endif
