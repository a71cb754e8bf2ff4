/*
 * support_check: whether the image's distribution still gets security updates.
 *
 * Time is given, so that the same scan tells the same: the days of package/os/end_of_life.h against
 * it. A distribution that the table does not know is told nothing of.
 */
#ifndef SCANNER_CHECK_SUPPORT_CHECK_H
#define SCANNER_CHECK_SUPPORT_CHECK_H

#include "package/finder.h"

#include "base/error.h"

/* As in os-release; each may be NULL. Errors: the sink's. */
enum mu_status support_check(const char *id, const char *version_id, const char *codename,
                             int64_t at_us, const struct finder_sink *sink,
                             struct mu_error *err) MU_MUST_CHECK;

#endif
