#include "bundle/json_list.h"

#include "bundle/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum mu_status json_list_open(const char *path, struct json_list *ret_list, struct mu_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

    *ret_list = (struct json_list){.file = fd >= 0 ? fdopen(fd, "w") : NULL, .path = path};
    mu_buf_init(&ret_list->text, BUNDLE_MAX_JSON_BYTES);
    if (!ret_list->file)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    json_list_put_text(ret_list, "[");
    return MU_OK;
}

void json_list_put_text(struct json_list *list, const char *json)
{
    (void)fputs(json, list->file);
}

void json_list_begin(struct json_list *list)
{
    if (list->count++ > 0)
        json_list_put_text(list, ",");
}

enum mu_status json_list_put(struct json_list *list, json_t *value, struct mu_error *err)
{
    json_auto_t *owned = value;
    enum mu_status st;

    if (!owned)
        return mu_fail(err, MU_E_NOMEM, "out of memory, or text that is not UTF-8");
    mu_buf_reset(&list->text);
    st = mu_json_print(owned, &list->text, err);
    if (st == MU_OK)
        (void)fwrite(list->text.data, 1, list->text.len, list->file);
    return st;
}

enum mu_status json_list_add(struct json_list *list, json_t *value, struct mu_error *err)
{
    json_list_begin(list);
    return json_list_put(list, value, err);
}

enum mu_status json_list_close(struct json_list *list, struct mu_error *err)
{
    json_list_put_text(list, "]");
    return fflush(list->file) == 0 && !ferror(list->file)
                   ? MU_OK
                   : mu_fail(err, MU_E_UNAVAILABLE, "write '%s': %s", list->path, strerror(errno));
}

void json_list_done(struct json_list *list)
{
    if (list->file)
        (void)fclose(list->file);
    list->file = NULL;
    mu_buf_done(&list->text);
}
