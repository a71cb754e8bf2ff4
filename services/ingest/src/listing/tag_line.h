/*
 * tag_line: one tag of a registry as a line of text, in the file of known tags and while a listing
 * is sorted:
 *
 *   repository TAB tag TAB digest TAB media type TAB seen, microseconds since 1970 NL
 *
 * A tab is less than every character of a name, so that lines in the order of their bytes are in
 * the order of repository, then tag.
 *
 * A line without tag marks its repository: not all of it was seen, so nothing of it is gone.
 */
#ifndef INGEST_TAG_LINE_H
#define INGEST_TAG_LINE_H

#include "base/buf.h"
#include "oci/reference.h"

#include <stdbool.h>
#include <stdint.h>

enum { TAG_LINE_MAX_BYTES = 1024, TAG_MEDIA_TYPE_SIZE = 128 };

struct tag_line {
    char repository[MU_OCI_REPOSITORY_SIZE]; /* without the registry's host */
    char tag[MU_OCI_TAG_SIZE];
    char digest[MU_OCI_DIGEST_SIZE];
    char media_type[TAG_MEDIA_TYPE_SIZE]; /* "" not said */
    int64_t seen_at_us; /* asked for at that time; in the file: when this digest was first seen */
};

/* With its newline. Errors: MU_E_LIMIT. */
enum mu_status tag_line_print(const struct tag_line *line, struct mu_buf *out,
                              struct mu_error *err) MU_MUST_CHECK;
/* `len` without the newline. Errors: MU_E_INVALID. */
enum mu_status tag_line_parse(const char *bytes, size_t len, struct tag_line *ret_line,
                              struct mu_error *err) MU_MUST_CHECK;

/* The order of repository and tag. */
int tag_line_compare(const struct tag_line *a, const struct tag_line *b);

#endif
