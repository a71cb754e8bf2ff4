/*
 * yaml_reader: mappings of a YAML file by a table of keys. Every mistake names file, line and key:
 * one that is unknown, given twice, or of another form.
 *
 * Ownership: texts live in the arena. Trust: an operator's file; its caller bounds its size.
 */
#ifndef MU_YAML_YAML_READER_H
#define MU_YAML_YAML_READER_H

#include "base/error.h"
#include "base/memory.h"

#include <stddef.h>
#include <yaml.h>

enum { YAML_TEXT_MAX_BYTES = 4096 };

struct yaml_reader {
    const char *path; /* for messages */
    struct mu_arena *arena;
    yaml_document_t *document;
};

struct yaml_key;

/* Reads the value of a key into `target`, the struct that the mapping fills. */
typedef enum mu_status yaml_key_fn(struct yaml_reader *reader, const struct yaml_key *key,
                                   const yaml_node_t *value, void *target, struct mu_error *err);

struct yaml_key {
    const char *name;
    yaml_key_fn *read;
    size_t offset;     /* of the member it fills, for the functions that serve several keys */
    const char *group; /* the caller's */
};

/* Errors: MU_E_INVALID, MU_E_LIMIT. On MU_OK the caller deletes the document. */
enum mu_status yaml_reader_load(const char *path, const char *bytes, size_t len,
                                yaml_document_t *ret_document, struct mu_error *err) MU_MUST_CHECK;

/* Calls the row of each key. Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM, or the rows'. */
enum mu_status yaml_reader_mapping(struct yaml_reader *reader, const char *what,
                                   const yaml_node_t *node, const struct yaml_key *keys,
                                   size_t key_count, void *target,
                                   struct mu_error *err) MU_MUST_CHECK;

/* A text without NUL, of at most YAML_TEXT_MAX_BYTES. Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM.
 */
enum mu_status yaml_reader_text_or_empty(struct yaml_reader *reader, const char *what,
                                         const yaml_node_t *node, const char **ret_text,
                                         struct mu_error *err) MU_MUST_CHECK;
/* The same, and it is not empty. */
enum mu_status yaml_reader_text(struct yaml_reader *reader, const char *what,
                                const yaml_node_t *node, const char **ret_text,
                                struct mu_error *err) MU_MUST_CHECK;
/* For rows: the text into the `const char *` at the row's offset. */
yaml_key_fn yaml_reader_text_member;
/* For rows: true or false into the `bool` at the row's offset. */
yaml_key_fn yaml_reader_bool_member;

/* A digest of all that stands below a node: equal when the same is written in the same order.
 * Errors: MU_E_INVALID (too deep or too large), MU_E_NOMEM. */
enum mu_status yaml_reader_fingerprint(struct yaml_reader *reader, const yaml_node_t *node,
                                       const char **ret_fingerprint,
                                       struct mu_error *err) MU_MUST_CHECK;

size_t yaml_reader_line(const yaml_node_t *node);

/* "FILE:LINE: 'key' what" */
enum mu_status yaml_reader_wrong(const struct yaml_reader *reader, const yaml_node_t *node,
                                 const char *key, const char *what, struct mu_error *err);
enum mu_status yaml_reader_nomem(const struct yaml_reader *reader, struct mu_error *err);

#endif
