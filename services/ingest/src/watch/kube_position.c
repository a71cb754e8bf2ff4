#include "watch/kube_position.h"

#include "base/file.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

enum { POSITION_MAX_BYTES = 16 * 1024 };

enum mu_status kube_position_read(const char *path, const char *cluster, const char *url,
                                  struct kube_position *ret_position, struct mu_error *err)
{
    static const struct mu_json_limits limits = {POSITION_MAX_BYTES, 4};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    json_auto_t *root = NULL;
    const char *version;
    enum mu_status st;

    mu_buf_init(&bytes, POSITION_MAX_BYTES);
    st = mu_file_read(path, &bytes, err);
    if (st != MU_OK)
        return st;
    if (mu_json_parse(bytes.data, bytes.len, &limits, &root, err) != MU_OK)
        return mu_fail(err, MU_E_NOT_FOUND, "'%s' is not understood", path);
    version = mu_json_text_at(root, "version");
    if (!mu_text_equal(mu_json_text_at(root, "cluster"), cluster) ||
        !mu_text_equal(mu_json_text_at(root, "url"), url) || !version || !*version ||
        strlen(version) >= KUBE_VERSION_SIZE)
        return mu_fail(err, MU_E_NOT_FOUND, "'%s' is of another cluster", path);
    (void)snprintf(ret_position->version, sizeof(ret_position->version), "%s", version);
    ret_position->listed_at_us = json_integer_value(json_object_get(root, "listed_at_us"));
    return MU_OK;
}

enum mu_status kube_position_write(const char *path, const char *cluster, const char *url,
                                   const struct kube_position *position, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    json_auto_t *root =
            json_pack("{s:s, s:s, s:s, s:I}", "cluster", cluster, "url", url, "version",
                      position->version, "listed_at_us", (json_int_t)position->listed_at_us);
    enum mu_status st;

    mu_buf_init(&bytes, POSITION_MAX_BYTES);
    if (!root)
        return mu_fail(err, MU_E_UNAVAILABLE, "a cluster's name is not UTF-8");
    st = mu_json_print(root, &bytes, err);
    return st == MU_OK ? mu_file_write_atomic(path, bytes.data, bytes.len, err) : st;
}
