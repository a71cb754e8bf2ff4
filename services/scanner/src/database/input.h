/*
 * input: one input of a build: a file (plain, gzip or zstd), a zip, or a folder of such files.
 *
 * Written as PATH, or KIND:PATH where its content does not tell (document.h). What it held is
 * recorded as a source of the database: name of the file, kind, records, newest time, SHA-256 (of
 * a folder: over the hashes of its files in order of their names).
 */
#ifndef SCANNER_DATABASE_INPUT_H
#define SCANNER_DATABASE_INPUT_H

#include "database/document.h"

/* `tally` gives the callbacks; its counts are those of this input afterwards. Errors:
 * MU_E_NOT_FOUND, MU_E_UNAVAILABLE, MU_E_INVALID (damaged, not one record), MU_E_LIMIT. */
enum mu_status input_add(struct builder *builder, const char *spec, struct document_tally *tally,
                         struct mu_error *err) MU_MUST_CHECK;

#endif
