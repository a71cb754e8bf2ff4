/*
 * tag_sorter: tags as a listing finds them, out in order, with bounded memory: what does not fit is
 * sorted in pieces, kept in a file, and merged.
 *
 * Threads: one at a time. Units: bytes.
 */
#ifndef INGEST_TAG_SORTER_H
#define INGEST_TAG_SORTER_H

#include "listing/tag_line.h"

#include "base/scope.h"

struct tag_sorter;

enum { TAG_SORTER_MEMORY_BYTES = 8 * 1024 * 1024 };

/*
 * `path` is a file of its own, made and removed with the sorter; `memory_bytes` at least
 * TAG_LINE_MAX_BYTES. Errors: MU_E_UNAVAILABLE (the file).
 */
enum mu_status tag_sorter_new(const char *path, size_t memory_bytes, struct tag_sorter **ret_sorter,
                              struct mu_error *err) MU_MUST_CHECK;
void tag_sorter_free(struct tag_sorter *sorter); /* NULL is fine */

/* Errors: MU_E_UNAVAILABLE (disk full), MU_E_LIMIT (more than 128 times `memory_bytes`). */
enum mu_status tag_sorter_add(struct tag_sorter *sorter, const struct tag_line *line,
                              struct mu_error *err) MU_MUST_CHECK;
/* Nothing more is added. Errors: as tag_sorter_add. */
enum mu_status tag_sorter_finish(struct tag_sorter *sorter, struct mu_error *err) MU_MUST_CHECK;
/*
 * After tag_sorter_finish. A tag that was added several times comes once, as it was seen last.
 * MU_END after the last. Errors: MU_E_UNAVAILABLE, MU_E_INVALID (the file was changed).
 */
enum mu_status tag_sorter_next(struct tag_sorter *sorter, struct tag_line *ret_line,
                               struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(tag_sorter, struct tag_sorter, tag_sorter_free)

#endif
