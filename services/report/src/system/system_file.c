#include "system/system_file.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#include <string.h>
#include <yaml.h>

enum { SYSTEM_FILE_MAX_BYTES = 64 * 1024, SYSTEM_TEXT_MAX_BYTES = 1024 };

enum key_kind { KEY_TEXT, KEY_YES_NO, KEY_IMPACT };

struct key {
    const char *name;
    size_t offset;
    enum key_kind kind;
    const char *default_value; /* NULL: mandatory */
};

#define KEY(member, kind, value)                                   \
    {                                                              \
#        member, offsetof(struct system_file, member), kind, value \
    }

static const struct key keys[] = {
        KEY(name, KEY_TEXT, NULL),
        KEY(fedramp_id, KEY_TEXT, ""),
        KEY(impact_level, KEY_IMPACT, "Moderate"),
        KEY(baseline_configuration_name, KEY_TEXT, NULL),
        KEY(diagram_label, KEY_TEXT, NULL),
        KEY(function, KEY_TEXT, NULL),
        KEY(asset_type, KEY_TEXT, "Container"),
        KEY(default_vendor, KEY_TEXT, "Open Source"),
        KEY(system_administrator, KEY_TEXT, ""),
        KEY(unknown_os, KEY_TEXT, "No operating system in image"),
        KEY(authenticated_scan, KEY_YES_NO, "Yes"),
};
enum { KEY_COUNT = sizeof(keys) / sizeof(keys[0]) };

struct reader {
    const char *path;
    struct mu_arena *arena;
    struct system_file *system;
    yaml_document_t *document;
    bool seen[KEY_COUNT], seen_public_assets;
};

static const char **member(struct system_file *system, const struct key *key)
{
    return (const char **)(void *)((char *)system + key->offset);
}

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

static enum mu_status copy_text(struct reader *reader, const yaml_node_t *node, const char *name,
                                const char **ret_text, struct mu_error *err)
{
    size_t len;

    if (node->type != YAML_SCALAR_NODE)
        return mu_fail(err, MU_E_INVALID, "%s:%zu: '%s' must be a text", reader->path,
                       line_of(node), name);
    len = node->data.scalar.length;
    if (len > SYSTEM_TEXT_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "%s:%zu: '%s' is longer than %d bytes", reader->path,
                       line_of(node), name, SYSTEM_TEXT_MAX_BYTES);
    if (memchr(node->data.scalar.value, '\0', len))
        return mu_fail(err, MU_E_INVALID, "%s:%zu: '%s' holds a NUL", reader->path, line_of(node),
                       name);
    if (strcasecmp((const char *)node->data.scalar.value, "n/a") == 0 ||
        strcasecmp((const char *)node->data.scalar.value, "na") == 0)
        return mu_fail(err, MU_E_INVALID,
                       "%s:%zu: '%s' says '%s': FedRAMP wants such cells blank, leave the key out",
                       reader->path, line_of(node), name, (const char *)node->data.scalar.value);
    *ret_text = mu_arena_strndup(reader->arena, (const char *)node->data.scalar.value, len);
    return *ret_text ? MU_OK : mu_fail(err, MU_E_NOMEM, "%s: out of memory", reader->path);
}

static bool word_fits(const struct key *key, const char *text)
{
    switch (key->kind) {
    case KEY_TEXT:
        return true;
    case KEY_YES_NO:
        return mu_text_equal(text, "Yes") || mu_text_equal(text, "No");
    case KEY_IMPACT:
        return mu_text_equal(text, "Low") || mu_text_equal(text, "Moderate") ||
               mu_text_equal(text, "High");
    }
    return false;
}

static enum mu_status read_public_assets(struct reader *reader, const yaml_node_t *node,
                                         struct mu_error *err)
{
    struct system_file *system = reader->system;
    enum mu_status st;

    if (node->type != YAML_SEQUENCE_NODE)
        return mu_fail(err, MU_E_INVALID, "%s:%zu: 'public_assets' must be a list of repositories",
                       reader->path, line_of(node));
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        if (system->public_asset_count == SYSTEM_MAX_PUBLIC_ASSETS)
            return mu_fail(err, MU_E_LIMIT, "%s: more than %d public_assets", reader->path,
                           SYSTEM_MAX_PUBLIC_ASSETS);
        st = copy_text(reader, yaml_document_get_node(reader->document, *item), "public_assets",
                       &system->public_assets[system->public_asset_count], err);
        if (st != MU_OK)
            return st;
        system->public_asset_count++;
    }
    return MU_OK;
}

