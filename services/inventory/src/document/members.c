#include "document/members.h"

#include "base/text.h"

static const struct mu_json_field *field_of(const struct mu_json_object *object, const char *name)
{
    for (size_t i = 0; i < object->field_count; i++)
        if (mu_text_equal(object->fields[i].name, name))
            return &object->fields[i];
    return NULL;
}

/* Tables are a few deep, and the document's depth is bounded. */
enum mu_status members_check(const struct mu_json_object *object, const json_t *value,
                             struct mu_error *err)
{
    const char *name;
    json_t *member;

    json_object_foreach ((json_t *)(uintptr_t)value, name, member) {
        const struct mu_json_field *field = field_of(object, name);
        enum mu_status st = MU_OK;
        const json_t *item;
        size_t i;

        if (!field)
            return mu_fail(err, MU_E_INVALID, "%s has no member '%.100s'", object->name, name);
        if (field->type == MU_JSON_OBJECT)
            st = members_check(field->object, member, err);
        if (field->type == MU_JSON_ARRAY)
            json_array_foreach (member, i, item) {
                if (st == MU_OK)
                    st = members_check(field->object, item, err);
            }
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}
