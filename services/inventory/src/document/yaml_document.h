/*
 * yaml_document: files that people write (policies, the gate's scopes), read from YAML into the
 * struct of a field table. Mistakes name the file, and the line or the member; a member that the
 * table does not have is one.
 *
 * Plain true, false, integers and nulls are what they look like; all else is text. Aliases and
 * equal keys are refused; nesting is bounded.
 */
#ifndef INVENTORY_YAML_DOCUMENT_H
#define INVENTORY_YAML_DOCUMENT_H

#include "json/json_doc.h"
#include "json/json_table.h"

enum { YAML_DOCUMENT_MAX_BYTES = 1024 * 1024, YAML_DOCUMENT_MAX_DEPTH = 16 };

/* New reference. `path` is for messages. Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status yaml_document_parse(const char *path, const char *bytes, size_t len,
                                   json_t **ret_root, struct mu_error *err) MU_MUST_CHECK;

/* The same into `ret_struct`, whose texts are in the arena. Errors: the same. */
enum mu_status yaml_document_decode(const char *path, const char *bytes, size_t len,
                                    const struct mu_json_object *object, struct mu_arena *arena,
                                    void *ret_struct, struct mu_error *err) MU_MUST_CHECK;

#endif
