/*
 * scratch: large memory that need not stay resident.
 *
 * Blocks of MU_SCRATCH_MIN_BYTES and more are pages of a nameless file, so that the system can take
 * them back; a thread gives them back itself when the process holds more than it was told. What is
 * touched again comes from the page cache or the disk. Smaller blocks, and all of them in a process
 * that did not begin with mu_scratch_start, are ordinary memory.
 *
 * Threads: any number at once; a block belongs to one thread at a time, as with malloc.
 * Ownership: what these functions gave is given back by mu_scratch_free alone.
 * Trust:   sizes are checked by the caller. Room on disk is reserved before it is used, so that a
 *          full disk is a failed allocation and not a signal later.
 * Sources: madvise(2) MADV_DONTNEED on shared mappings, fallocate(2), proc(5) statm.
 */
#ifndef MU_BASE_SCRATCH_H
#define MU_BASE_SCRATCH_H

#include "base/error.h"
#include "base/scope.h"

#include <stddef.h>
#include <stdint.h>

enum {
    MU_SCRATCH_MIN_BYTES = 4 * 1024 * 1024,
    MU_SCRATCH_BLOCK_MAX = 256 * 1024 * 1024 /* a larger one is ordinary memory */
};

struct mu_scratch_config {
    int fd;                  /* an open file of nobody else's; taken over */
    unsigned blocks_max;     /* at once; each may take MU_SCRATCH_BLOCK_MAX of the file's offsets */
    uint64_t resident_bytes; /* what the process may hold before pages are given back */
};

/* Once in a process; later calls close their file and change nothing. Errors: MU_E_UNAVAILABLE. */
enum mu_status mu_scratch_start(const struct mu_scratch_config *config,
                                struct mu_error *err) MU_MUST_CHECK;

/* As realloc; `used_bytes` of the old block are kept at least. A new block for which the disk has
 * no room is ordinary memory. NULL: no memory, or no room to grow; the old block is as it was. */
void *mu_scratch_realloc(void *memory, size_t used_bytes, size_t bytes);
void *mu_scratch_zeroed(size_t bytes); /* as calloc */
void mu_scratch_free(void *memory);    /* NULL is fine */
MU_DEFINE_AUTO(scratch, void, mu_scratch_free)

/* To be called by who goes through much of it, every some ten thousand bytes or touched pages: the
 * thread may come too late. */
void mu_scratch_look(void);
/* Another `resident_bytes`. */
void mu_scratch_resident(uint64_t resident_bytes);

/* A mapping of a file that the caller has made, and that only needs to be resident while it is
 * used: shared, or read-only. Ends before it is unmapped. */
void mu_scratch_watch(void *map, size_t bytes);
void mu_scratch_unwatch(const void *map);

#endif
