#include "database/secdb.h"

#include "json/json_doc.h"

#include "base/clock.h"
#include "base/text.h"
#include "yaml/yaml_json.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { ID_SIZE = 128 };

struct secdb {
    struct builder *builder;
    char ecosystem[64];
    uint32_t records;
};

static enum mu_status add_fix(struct secdb *secdb, const char *package, const char *version,
                              const char *id, struct mu_error *err)
{
    const struct builder_record record = {.feed = FEED_SECDB,
                                          .id = id,
                                          .scope = {secdb->ecosystem, package, version},
                                          .modified_us = MU_TIME_NONE};
    const struct builder_affected affected = {.ecosystem = secdb->ecosystem, .package = package};

    builder_begin(secdb->builder, &record);
    if (builder_begin_affected(secdb->builder, &affected)) {
        builder_event(secdb->builder, DATABASE_EVENT_RANGE, "");
        builder_event(secdb->builder, DATABASE_EVENT_INTRODUCED, "0");
        builder_event(secdb->builder, DATABASE_EVENT_FIXED, version);
        builder_end_affected(secdb->builder);
    }
    secdb->records++;
    return builder_end(secdb->builder, err);
}

/* "CVE-2018-1 XSA-2": each word is an id. */
static enum mu_status add_ids(struct secdb *secdb, const char *package, const char *version,
                              const char *ids, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    while (st == MU_OK && *ids) {
        size_t len = strcspn(ids, " \t,");
        char id[ID_SIZE];

        if (len >= sizeof(id))
            return mu_fail(err, MU_E_LIMIT, "secdb: %.80s: an id of more than %d bytes", package,
                           ID_SIZE - 1);
        memcpy(id, ids, len);
        id[len] = '\0';
        if (len > 0 && isalpha((unsigned char)id[0]))
            st = add_fix(secdb, package, version, id, err);
        ids += len;
        ids += strspn(ids, " \t,");
    }
    return st;
}

static enum mu_status add_package(struct secdb *secdb, json_t *package, struct mu_error *err)
{
    const char *name = json_string_value(json_object_get(package, "name")), *version;
    json_t *fixes = json_object_get(package, "secfixes"), *ids;
    enum mu_status st = MU_OK;

    if (!name)
        return mu_fail(err, MU_E_INVALID, "secdb: pkg.name: is missing");
    json_object_foreach (fixes, version, ids) {
        const json_t *id;
        size_t index;

        json_array_foreach (ids, index, id) {
            if (st == MU_OK && json_is_string(id))
                st = add_ids(secdb, name, version, json_string_value(id), err);
        }
    }
    return st;
}

/* "Alpine:v3.20"; Wolfi and Chainguard roll, and are told by where their packages lie. */
static enum mu_status name_ecosystem(struct secdb *secdb, const json_t *root, struct mu_error *err)
{
    static const struct {
        const char *prefix, *ecosystem;
    } rolling[] = {{"packages.wolfi.dev", "Wolfi"}, {"packages.cgr.dev", "Chainguard"}};
    const char *release = json_string_value(json_object_get(root, "distroversion"));
    const char *prefix = json_string_value(json_object_get(root, "urlprefix"));
    size_t size = sizeof(secdb->ecosystem);
    int len = -1;

    if (release)
        len = snprintf(secdb->ecosystem, size, "Alpine:%s", release);
    for (size_t i = 0; !release && prefix && i < sizeof(rolling) / sizeof(rolling[0]); i++)
        if (strstr(prefix, rolling[i].prefix))
            len = snprintf(secdb->ecosystem, size, "%s", rolling[i].ecosystem);
    if (len < 0)
        return mu_fail(err, MU_E_INVALID, "secdb: distroversion: is missing");
    return len < (int)size ? MU_OK : mu_fail(err, MU_E_LIMIT, "secdb: distroversion: is too long");
}

static enum mu_status read_root(struct builder *builder, const json_t *root, uint32_t *ret_records,
                                struct mu_error *err)
{
    struct secdb secdb = {.builder = builder};
    enum mu_status st = name_ecosystem(&secdb, root, err);
    const json_t *entry;
    size_t index;

    json_array_foreach (json_object_get(root, "packages"), index, entry) {
        if (st == MU_OK)
            st = add_package(&secdb, json_object_get(entry, "pkg"), err);
    }
    if (st == MU_OK)
        *ret_records = secdb.records;
    return st;
}

enum mu_status secdb_read_json(struct builder *builder, const char *bytes, size_t len,
                               uint32_t *ret_records, struct mu_error *err)
{
    static const struct mu_json_limits limits = {SECDB_MAX_BYTES, 16};
    json_auto_t *root = NULL;
    enum mu_status st = mu_json_parse(bytes, len, &limits, &root, err);

    return st == MU_OK ? read_root(builder, root, ret_records, err) : st;
}

enum mu_status secdb_read_yaml(struct builder *builder, const char *bytes, size_t len,
                               uint32_t *ret_records, struct mu_error *err)
{
    /* Every scalar is a text: versions such as 1.10 must stay as written. */
    static const struct yaml_json_rules rules = {.max_depth = YAML_JSON_MAX_DEPTH,
                                                 .max_values = SIZE_MAX};
    json_auto_t *root = NULL;
    enum mu_status st = yaml_json_parse("YAML", bytes, len, &rules, &root, err);

    return st == MU_OK ? read_root(builder, root, ret_records, err) : st;
}
