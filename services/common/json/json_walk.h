/*
 * json_walk: what decoding and encoding by a field table share: where one is in the document, the
 * errors that name it, and the limits that hold both ways. Internal to common/json.
 */
#ifndef MU_JSON_WALK_H
#define MU_JSON_WALK_H

#include "json/json_table.h"

#include "base/buf.h"

enum { JSON_TEXT_MAX_CHARACTERS = 4096, JSON_ITEM_MAX_CHARACTERS = 1024 };

/* What an element of MU_JSON_TEXTS and a value of MU_JSON_MAP may be. */
extern const struct mu_json_field json_texts_item, json_map_item;

/* A step of the way from the top; written out only for an error: "containers[2].image". */
struct json_path {
    const struct json_path *parent; /* NULL: the top, which has no name */
    const char *name;               /* NULL: an element */
    size_t index;
};

struct json_walk {
    const struct mu_json_object *top;
    struct mu_arena *arena; /* decoding */
    struct mu_buf *out;     /* encoding */
    struct mu_error *err;
};

enum mu_status json_wrong(const struct json_walk *walk, const struct json_path *path,
                          const char *expected);
enum mu_status json_no_memory(const struct json_walk *walk, const struct json_path *path);

/* `text` is UTF-8. */
enum mu_status json_check_text(const struct json_walk *walk, const struct json_path *path,
                               const struct mu_json_field *field, const char *text, size_t len);
enum mu_status json_check_int(const struct json_walk *walk, const struct json_path *path,
                              const struct mu_json_field *field, int64_t number);
enum mu_status json_check_count(const struct json_walk *walk, const struct json_path *path,
                                const struct mu_json_field *field, size_t count);

#endif
