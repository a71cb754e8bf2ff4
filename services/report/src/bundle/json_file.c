#include "bundle/json_file.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum mu_status json_file_open(const char *path, struct json_file *ret_file, struct mu_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

    *ret_file = (struct json_file){.path = path};
    if (!file)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    json_stream_init(&ret_file->out, file, NULL);
    return MU_OK;
}

enum mu_status json_file_finish(struct json_file *file, struct mu_error *err)
{
    return json_stream_finish(&file->out, err) == MU_OK ? MU_OK : mu_wrap(err, "'%s'", file->path);
}

void json_file_done(struct json_file *file)
{
    if (file->out.file)
        (void)fclose(file->out.file);
    file->out.file = NULL;
}

void json_known_text(struct json_stream *out, const char *name, const char *text)
{
    if (text && *text)
        json_text(out, name, text);
}

void json_known_time(struct json_stream *out, const char *name, int64_t at_us)
{
    if (at_us != MU_TIME_NONE)
        json_time(out, name, at_us);
}
