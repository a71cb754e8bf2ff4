#include "bundle/containers.h"

#include "workbook/cell_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
    const char *const fields[] = {row->cluster,   row->namespace_name,  row->pod,
                                  row->container, row->container_kind,  row->image,
                                  row->uai,       row->manifest_digest, row->state,
                                  row->reason,    row->started_at,      row->node};
    const size_t count = sizeof(fields) / sizeof(fields[0]);

    for (size_t i = 0; i < count; i++)
        put_field(out, fields[i], i + 1 == count ? '\n' : ',');
}

enum mu_status containers_write(const struct snapshot *snapshot, const char *path,
                                struct mu_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    MU_AUTO_FILE FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (!out)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    (void)fputs("cluster,namespace,pod,container,kind,image,unique_asset_identifier,digest,"
                "state,reason,started_at,node\n",
                out);
    for (size_t i = 0; i < snapshot->instance_count; i++)
        put_row(out, &snapshot->instances[i]);
    if (fflush(out) != 0 || ferror(out) || fsync(fileno(out)) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "write '%s': %s", path, strerror(errno));
    return MU_OK;
}
