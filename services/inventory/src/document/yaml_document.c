#include "document/yaml_document.h"

#include "base/text.h"
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

/* ---- into a struct ---- */

static const struct mu_json_field *field_of(const struct mu_json_object *object, const char *name)
{
    for (size_t i = 0; i < object->field_count; i++)
        if (mu_text_equal(object->fields[i].name, name))
            return &object->fields[i];
    return NULL;
}

/* Tables are a few deep, and the document's depth is bounded. */
static enum mu_status check_members(const char *path, const struct mu_json_object *object,
                                    const json_t *value, struct mu_error *err)
{
    const char *name;
    json_t *member;

    json_object_foreach ((json_t *)(uintptr_t)value, name, member) {
        const struct mu_json_field *field = field_of(object, name);
        enum mu_status st = MU_OK;
        const json_t *item;
        size_t i;

        if (!field)
            return mu_fail(err, MU_E_INVALID, "%s: %s has no member '%.100s'", path, object->name,
                           name);
        if (field->type == MU_JSON_OBJECT)
            st = check_members(path, field->object, member, err);
        if (field->type == MU_JSON_ARRAY)
            json_array_foreach (member, i, item) {
                if (st == MU_OK)
                    st = check_members(path, field->object, item, err);
            }
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

enum mu_status yaml_document_decode(const char *path, const char *bytes, size_t len,
                                    const struct mu_json_object *object, struct mu_arena *arena,
                                    void *ret_struct, struct mu_error *err)
{
    json_auto_t *root = NULL;
    enum mu_status st = yaml_document_parse(path, bytes, len, &root, err);

    if (st == MU_OK)
        st = check_members(path, object, root, err);
    if (st != MU_OK)
        return st;
    st = mu_json_decode(object, root, arena, ret_struct, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "%s", path);
}
