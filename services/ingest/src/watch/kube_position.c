#include "watch/kube_position.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { POSITION_MAX_BYTES = 16 * 1024 };

char *kube_position_path(const char *folder, const char *source)
{
    char path[PATH_MAX];

    if (!folder)
        return NULL;
    (void)snprintf(path, sizeof(path), "%s/position-%s.json", folder, source);
    return mu_xstrdup(path);
}

static enum mu_status read_root(const char *path, json_t **ret_root, struct mu_error *err)
{
    static const struct mu_json_limits limits = {POSITION_MAX_BYTES, 4};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, POSITION_MAX_BYTES);
    st = mu_file_read(path, &bytes, err);
    if (st == MU_OK && mu_json_parse(bytes.data, bytes.len, &limits, ret_root, err) != MU_OK)
        return mu_fail(err, MU_E_NOT_FOUND, "'%s' is not understood", path);
    return st;
}

static enum mu_status take_position(const json_t *root, const char *path,
                                    struct kube_position *ret_position, struct mu_error *err)
{
    const char *version = mu_json_text_at(root, "version");

    if (!version || !*version || strlen(version) >= KUBE_VERSION_SIZE)
        return mu_fail(err, MU_E_NOT_FOUND, "'%s' has no version", path);
    (void)snprintf(ret_position->version, sizeof(ret_position->version), "%s", version);
    ret_position->listed_at_us = json_integer_value(json_object_get(root, "listed_at_us"));
    return MU_OK;
}

enum mu_status kube_position_read(const char *path, const char *cluster, const char *url,
                                  struct kube_position *ret_position, struct mu_error *err)
{
    json_auto_t *root = NULL;
    enum mu_status st = read_root(path, &root, err);

    if (st != MU_OK)
        return st;
    if (!mu_text_equal(mu_json_text_at(root, "cluster"), cluster) ||
        !mu_text_equal(mu_json_text_at(root, "url"), url))
        return mu_fail(err, MU_E_NOT_FOUND, "'%s' is of another cluster", path);
    return take_position(root, path, ret_position, err);
}

enum mu_status kube_position_read_any(const char *path, char ret_cluster[KUBE_CLUSTER_SIZE],
                                      struct kube_position *ret_position, struct mu_error *err)
{
    json_auto_t *root = NULL;
    enum mu_status st = read_root(path, &root, err);
    const char *cluster = mu_json_text_at(root, "cluster");

    if (st == MU_OK && (!cluster || strlen(cluster) >= KUBE_CLUSTER_SIZE))
        return mu_fail(err, MU_E_NOT_FOUND, "'%s' names no cluster", path);
    if (st == MU_OK)
        st = take_position(root, path, ret_position, err);
    if (st == MU_OK)
        (void)snprintf(ret_cluster, KUBE_CLUSTER_SIZE, "%s", cluster);
    return st;
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
