/*
 * clock: wall time in microseconds since the Unix epoch, UTC, as int64_t `*_at_us`;
 * monotonic time in milliseconds for deadlines. Text form is RFC 3339 with `Z`.
 */
#ifndef MU_BASE_CLOCK_H
#define MU_BASE_CLOCK_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MU_TIME_NONE INT64_MIN /* "not known" */

enum { MU_TIME_TEXT_SIZE = 40 };

int64_t mu_now_us(void);
uint64_t mu_monotonic_ms(void);

/* "2026-11-24T12:00:00.123456Z": always six fraction digits. */
void mu_time_format(int64_t at_us, char ret_text[MU_TIME_TEXT_SIZE]);

/* Whether it lies in the years 1970 to 9999, which have a text form. */
bool mu_time_valid(int64_t at_us);

/*
 * RFC 3339 date-time: any offset, 0 to 9 fraction digits (cut to microseconds),
 * 't'/'z' accepted. Instants before 1970 are refused ("0001-01-01T00:00:00Z" is how
 * several senders write "not known"), and those after 9999. Errors: MU_E_INVALID.
 */
enum mu_status mu_time_parse(const char *text, size_t len, int64_t *ret_at_us,
                             struct mu_error *err) MU_MUST_CHECK;

/* First and one-past-last microsecond of "YYYY-MM". Errors: MU_E_INVALID. */
enum mu_status mu_month_parse(const char *text, int64_t *ret_begin_us, int64_t *ret_end_us,
                              struct mu_error *err) MU_MUST_CHECK;

#endif
