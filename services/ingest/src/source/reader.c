#include "source/reader.h"

#include "base/text.h"
#include "oci/reference.h"
#include "json/json_doc.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EPOCH_TEXT_MAX = 20 };

/* 2010: no registry and no orchestrator is older; earlier times are how senders write "not known".
 */
static const int64_t earliest_us = INT64_C(1262304000000000);

/* ---- looking up ---- */

const json_t *source_read_json(const struct source_reader *reader, const char *path)
{
    const json_t *from = reader->event;

    if (*path == '/') {
        from = reader->root;
        path++;
    } else if (*path == '%') {
        from = reader->attributes->outer;
        path++;
    }
    return *path ? mu_json_at(from, path) : from;
}

bool source_read_is(const struct source_reader *reader, const char *path)
{
    const json_t *found;

    if (*path == '@' || *path == '%' || *path == '=')
        return source_read_text(reader, path) != NULL;
    found = source_read_json(reader, path);
    return found && !json_is_null(found);
}

static const char *header(const struct source_reader *reader, const char *name)
{
    const struct source_input *input = reader->input;

    return input->header ? input->header(input->opaque, name) : NULL;
}

const char *source_without_percent(const struct source_reader *reader, const char *text, size_t len)
{
    char *copy = mu_arena_strndup(reader->input->arena, text, len), *to = copy;

    if (!copy)
        return NULL;
    for (const char *at = copy; *at; at++) {
        uint8_t byte;

        if (*at == '%' && mu_hex_decode(at + 1, strnlen(at + 1, 2), &byte, 1) && byte != 0) {
            *to++ = (char)byte;
            at += 2;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
    return copy;
}

const char *source_text_at(const struct source_input *input, const json_t *root, const char *path)
{
    const char *found = mu_json_text_at(root, path);

    return found && *found ? mu_arena_strdup(input->arena, found) : NULL;
}

int64_t source_time_at(const json_t *root, const char *path)
{
    const char *found = mu_json_text_at(root, path);

    return found ? source_form_time(found) : MU_TIME_NONE;
}

static const char *json_text(const struct source_reader *reader, const json_t *value)
{
    if (json_is_string(value) && json_string_length(value) > 0)
        return mu_arena_strdup(reader->input->arena, json_string_value(value));
    if (json_is_integer(value))
        return mu_arena_printf(reader->input->arena, "%" JSON_INTEGER_FORMAT,
                               json_integer_value(value));
    return NULL;
}

static const char *attribute(const struct source_reader *reader, const char *name)
{
    const struct source_attributes *attributes = reader->attributes;
    const char *told = NULL;
    char ce_name[64];
    const struct {
        const char *name, *told;
    } known[] = {{"id", attributes->id},
                 {"time", attributes->time},
                 {"source", attributes->source},
                 {"cluster", attributes->cluster}};

    for (size_t i = 0; !told && i < sizeof(known) / sizeof(known[0]); i++)
        if (mu_text_equal(name, known[i].name))
            told = known[i].told;
    if (told)
        return *told ? mu_arena_strdup(reader->input->arena, told) : NULL;
    if (attributes->outer)
        return json_text(reader, json_object_get(attributes->outer, name));
    if (!attributes->in_headers)
        return NULL;
    (void)snprintf(ce_name, sizeof(ce_name), "ce-%s", name);
    told = header(reader, ce_name);
    return told && *told ? source_without_percent(reader, told, strlen(told)) : NULL;
}

const char *source_read_text(const struct source_reader *reader, const char *path)
{
    const char *told;

    switch (*path) {
    case '=':
        return path + 1;
    case '@':
        told = header(reader, path + 1);
        return told && *told ? mu_arena_strdup(reader->input->arena, told) : NULL;
    case '%':
        return attribute(reader, path + 1);
    default:
        return json_text(reader, source_read_json(reader, path));
    }
}

/* ---- forms ---- */

static const char *lower(const struct source_reader *reader, const char *text)
{
    char *copy = mu_arena_strdup(reader->input->arena, text);

    for (char *at = copy; at && *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return copy;
}

static const char *host_of(const struct source_reader *reader, const char *text)
{
    const char *scheme = strstr(text, "://");

    if (scheme)
        text = scheme + 3;
    return mu_arena_strndup(reader->input->arena, text, strcspn(text, "/"));
}

static const char *basename_of(const char *text)
{
    const char *slash = strrchr(text, '/');

    return slash ? slash + 1 : text;
}

static const char *formed(const struct source_reader *reader, enum source_form form,
                          const char *text)
{
    switch (form) {
    case FORM_LOWER:
        return lower(reader, text);
    case FORM_DIGEST:
        return mu_oci_digest_valid(text, strlen(text)) ? text : NULL;
    case FORM_HEX:
        return mu_text_starts(text, "sha256:")
                       ? text
                       : mu_arena_concat(reader->input->arena, "sha256:", text, NULL);
    case FORM_HOST:
        return host_of(reader, text);
    case FORM_BASENAME:
        return basename_of(text);
    case FORM_TEXT:
    case FORM_TIME:
    case FORM_SIZE:
    case FORM_SEQUENCE:
    case FORM_REFERENCE:
        break;
    }
    return text;
}

/* How many digits an epoch has tells its unit; 11 digits are seconds in the year 5138. */
static int64_t epoch_us(uint64_t number, size_t digits)
{
    if (digits <= 11)
        return (int64_t)(number * 1000000);
    if (digits <= 13)
        return (int64_t)(number * 1000);
    return digits <= 16 ? (int64_t)number : (int64_t)(number / 1000);
}

/* "+0000" at the end, as ISO 8601 allows and RFC 3339 does not, with its colon. */
static int64_t calendar_us(const char *text)
{
    char with_colon[EPOCH_TEXT_MAX * 3];
    size_t len = strlen(text);
    int64_t at_us = MU_TIME_NONE;
    struct mu_error ignored;

    if (len > 20 && len < sizeof(with_colon) - 1 && strchr("+-", text[len - 5]) &&
        strspn(text + len - 4, "0123456789") == 4) {
        (void)snprintf(with_colon, sizeof(with_colon), "%.*s:%s", (int)len - 2, text,
                       text + len - 2);
        text = with_colon;
    }
    return mu_time_parse(text, strlen(text), &at_us, &ignored) == MU_OK ? at_us : MU_TIME_NONE;
}

int64_t source_form_time(const char *text)
{
    struct mu_error ignored;
    uint64_t number;
    int64_t at_us;
    size_t digits = strspn(text, "0123456789");

    if (digits > 0 && digits < EPOCH_TEXT_MAX && text[digits] == '\0' &&
        mu_text_to_u64(text, "time", &number, &ignored) == MU_OK)
        at_us = epoch_us(number, digits);
    else
        at_us = calendar_us(text);
    return at_us >= earliest_us ? at_us : MU_TIME_NONE;
}

/* What stands at `path`, unless it is no natural number. */
static int64_t read_number(const struct source_reader *reader, const char *path, int64_t otherwise)
{
    const json_t *found = strchr("@%=", *path) ? NULL : source_read_json(reader, path);
    struct mu_error ignored;
    const char *text;
    uint64_t number;

    if (json_is_integer(found))
        return json_integer_value(found) >= 0 ? json_integer_value(found) : otherwise;
    text = source_read_text(reader, path);
    if (!text || mu_text_to_u64(text, "number", &number, &ignored) != MU_OK || number > INT64_MAX)
        return otherwise;
    return (int64_t)number;
}

static void fill_part(const struct source_reader *reader, struct fact *fact, enum fact_slot slot,
                      const char *text)
{
    if (!fact->text[slot] && *text)
        fact->text[slot] = mu_arena_strdup(reader->input->arena, text);
}

void source_fill_reference(const struct source_reader *reader, const char *reference,
                           struct fact *fact)
{
    struct mu_oci_reference parts;
    struct mu_error ignored;
    const char *path;
    size_t host_len;

    if (mu_oci_reference_parse(reference, strlen(reference), &parts, &ignored) != MU_OK)
        return;
    fill_part(reader, fact, FACT_TAG, parts.tag);
    fill_part(reader, fact, FACT_DIGEST, parts.digest);
    if (!parts.repository[0])
        return;
    mu_oci_repository_split(parts.repository, &host_len, &path);
    fill_part(reader, fact, FACT_REPOSITORY, path);
    if (!fact->text[FACT_REGISTRY])
        fact->text[FACT_REGISTRY] =
                mu_arena_strndup(reader->input->arena, parts.repository, host_len);
}

static void fill_field(const struct source_reader *reader, const struct source_field *field,
                       struct fact *fact)
{
    const char *text;

    switch (field->form) {
    case FORM_TIME:
        if (fact->occurred_at_us == MU_TIME_NONE && (text = source_read_text(reader, field->path)))
            fact->occurred_at_us = source_form_time(text);
        return;
    case FORM_SIZE:
        if (fact->size_bytes < 0)
            fact->size_bytes = read_number(reader, field->path, -1);
        return;
    case FORM_SEQUENCE:
        if (fact->sequence == 0)
            fact->sequence = read_number(reader, field->path, 0);
        return;
    case FORM_REFERENCE:
        if ((text = source_read_text(reader, field->path)))
            source_fill_reference(reader, text, fact);
        return;
    case FORM_TEXT:
    case FORM_LOWER:
    case FORM_DIGEST:
    case FORM_HEX:
    case FORM_HOST:
    case FORM_BASENAME:
        break;
    }
    if (fact->text[field->slot])
        return;
    text = source_read_text(reader, field->path);
    if (text)
        text = formed(reader, field->form, text);
    fact->text[field->slot] = text && *text ? text : NULL;
}

enum mu_status source_read_fields(const struct source_reader *reader,
                                  const struct source_field *fields, size_t count,
                                  struct fact *fact, struct mu_error *err)
{
    for (size_t i = 0; i < count; i++)
        fill_field(reader, &fields[i], fact);
    /* An arena that is full hands out NULL: nothing more would be said of anything. */
    if (!mu_arena_alloc(reader->input->arena, 1))
        return mu_fail(err, MU_E_NOMEM, "the request says more than its memory holds");
    return MU_OK;
}

/* ---- images of containers ---- */

static const char *part_of(const struct source_input *input, const char *text)
{
    return text[0] ? mu_arena_strdup(input->arena, text) : NULL;
}

void source_fill_image(const struct source_input *input, const char *image, const char *image_id,
                       struct mu_workload_container *container)
{
    struct mu_oci_reference parts;
    struct mu_error ignored;

    container->image = image;
    container->image_id = image_id;
    if (image && mu_oci_reference_parse(image, strlen(image), &parts, &ignored) == MU_OK) {
        container->repository = part_of(input, parts.repository);
        container->tag = part_of(input, parts.tag);
        container->digest = part_of(input, parts.digest);
    }
    if (image_id && mu_oci_reference_parse(image_id, strlen(image_id), &parts, &ignored) == MU_OK &&
        parts.digest[0]) {
        container->digest = part_of(input, parts.digest);
        if (!container->repository)
            container->repository = part_of(input, parts.repository);
    }
    if (container->repository)
        container->repository = source_alias(input, container->repository);
}
