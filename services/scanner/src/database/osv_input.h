/*
 * osv_input: OSV records out of zip files (as osv.dev publishes them), folders of JSON files, or
 * single files.
 */
#ifndef SCANNER_DATABASE_OSV_INPUT_H
#define SCANNER_DATABASE_OSV_INPUT_H

#include "base/error.h"

#include <stddef.h>

/* `name` is of the record's file, for messages. A failure ends the reading and is returned. */
typedef enum mu_status osv_record_fn(void *opaque, const char *name, const char *json, size_t len,
                                     struct mu_error *err);

/* In order of file name. Errors: MU_E_NOT_FOUND, MU_E_INVALID (no zip, no record in it), MU_E_LIMIT
 * (one record too large), what `each` returned. */
enum mu_status osv_input_read(const char *path, osv_record_fn *each, void *opaque,
                              struct mu_error *err) MU_MUST_CHECK;

/* A zip in memory; the bytes stay the caller's. Errors: as above. */
enum mu_status osv_input_read_zip_memory(const void *bytes, size_t len, osv_record_fn *each,
                                         void *opaque, struct mu_error *err) MU_MUST_CHECK;

#endif
