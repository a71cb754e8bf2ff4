/*
 * zip_input: the documents of a zip file, one after the other.
 */
#ifndef SCANNER_DATABASE_ZIP_INPUT_H
#define SCANNER_DATABASE_ZIP_INPUT_H

#include "base/error.h"

#include <stddef.h>

enum { ZIP_DOCUMENT_MAX_BYTES = 64 * 1024 * 1024 };

/* `name` is of the document, for messages. A failure ends the reading and is returned. */
typedef enum mu_status zip_document_fn(void *opaque, const char *name, const char *bytes,
                                       size_t len, struct mu_error *err);

/* Those named *.json, *.yaml and *.yml, in order of name. Errors: MU_E_INVALID (no zip, no
 * document in it), MU_E_LIMIT (one document too large), what `each` returned. */
enum mu_status zip_input_read(const char *path, zip_document_fn *each, void *opaque,
                              struct mu_error *err) MU_MUST_CHECK;

/* A zip in memory; the bytes stay the caller's. Errors: as above. */
enum mu_status zip_input_read_memory(const void *bytes, size_t len, zip_document_fn *each,
                                     void *opaque, struct mu_error *err) MU_MUST_CHECK;

#endif
