/*
 * tar_index: where each file of an uncompressed tar lies, found by reading its headers alone.
 *
 * Threads: an index that is made is constant.
 * Trust:   hostile bytes. Headers are read with their checksum; an entry that ends behind the end
 *          of the file, a name that leads out ("..") and sparse files are refused; the number of
 *          entries and the length of names are bounded. Links are followed inside the archive,
 *          a bounded number of steps.
 * Sources: POSIX.1-2017 pax "ustar Interchange Format"; GNU tar manual "Basic Tar Format".
 */
#ifndef SCANNER_SOURCE_TAR_INDEX_H
#define SCANNER_SOURCE_TAR_INDEX_H

#include "base/error.h"
#include "base/scope.h"

#include <stdint.h>

enum { TAR_INDEX_ENTRIES_MAX = 200000, TAR_INDEX_NAME_MAX = 4096 };

struct tar_index;

/* `fd` is a regular file of `size_bytes`; borrowed for the call. Errors: MU_E_INVALID (no tar),
 * MU_E_LIMIT, MU_E_UNAVAILABLE (reading). */
enum mu_status tar_index_read(int fd, uint64_t size_bytes, struct tar_index **ret_index,
                              struct mu_error *err) MU_MUST_CHECK;
void tar_index_free(struct tar_index *index); /* NULL is fine */
MU_DEFINE_AUTO(tar_index, struct tar_index, tar_index_free)

/* The regular file a name leads to; of several of one name the last. Errors: MU_E_NOT_FOUND. */
enum mu_status tar_index_find(const struct tar_index *index, const char *name, uint64_t *ret_offset,
                              uint64_t *ret_size_bytes, struct mu_error *err) MU_MUST_CHECK;

#endif
