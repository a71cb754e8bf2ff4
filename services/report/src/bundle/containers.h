/*
 * containers: running-containers.csv (RFC 4180, every field quoted), one line a running
 * container and manifest behind it.
 *
 * A field that a spreadsheet would run as a formula gets an apostrophe in front.
 */
#ifndef REPORT_BUNDLE_CONTAINERS_H
#define REPORT_BUNDLE_CONTAINERS_H

#include "snapshot/snapshot.h"

/* A new file, durable. Errors: MU_E_UNAVAILABLE. */
enum mu_status containers_write(const struct snapshot *snapshot, const char *path,
                                struct mu_error *err) MU_MUST_CHECK;

#endif
