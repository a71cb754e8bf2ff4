#include "bundle/containers.h"

#include "bundle/csv_rows.h"

const char *const containers_columns[CONTAINERS_COLUMN_COUNT] = {
        [CONTAINERS_CLUSTER] = "cluster",
        [CONTAINERS_NAMESPACE] = "namespace",
        [CONTAINERS_POD] = "pod",
        [CONTAINERS_CONTAINER] = "container",
        [CONTAINERS_KIND] = "kind",
        [CONTAINERS_IMAGE] = "image",
        [CONTAINERS_UAI] = "unique_asset_identifier",
        [CONTAINERS_DIGEST] = "digest",
        [CONTAINERS_STATE] = "state",
        [CONTAINERS_REASON] = "reason",
        [CONTAINERS_STARTED_AT] = "started_at",
        [CONTAINERS_NODE] = "node"};

enum mu_status containers_write(const struct snapshot *snapshot, const char *path,
                                struct mu_error *err)
{
    return csv_rows_write(snapshot, SNAPSHOT_LIST_INSTANCES, SNAPSHOT_INSTANCES, containers_columns,
                          path, err);
}
