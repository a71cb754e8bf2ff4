#include "document/yaml_document.h"

#include "document/members.h"

#include "yaml/yaml_json.h"

#include <stdint.h>

enum { DOCUMENT_MAX_VALUES = 200000 };

enum mu_status yaml_document_parse(const char *path, const char *bytes, size_t len,
                                   json_t **ret_root, struct mu_error *err)
{
    static const struct yaml_json_rules rules = {.max_depth = YAML_DOCUMENT_MAX_DEPTH,
                                                 .max_values = DOCUMENT_MAX_VALUES,
                                                 .typed = true,
                                                 .keys_once = true};

    if (len > YAML_DOCUMENT_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "%s: more than %d bytes", path, YAML_DOCUMENT_MAX_BYTES);
    return yaml_json_parse(path, bytes, len, &rules, ret_root, err);
}

enum mu_status yaml_document_decode(const char *path, const char *bytes, size_t len,
                                    const struct mu_json_object *object, struct mu_arena *arena,
                                    void *ret_struct, struct mu_error *err)
{
    json_auto_t *root = NULL;
    enum mu_status st = yaml_document_parse(path, bytes, len, &root, err);

    if (st != MU_OK)
        return st;
    st = members_check(object, root, err);
    if (st == MU_OK)
        st = mu_json_decode(object, root, arena, ret_struct, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "%s", path);
}
