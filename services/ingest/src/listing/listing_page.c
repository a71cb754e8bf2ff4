#include "listing/listing_page.h"

#include "json/json_doc.h"

#include <string.h>

static enum mu_status each_name(const json_t *names, const char *member, listing_name_fn *each,
                                void *opaque, struct mu_error *err)
{
    const json_t *name;
    size_t index;

    json_array_foreach (names, index, name) {
        enum mu_status st;

        if (!json_is_string(name) || strlen(json_string_value(name)) != json_string_length(name))
            return mu_fail(err, MU_E_INVALID, "%s[%zu]: is no name", member, index);
        st = each(opaque, json_string_value(name), err);
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

enum mu_status listing_page_read(const char *bytes, size_t len, const char *member,
                                 listing_name_fn *each, void *opaque, size_t *ret_count,
                                 struct mu_error *err)
{
    static const struct mu_json_limits limits = {LISTING_PAGE_MAX_BYTES, 8};
    json_auto_t *root = NULL;
    const json_t *names;
    enum mu_status st = mu_json_parse(bytes, len, &limits, &root, err);

    if (st != MU_OK)
        return st;
    names = json_object_get(root, member);
    if (!names || !(json_is_array(names) || json_is_null(names)))
        return mu_fail(err, MU_E_INVALID, "%s: is no list", member);
    st = each_name(names, member, each, opaque, err);
    if (st == MU_OK)
        *ret_count = json_array_size(names);
    return st;
}
