/*
 * text_pool: texts, each once, at an offset that stays.
 * Offset 0 is "". Threads: one at a time.
 */
#ifndef SCANNER_DATABASE_TEXT_POOL_H
#define SCANNER_DATABASE_TEXT_POOL_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

struct text_pool {
    struct mu_buf bytes; /* its `failed` says that a text found no room */
    uint32_t *slots;     /* open addressing: offset of a text, 0 empty */
    size_t slot_count, text_count;
};

void text_pool_init(struct text_pool *pool, size_t max_bytes);
void text_pool_done(struct text_pool *pool);
/* Offset of the text, which has no NUL byte. */
uint32_t text_pool_add(struct text_pool *pool, const char *text, size_t len);
/* Valid until the next text is added. */
const char *text_pool_at(const struct text_pool *pool, uint32_t offset);

#endif
