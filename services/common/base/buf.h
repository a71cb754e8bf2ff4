/*
 * buf: a growable byte buffer with a hard maximum.
 *
 * Always NUL-terminated behind `len`, so `data` can be read as text.
 * A failed append leaves the buffer as it was and sets `failed`, which sticks: a
 * writer may append many times and check once with mu_buf_status.
 */
#ifndef MU_BASE_BUF_H
#define MU_BASE_BUF_H

#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>

struct mu_buf {
    char *data; /* "" when empty; owned */
    size_t len;
    size_t capacity;
    size_t max_bytes;
    bool failed, scratch;
};

void mu_buf_init(struct mu_buf *buf, size_t max_bytes);         /* less than SIZE_MAX */
void mu_buf_init_scratch(struct mu_buf *buf, size_t max_bytes); /* its memory: base/scratch.h */
void mu_buf_done(struct mu_buf *buf);
void mu_buf_reset(struct mu_buf *buf); /* empties, keeps memory, clears `failed` */
/* Room for `more` bytes behind `len`, to be written before they are counted with mu_buf_took. NULL
 * (and `failed`) when there is none. */
char *mu_buf_room(struct mu_buf *buf, size_t more);
void mu_buf_took(struct mu_buf *buf, size_t len);
/* Takes off what was appended since `len` was its length; `failed` stays. */
void mu_buf_cut(struct mu_buf *buf, size_t len);

void mu_buf_append(struct mu_buf *buf, const void *bytes, size_t len);
void mu_buf_puts(struct mu_buf *buf, const char *text);
void mu_buf_printf(struct mu_buf *buf, const char *fmt, ...) MU_PRINTF(2, 3);
/* MU_OK, or MU_E_LIMIT naming `what` when an append went past max_bytes. */
enum mu_status mu_buf_status(const struct mu_buf *buf, const char *what,
                             struct mu_error *err) MU_MUST_CHECK;

#endif
