/*
 * field: short forms for the rows of a message's field table. Internal to common/msg.
 */
#ifndef MU_MSG_FIELD_H
#define MU_MSG_FIELD_H

#include "msg/msg.h"

#include <stddef.h>

/* In characters. */
enum {
    FIELD_NAME_MAX = 255,       /* names of sources, clusters, pods, nodes (RFC 1123 plus slack) */
    FIELD_ID_MAX = 512,         /* a sender's own event id */
    FIELD_REPOSITORY_MAX = 511, /* MU_OCI_REPOSITORY_SIZE without NUL */
    FIELD_TAG_MAX = 128,
    FIELD_UAI_MAX = 659,
    FIELD_MESSAGE_MAX = 1024,
    FIELD_IMAGE_MAX = 1024
};

#define TEXT(struct_, member, json, required, max_bytes)                                          \
    {                                                                                             \
        .name = (json), .type = MU_JSON_TEXT, .flags = (required),                                \
        .offset = offsetof(struct struct_, member), .min = (required) ? 1 : 0, .max = (max_bytes) \
    }
/* Canonical names: printable ASCII. */
#define NAME(struct_, member, json, required, max_bytes)                                          \
    {                                                                                             \
        .name = (json), .type = MU_JSON_TEXT, .flags = (required) | MU_JSON_VISIBLE,              \
        .offset = offsetof(struct struct_, member), .min = (required) ? 1 : 0, .max = (max_bytes) \
    }
#define DIGEST(struct_, member, json, required)                      \
    {                                                                \
        .name = (json), .type = MU_JSON_DIGEST, .flags = (required), \
        .offset = offsetof(struct struct_, member)                   \
    }
#define TIME(struct_, member, json, required)                      \
    {                                                              \
        .name = (json), .type = MU_JSON_TIME, .flags = (required), \
        .offset = offsetof(struct struct_, member)                 \
    }
#define ENUM(struct_, member, json, required, words_)                 \
    {                                                                 \
        .name = (json), .type = MU_JSON_ENUM, .flags = (required),    \
        .offset = offsetof(struct struct_, member), .words = (words_) \
    }
#define INT(struct_, member, json, required, low, high)                         \
    {                                                                           \
        .name = (json), .type = MU_JSON_INT, .flags = (required),               \
        .offset = offsetof(struct struct_, member), .min = (low), .max = (high) \
    }
#define COUNT(struct_, member, json, required) INT(struct_, member, json, required, 0, INT64_MAX)
#define BOOL(struct_, member, json, required)                      \
    {                                                              \
        .name = (json), .type = MU_JSON_BOOL, .flags = (required), \
        .offset = offsetof(struct struct_, member)                 \
    }
#define TEXTS(struct_, member, json, required, most)                \
    {                                                               \
        .name = (json), .type = MU_JSON_TEXTS, .flags = (required), \
        .offset = offsetof(struct struct_, member), .max = (most)   \
    }
#define ARRAY(struct_, member, json, required, most, of)                          \
    {                                                                             \
        .name = (json), .type = MU_JSON_ARRAY, .flags = (required),               \
        .offset = offsetof(struct struct_, member), .max = (most), .object = (of) \
    }
#define OBJECT(struct_, member, json, of, present)                                          \
    {                                                                                       \
        .name = (json), .type = MU_JSON_OBJECT, .offset = offsetof(struct struct_, member), \
        .object = (of), .present_offset = offsetof(struct struct_, present)                 \
    }
#define MAP(struct_, member, json, required, most)                \
    {                                                             \
        .name = (json), .type = MU_JSON_MAP, .flags = (required), \
        .offset = offsetof(struct struct_, member), .max = (most) \
    }

#define MUST MU_JSON_REQUIRED
#define MAY  0

#define MESSAGE_OBJECT(object_name, text_, struct_)                    \
    {                                                                  \
        .name = (text_), .fields = (object_name),                      \
        .field_count = sizeof(object_name) / sizeof((object_name)[0]), \
        .struct_size = sizeof(struct struct_)                          \
    }

#endif
