#include "yaml/yaml_reader.h"

#include "base/buf.h"
#include "base/sha256.h"
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

enum { DESCRIBE_MAX_DEPTH = 16, DESCRIBE_MAX_BYTES = 1024 * 1024 };

size_t yaml_reader_line(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

enum mu_status yaml_reader_wrong(const struct yaml_reader *reader, const yaml_node_t *node,
                                 const char *key, const char *what, struct mu_error *err)
{
    return mu_fail(err, MU_E_INVALID, "%s:%zu: '%s' %s", reader->path, yaml_reader_line(node), key,
                   what);
}

enum mu_status yaml_reader_nomem(const struct yaml_reader *reader, struct mu_error *err)
{
    return mu_fail(err, MU_E_NOMEM, "%s: out of memory", reader->path);
}

enum mu_status yaml_reader_text_or_empty(struct yaml_reader *reader, const char *what,
                                         const yaml_node_t *node, const char **ret_text,
                                         struct mu_error *err)
{
    size_t len = node->type == YAML_SCALAR_NODE ? node->data.scalar.length : 0;

    if (node->type != YAML_SCALAR_NODE)
        return yaml_reader_wrong(reader, node, what, "must be a text", err);
    if (len > YAML_TEXT_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "%s:%zu: '%s' is longer than %d bytes", reader->path,
                       yaml_reader_line(node), what, YAML_TEXT_MAX_BYTES);
    if (memchr(node->data.scalar.value, '\0', len))
        return yaml_reader_wrong(reader, node, what, "holds a NUL", err);
    *ret_text = mu_arena_strndup(reader->arena, (const char *)node->data.scalar.value, len);
    return *ret_text ? MU_OK : yaml_reader_nomem(reader, err);
}

enum mu_status yaml_reader_text(struct yaml_reader *reader, const char *what,
                                const yaml_node_t *node, const char **ret_text,
                                struct mu_error *err)
{
    if (node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0)
        return yaml_reader_wrong(reader, node, what, "is empty", err);
    return yaml_reader_text_or_empty(reader, what, node, ret_text, err);
}

enum mu_status yaml_reader_text_member(struct yaml_reader *reader, const struct yaml_key *key,
                                       const yaml_node_t *value, void *target, struct mu_error *err)
{
    return yaml_reader_text(reader, key->name, value,
                            (const char **)(void *)((char *)target + key->offset), err);
}

enum mu_status yaml_reader_bool_member(struct yaml_reader *reader, const struct yaml_key *key,
                                       const yaml_node_t *value, void *target, struct mu_error *err)
{
    const char *text = NULL;
    enum mu_status st = yaml_reader_text(reader, key->name, value, &text, err);

    if (st != MU_OK)
        return st;
    if (!mu_text_equal(text, "true") && !mu_text_equal(text, "false"))
        return yaml_reader_wrong(reader, value, key->name, "must be true or false", err);
    *(bool *)(void *)((char *)target + key->offset) = mu_text_equal(text, "true");
    return MU_OK;
}

/* True when an earlier pair of the mapping has the same key. */
static bool is_repeated(const struct yaml_reader *reader, const yaml_node_t *node,
                        const yaml_node_pair_t *pair, const char *name)
{
    for (const yaml_node_pair_t *at = node->data.mapping.pairs.start; at < pair; at++) {
        const yaml_node_t *key = yaml_document_get_node(reader->document, at->key);

        if (key->type == YAML_SCALAR_NODE &&
            mu_text_equal((const char *)key->data.scalar.value, name))
            return true;
    }
    return false;
}

enum mu_status yaml_reader_mapping(struct yaml_reader *reader, const char *what,
                                   const yaml_node_t *node, const struct yaml_key *keys,
                                   size_t key_count, void *target, struct mu_error *err)
{
    if (node->type != YAML_MAPPING_NODE)
        return yaml_reader_wrong(reader, node, what, "must be a mapping", err);
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key_node = yaml_document_get_node(reader->document, pair->key);
        const char *name = NULL;
        size_t i = 0;
        enum mu_status st = yaml_reader_text(reader, what, key_node, &name, err);

        if (st != MU_OK)
            return st;
        while (i < key_count && !mu_text_equal(keys[i].name, name))
            i++;
        if (i == key_count)
            return yaml_reader_wrong(reader, key_node, name, "is an unknown option", err);
        if (is_repeated(reader, node, pair, name))
            return yaml_reader_wrong(reader, key_node, name, "is given twice", err);
        st = keys[i].read(reader, &keys[i], yaml_document_get_node(reader->document, pair->value),
                          target, err);
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

enum mu_status yaml_reader_load(const char *path, const char *bytes, size_t len,
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

/* ---- fingerprint ---- */

/* So that nothing else reads the same. */
static void describe(const struct yaml_reader *reader, const yaml_node_t *node, unsigned depth,
                     struct mu_buf *out)
{
    if (depth == DESCRIBE_MAX_DEPTH) {
        out->failed = true;
    } else if (node->type == YAML_SCALAR_NODE) {
        mu_buf_printf(out, "%zu:", node->data.scalar.length);
        mu_buf_append(out, node->data.scalar.value, node->data.scalar.length);
    } else if (node->type == YAML_SEQUENCE_NODE) {
        mu_buf_puts(out, "[");
        for (const yaml_node_item_t *item = node->data.sequence.items.start;
             item < node->data.sequence.items.top && !out->failed; item++)
            describe(reader, yaml_document_get_node(reader->document, *item), depth + 1, out);
        mu_buf_puts(out, "]");
    } else if (node->type == YAML_MAPPING_NODE) {
        mu_buf_puts(out, "{");
        for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
             pair < node->data.mapping.pairs.top && !out->failed; pair++) {
            describe(reader, yaml_document_get_node(reader->document, pair->key), depth + 1, out);
            describe(reader, yaml_document_get_node(reader->document, pair->value), depth + 1, out);
        }
        mu_buf_puts(out, "}");
    }
}

enum mu_status yaml_reader_fingerprint(struct yaml_reader *reader, const yaml_node_t *node,
                                       const char **ret_fingerprint, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    char digest[MU_DIGEST_TEXT_SIZE];
    const char *copy;

    mu_buf_init(&text, DESCRIBE_MAX_BYTES);
    describe(reader, node, 0, &text);
    if (text.failed)
        return yaml_reader_wrong(reader, node, "source", "is too deep or too large", err);
    mu_sha256_text(text.data, text.len, digest);
    copy = mu_arena_strdup(reader->arena, digest);
    if (!copy)
        return yaml_reader_nomem(reader, err);
    *ret_fingerprint = copy;
    return MU_OK;
}
