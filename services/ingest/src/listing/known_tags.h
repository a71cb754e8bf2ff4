/*
 * known_tags: the tags a registry was last seen to have, each with its digest, in order, in a file
 * that is either whole or not there.
 *
 *   muster-listing-1 TAB epoch TAB generation TAB listed, microseconds since 1970 NL
 *   lines of tag_line.h
 *   #end TAB number of lines TAB sha256:<hex> of everything before NL
 *
 * A file is written beside the old one and takes its place only when it is complete and on disk;
 * one that does not add up is refused as a whole, since a line lost would be told as a tag deleted.
 * The epoch is drawn when there is no file, the generation counts what was written since: together
 * they tell one move of a tag from the same move made again later.
 *
 * Threads: one at a time per object.
 */
#ifndef INGEST_KNOWN_TAGS_H
#define INGEST_KNOWN_TAGS_H

#include "listing/tag_line.h"

#include "base/clock.h"
#include "base/scope.h"

#include <stddef.h>

struct known_tags_head {
    int64_t epoch, generation;
    int64_t listed_at_us; /* end of the last complete listing; MU_TIME_NONE: never */
    size_t count;         /* of lines */
};

struct known_tags;

/*
 * A file that is not there reads as one without lines, with a new epoch and generation 0; it is not
 * made. Errors: MU_E_UNAVAILABLE, MU_E_INVALID (not whole; naming it).
 */
enum mu_status known_tags_open(const char *path, struct known_tags **ret_known,
                               struct mu_error *err) MU_MUST_CHECK;
void known_tags_close(struct known_tags *known); /* NULL is fine */
const struct known_tags_head *known_tags_head(const struct known_tags *known);
/* In order. MU_END after the last. Errors: MU_E_UNAVAILABLE, MU_E_INVALID (changed meanwhile). */
enum mu_status known_tags_next(struct known_tags *known, struct tag_line *ret_line,
                               struct mu_error *err) MU_MUST_CHECK;

struct known_tags_writer;

/* `head->count` does not matter. Errors: MU_E_UNAVAILABLE. */
enum mu_status known_tags_write(const char *path, const struct known_tags_head *head,
                                struct known_tags_writer **ret_writer,
                                struct mu_error *err) MU_MUST_CHECK;
/* Lines come in order. Errors: MU_E_UNAVAILABLE (disk full). */
enum mu_status known_tags_add(struct known_tags_writer *writer, const struct tag_line *line,
                              struct mu_error *err) MU_MUST_CHECK;
/* The file takes its place. Errors: MU_E_UNAVAILABLE; then the old one is still there. */
enum mu_status known_tags_commit(struct known_tags_writer *writer,
                                 struct mu_error *err) MU_MUST_CHECK;
/* What was not committed is removed. NULL is fine. */
void known_tags_writer_free(struct known_tags_writer *writer);

MU_DEFINE_AUTO(known_tags, struct known_tags, known_tags_close)
MU_DEFINE_AUTO(known_tags_writer, struct known_tags_writer, known_tags_writer_free)

#endif