static enum mu_status read_key(struct reader *reader, size_t index, const yaml_node_t *name_node,
                               const yaml_node_t *value, struct mu_error *err)
{
    const struct key *key = &keys[index];
    enum mu_status st;

    if (reader->seen[index])
        return mu_fail(err, MU_E_INVALID, "%s:%zu: '%s' is given twice", reader->path,
                       line_of(name_node), key->name);
    reader->seen[index] = true;
    st = copy_text(reader, value, key->name, member(reader->system, key), err);
    if (st == MU_OK && !word_fits(key, *member(reader->system, key)))
        return mu_fail(err, MU_E_INVALID, "%s:%zu: '%s' must be %s, not '%s'", reader->path,
                       line_of(value), key->name,
                       key->kind == KEY_YES_NO ? "Yes or No" : "Low, Moderate or High",
                       *member(reader->system, key));
    return st;
}

static enum mu_status read_pair(struct reader *reader, const yaml_node_pair_t *pair,
                                struct mu_error *err)
{
    const yaml_node_t *name_node = yaml_document_get_node(reader->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
    const char *name = name_node->type == YAML_SCALAR_NODE
                               ? (const char *)name_node->data.scalar.value
                               : "(not a text)";

    if (mu_text_equal(name, "public_assets")) {
        if (reader->seen_public_assets)
            return mu_fail(err, MU_E_INVALID, "%s:%zu: 'public_assets' is given twice",
                           reader->path, line_of(name_node));
        reader->seen_public_assets = true;
        return read_public_assets(reader, value, err);
    }
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (mu_text_equal(name, keys[i].name))
            return read_key(reader, i, name_node, value, err);
    return mu_fail(err, MU_E_INVALID, "%s:%zu: unknown key '%s'", reader->path, line_of(name_node),
                   name);
}

static enum mu_status read_mapping(struct reader *reader, struct mu_error *err)
{
    const yaml_node_t *root = yaml_document_get_root_node(reader->document);
    enum mu_status st;

    if (!root || root->type != YAML_MAPPING_NODE)
        return mu_fail(err, MU_E_INVALID, "%s: must be a mapping of keys to texts", reader->path);
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++) {
        st = read_pair(reader, pair, err);
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

static enum mu_status check_complete(struct reader *reader, struct mu_error *err)
{
    struct system_file *system = reader->system;

    for (size_t i = 0; i < KEY_COUNT; i++) {
        const char **text = member(system, &keys[i]);

        if (!*text)
            *text = keys[i].default_value;
        if (!*text || (!keys[i].default_value && !**text))
            return mu_fail(err, MU_E_INVALID, "%s: '%s' is mandatory", reader->path, keys[i].name);
    }
    if (mu_text_equal(system->impact_level, "High") && !*system->system_administrator)
        return mu_fail(err, MU_E_INVALID,
                       "%s: 'system_administrator' is mandatory for a High system", reader->path);
    return MU_OK;
}

static enum mu_status parse_document(const char *path, const char *bytes, size_t len,
                                     yaml_document_t *ret_document, struct mu_error *err)
{
    yaml_parser_t parser;
    enum mu_status st = MU_OK;

    if (!yaml_parser_initialize(&parser))
        return mu_fail(err, MU_E_NOMEM, "%s: out of memory", path);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, len);
    if (!yaml_parser_load(&parser, ret_document))
        st = mu_fail(err, MU_E_INVALID, "%s:%zu: %s", path, parser.problem_mark.line + 1,
                     parser.problem ? parser.problem : "not YAML");
    yaml_parser_delete(&parser);
    return st;
}

enum mu_status system_file_parse(const char *path, const char *bytes, size_t len,
                                 struct mu_arena *arena, struct system_file *ret_system,
                                 struct mu_error *err)
{
    struct system_file *system = mu_arena_alloc(arena, sizeof(*system));
    yaml_document_t document;
    struct reader reader = {.path = path, .arena = arena, .system = system, .document = &document};
    enum mu_status st;

    if (!system)
        return mu_fail(err, MU_E_NOMEM, "%s: out of memory", path);
    st = parse_document(path, bytes, len, &document, err);
    if (st != MU_OK)
        return st;
    st = read_mapping(&reader, err);
    yaml_document_delete(&document);
    if (st == MU_OK)
        st = check_complete(&reader, err);
    if (st == MU_OK)
        *ret_system = *system;
    return st;
}

enum mu_status system_file_read(const char *path, struct mu_arena *arena,
                                struct system_file *ret_system, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, SYSTEM_FILE_MAX_BYTES);
    st = mu_file_read(path, &bytes, err);
    if (st != MU_OK)
        return st;
    return system_file_parse(path, bytes.data, bytes.len, arena, ret_system, err);
}

bool system_file_is_public(const struct system_file *system, const char *repository)
{
    for (size_t i = 0; i < system->public_asset_count; i++)
        if (mu_text_equal(system->public_assets[i], repository))
            return true;
    return false;
}
