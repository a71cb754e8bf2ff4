/*
 * json_table: C struct <-> JSON object by a static field table; one table serves
 * both directions, so they cannot disagree.
 *
 * Decoding: absent or null optional members keep the type's "absent" value (NULL,
 * MU_TIME_NONE, 0, false). Unknown members are ignored. A wrong type, a missing
 * required member, an unknown enum word or a broken limit is an error naming the
 * member's full path ("containers[2].image"). Text is copied into the arena.
 * Encoding: straight to canonical text (json_doc.h); absent optional members are left
 * out; the same limits hold, so that whatever is encoded can be decoded.
 * Lengths of text count characters, as JSON Schema's maxLength does.
 *
 * Threads: tables are constant; an arena belongs to one thread.
 */
#ifndef MU_JSON_TABLE_H
#define MU_JSON_TABLE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum mu_json_type {
    MU_JSON_TEXT,   /* const char *; limits: min..max characters */
    MU_JSON_INT,    /* int64_t; limits: min..max */
    MU_JSON_BOOL,   /* bool */
    MU_JSON_TIME,   /* int64_t microseconds, RFC 3339 text in JSON */
    MU_JSON_ENUM,   /* int (an enum), a word of `words` in JSON */
    MU_JSON_DIGEST, /* const char *, "sha256:<64 hex>" or "sha512:<128 hex>" */
    MU_JSON_OBJECT, /* embedded struct described by `object` */
    MU_JSON_ARRAY,  /* struct mu_json_array of structs described by `object`; max = most elements */
    MU_JSON_TEXTS,  /* struct mu_json_texts; max = most elements, each of 1 to 1024 characters
                     */
    MU_JSON_MAP     /* struct mu_json_map: object with text values, each of at most 1024 characters;
                      max = most members */
};

enum mu_json_flag {
    MU_JSON_REQUIRED = 1 << 0,
    MU_JSON_VISIBLE = 1 << 1 /* text: printable ASCII without spaces, so characters are bytes */
};

struct mu_json_array {
    void *items; /* in the arena; item i at items + i * object->struct_size */
    size_t count;
};

struct mu_json_texts {
    const char **items;
    size_t count;
};

struct mu_json_pair {
    const char *key;
    const char *value;
};

struct mu_json_map {
    struct mu_json_pair *items; /* sorted by key when decoded */
    size_t count;
};

struct mu_json_object;

struct mu_json_field {
    const char *name;
    enum mu_json_type type;
    unsigned flags;
    size_t offset;
    int64_t min, max; /* both 0: the type's own bounds (text: 0..4096 characters) */
    const char *const *
            words; /* MU_JSON_ENUM: words[value]; NULL ends; value 0 = "absent" has words[0] = "" */
    const struct mu_json_object *object;
    size_t present_offset; /* MU_JSON_OBJECT, optional: offset of a bool set when present; 0: none
                            */
};

struct mu_json_object {
    const char *name;                   /* for errors: "registry event" */
    const struct mu_json_field *fields; /* sorted by name when it is encoded */
    size_t field_count;
    size_t struct_size;
};

/* `ret_struct` (struct_size bytes) is written only on success. Errors: MU_E_INVALID, MU_E_LIMIT,
 * MU_E_NOMEM. */
enum mu_status mu_json_decode(const struct mu_json_object *object, const json_t *root,
                              struct mu_arena *arena, void *ret_struct,
                              struct mu_error *err) MU_MUST_CHECK;

/* Appends; nothing on failure. Errors, naming the member: MU_E_INVALID (a required member is
 * absent, text is not UTF-8, a value that decoding would refuse), MU_E_LIMIT (also of the buffer),
 * MU_E_NOMEM. */
enum mu_status mu_json_encode(const struct mu_json_object *object, const void *value,
                              struct mu_buf *out, struct mu_error *err) MU_MUST_CHECK;

#endif
