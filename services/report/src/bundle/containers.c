#include "bundle/containers.h"

#include "workbook/cell_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

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

static void put_field(FILE *out, const char *text, char end)
{
    (void)fputc('"', out);
    if (text && cell_text_is_runnable(text))
        (void)fputc('\'', out);
    for (; text && *text; text++) {
        if (*text == '"')
            (void)fputc('"', out);
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
    (void)fputc(end, out);
}

static void put_row(FILE *out, const struct instance_row *row)
{
    const char *const fields[CONTAINERS_COLUMN_COUNT] = {[CONTAINERS_CLUSTER] = row->cluster,
                                                         [CONTAINERS_NAMESPACE] =
                                                                 row->namespace_name,
                                                         [CONTAINERS_POD] = row->pod,
                                                         [CONTAINERS_CONTAINER] = row->container,
                                                         [CONTAINERS_KIND] = row->container_kind,
                                                         [CONTAINERS_IMAGE] = row->image,
                                                         [CONTAINERS_UAI] = row->uai,
                                                         [CONTAINERS_DIGEST] = row->manifest_digest,
                                                         [CONTAINERS_STATE] = row->state,
                                                         [CONTAINERS_REASON] = row->reason,
                                                         [CONTAINERS_STARTED_AT] = row->started_at,
                                                         [CONTAINERS_NODE] = row->node};

    for (size_t i = 0; i < CONTAINERS_COLUMN_COUNT; i++)
        put_field(out, fields[i], i + 1 == CONTAINERS_COLUMN_COUNT ? '\n' : ',');
}

static void put_header(FILE *out)
{
    for (size_t i = 0; i < CONTAINERS_COLUMN_COUNT; i++)
        (void)fprintf(out, "%s%s", i ? "," : "", containers_columns[i]);
    (void)fputc('\n', out);
}

static enum mu_status put_rows(const struct snapshot *snapshot, FILE *out, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct instance_row row;
    bool found = true;
    enum mu_status st = snapshot_list(snapshot, SNAPSHOT_LIST_INSTANCES, NULL, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        put_row(out, &row);
    }
    return st;
}

enum mu_status containers_write(const struct snapshot *snapshot, const char *path,
                                struct mu_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    MU_AUTO_FILE FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    enum mu_status st;

    if (!out)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    put_header(out);
    st = put_rows(snapshot, out, err);
    if (st == MU_OK && (fflush(out) != 0 || ferror(out)))
        return mu_fail(err, MU_E_UNAVAILABLE, "write '%s': %s", path, strerror(errno));
    return st;
}
