/*
 * containers: running-containers.csv (bundle/csv_rows.h), one line a running container and
 * manifest behind it.
 */
#ifndef REPORT_BUNDLE_CONTAINERS_H
#define REPORT_BUNDLE_CONTAINERS_H

#include "snapshot/snapshot.h"

enum containers_column {
    CONTAINERS_CLUSTER,
    CONTAINERS_NAMESPACE,
    CONTAINERS_POD,
    CONTAINERS_CONTAINER,
    CONTAINERS_KIND,
    CONTAINERS_IMAGE,
    CONTAINERS_UAI,
    CONTAINERS_DIGEST,
    CONTAINERS_STATE,
    CONTAINERS_REASON,
    CONTAINERS_STARTED_AT,
    CONTAINERS_NODE,
    CONTAINERS_COLUMN_COUNT
};
extern const char *const containers_columns[CONTAINERS_COLUMN_COUNT];

/* A new file, not yet durable. Errors: MU_E_UNAVAILABLE. */
enum mu_status containers_write(const struct snapshot *snapshot, const char *path,
                                struct mu_error *err) MU_MUST_CHECK;

#endif
