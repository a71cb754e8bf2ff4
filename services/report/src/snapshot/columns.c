#include "snapshot/columns.h"

#define COLUMN(row, member, type)                   \
    {                                               \
#        member, type, offsetof(struct row, member) \
    }
#define KIND(table, create, insert, columns, row)                                                  \
    {                                                                                              \
        table, create, insert, columns, sizeof(columns) / sizeof((columns)[0]), sizeof(struct row) \
    }

static const struct column inventory[] = {
        COLUMN(inventory_row, uai, VALUE_TEXT),
        COLUMN(inventory_row, manifest_digest, VALUE_TEXT),
        COLUMN(inventory_row, repository, VALUE_TEXT),
        COLUMN(inventory_row, tag, VALUE_TEXT),
        COLUMN(inventory_row, platform, VALUE_TEXT),
        COLUMN(inventory_row, os_name, VALUE_TEXT),
        COLUMN(inventory_row, image_title, VALUE_TEXT),
        COLUMN(inventory_row, image_version, VALUE_TEXT),
        COLUMN(inventory_row, image_vendor, VALUE_TEXT),
        COLUMN(inventory_row, running_containers, VALUE_NUMBER),
        COLUMN(inventory_row, state, VALUE_TEXT),
        COLUMN(inventory_row, reason, VALUE_TEXT),
        COLUMN(inventory_row, evidence_digest, VALUE_TEXT),
        COLUMN(inventory_row, scan_finished_at, VALUE_TIME),
        COLUMN(inventory_row, reported_digest, VALUE_TEXT),
        COLUMN(inventory_row, floating, VALUE_NUMBER),
};

static const struct column instances[] = {
        COLUMN(instance_row, cluster, VALUE_TEXT),
        COLUMN(instance_row, namespace_name, VALUE_TEXT),
        COLUMN(instance_row, pod, VALUE_TEXT),
        COLUMN(instance_row, container, VALUE_TEXT),
        COLUMN(instance_row, container_kind, VALUE_TEXT),
        COLUMN(instance_row, image, VALUE_TEXT),
        COLUMN(instance_row, uai, VALUE_TEXT),
        COLUMN(instance_row, manifest_digest, VALUE_TEXT),
        COLUMN(instance_row, state, VALUE_TEXT),
        COLUMN(instance_row, reason, VALUE_TEXT),
        COLUMN(instance_row, started_at, VALUE_TIME),
        COLUMN(instance_row, node, VALUE_TEXT),
};

static const struct column not_running[] = {
        COLUMN(target_row, uai, VALUE_TEXT),
        COLUMN(target_row, manifest_digest, VALUE_TEXT),
};

static const struct column totals[] = {
        COLUMN(total_row, state, VALUE_TEXT),
        COLUMN(total_row, containers, VALUE_NUMBER),
};

static const struct column originals[] = {
        COLUMN(original_row, evidence_digest, VALUE_TEXT),
        COLUMN(original_row, original_digest, VALUE_TEXT),
};

const struct row_kind row_kinds[SNAPSHOT_ROWS_COUNT] = {
        [SNAPSHOT_INVENTORY] =
                KIND("inventory",
                     "CREATE TABLE inventory (uai TEXT, manifest_digest TEXT, repository "
                     "TEXT, tag TEXT, platform TEXT, os_name TEXT, image_title TEXT, "
                     "image_version TEXT, image_vendor TEXT, running_containers INTEGER, "
                     "state TEXT, reason TEXT, evidence_digest TEXT, scan_finished_at TEXT, "
                     "reported_digest TEXT, floating INTEGER)",
                     "INSERT INTO inventory VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                     "?, ?, ?)",
                     inventory, inventory_row),
        [SNAPSHOT_INSTANCES] =
                KIND("instances",
                     "CREATE TABLE instances (cluster TEXT, namespace_name TEXT, pod TEXT, "
                     "container TEXT, container_kind TEXT, image TEXT, uai TEXT, "
                     "manifest_digest TEXT, state TEXT, reason TEXT, started_at TEXT, node "
                     "TEXT)",
                     "INSERT INTO instances VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", instances,
                     instance_row),
        [SNAPSHOT_NOT_RUNNING] =
                KIND("not_running", "CREATE TABLE not_running (uai TEXT, manifest_digest TEXT)",
                     "INSERT INTO not_running VALUES (?, ?)", not_running, target_row),
        [SNAPSHOT_TOTALS] = KIND("totals", "CREATE TABLE totals (state TEXT, containers INTEGER)",
                                 "INSERT INTO totals VALUES (?, ?)", totals, total_row),
        [SNAPSHOT_ORIGINALS] = KIND(
                "originals", "CREATE TABLE originals (evidence_digest TEXT, original_digest TEXT)",
                "INSERT INTO originals VALUES (?, ?)", originals, original_row),
};
