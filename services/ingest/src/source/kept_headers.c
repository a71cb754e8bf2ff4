#include "source/kept_headers.h"

#include "base/text.h"

#include <string.h>

enum { VALUE_MAX_BYTES = 1024 }; /* schemas/quarantine-record.v1.schema.json */

/* Those that envelopes and kinds read. */
static const char *const names[] = {
        "ce-id",
        "ce-operator",
        "ce-source",
        "ce-specversion",
        "ce-subject",
        "ce-time",
        "ce-type",
        "x-github-delivery",
        "x-github-event",
        "x-goog-pubsub-message-id",
        "x-goog-pubsub-publish-time",
        "x-nexus-webhook-delivery",
};
enum { NAMES = sizeof(names) / sizeof(names[0]) };
_Static_assert((int)NAMES <= (int)MU_QUARANTINE_MAX_HEADERS, "the schema's bound");

/* A copy without tokens; NULL when it cannot be kept. */
static const char *value_of(const struct source_input *input, const char *name)
{
    const char *told = input->header(input->opaque, name);
    size_t len = told ? strnlen(told, VALUE_MAX_BYTES + 1) : 0;
    char *copy;

    if (!told || len > VALUE_MAX_BYTES || !mu_utf8_valid(told, len))
        return NULL;
    copy = mu_arena_strndup(input->arena, told, len);
    if (copy)
        source_redact(copy, len);
    return copy;
}

bool kept_headers_take(const struct source_input *input, struct mu_json_map *ret_headers)
{
    struct mu_json_pair *pairs =
            input->header ? mu_arena_alloc(input->arena, NAMES * sizeof(*pairs)) : NULL;
    size_t count = 0;

    for (size_t i = 0; pairs && i < NAMES; i++) {
        const char *value = value_of(input, names[i]);

        if (value)
            pairs[count++] = (struct mu_json_pair){names[i], value};
    }
    *ret_headers = (struct mu_json_map){pairs, count};
    return count > 0;
}

const char *kept_headers_find(void *opaque, const char *name)
{
    const struct mu_json_map *headers = opaque;

    for (size_t i = 0; i < headers->count; i++)
        if (strcasecmp(headers->items[i].key, name) == 0)
            return headers->items[i].value;
    return NULL;
}
