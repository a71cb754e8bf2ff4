/*
 * file_bytes: one file of a layer as bytes in memory, put together from pieces.
 *
 * A file that comes in one piece is not copied. Up to FILE_BYTES_MEMORY_MAX the pieces are kept in
 * one buffer, used again for each file; a larger file goes through a nameless file on disk that is
 * mapped for reading and watched (base/scratch.h), so that memory does not grow with it.
 *
 * Threads: one at a time per object.
 * Trust:   sizes are hostile: memory grows with what arrives, not with what was said.
 */
#ifndef SCANNER_LAYER_FILE_BYTES_H
#define SCANNER_LAYER_FILE_BYTES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILE_BYTES_MEMORY_MAX = 8 * 1024 * 1024 };

struct file_bytes {
    int temp_fd; /* borrowed; -1: none */
    uint64_t size_bytes, have;
    const uint8_t *whole; /* borrowed piece that is all of it */
    uint8_t *memory;
    size_t capacity;
    void *map; /* NULL: not mapped */
};

/* `temp_fd`: an open file of nobody else's, or -1. */
void file_bytes_init(struct file_bytes *file, int temp_fd);
void file_bytes_done(struct file_bytes *file);

/* Whether a file of that size can be held. */
bool file_bytes_fits(const struct file_bytes *file, uint64_t size_bytes);

void file_bytes_begin(struct file_bytes *file, uint64_t size_bytes);
/* A first piece that is the whole file must stay valid until file_bytes_end. Errors: MU_E_NOMEM,
 * MU_E_UNAVAILABLE (disk). */
enum mu_status file_bytes_add(struct file_bytes *file, const void *bytes, size_t len,
                              struct mu_error *err) MU_MUST_CHECK;
/* All of it, size_bytes long. Errors: MU_E_UNAVAILABLE. */
enum mu_status file_bytes_get(struct file_bytes *file, const uint8_t **ret_bytes,
                              struct mu_error *err) MU_MUST_CHECK;
void file_bytes_end(struct file_bytes *file);

#endif
