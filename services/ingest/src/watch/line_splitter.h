/*
 * line_splitter: bytes as they come, out by whole lines; a line longer than the limit is an error.
 */
#ifndef INGEST_LINE_SPLITTER_H
#define INGEST_LINE_SPLITTER_H

#include "base/buf.h"

/* `line` is NUL-terminated and without its newline. A failure ends the feeding and is returned. */
typedef enum mu_status line_fn(void *opaque, const char *line, size_t len, struct mu_error *err);

struct line_splitter {
    struct mu_buf partial;
    line_fn *each;
    void *opaque;
};

void line_splitter_init(struct line_splitter *splitter, size_t max_line_bytes, line_fn *each,
                        void *opaque);
void line_splitter_done(struct line_splitter *splitter);
/* Errors: MU_E_LIMIT, or what `each` returned. */
enum mu_status line_splitter_feed(struct line_splitter *splitter, const void *bytes, size_t len,
                                  struct mu_error *err) MU_MUST_CHECK;

#endif
