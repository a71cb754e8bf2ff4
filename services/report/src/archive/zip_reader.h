/*
 * zip_reader: the entries of a zip file that nobody can be trusted to have made.
 *
 * Memory is one entry and two buffers, whatever the file says. Refused: several disks, encryption,
 * methods other than stored and deflated, entries beyond the file or over each other, a local
 * header that says otherwise than the directory, more or other bytes than were said (CRC-32).
 *
 * Threads: one at a time. Source: PKWARE APPNOTE 6.3.10.
 */
#ifndef REPORT_ZIP_READER_H
#define REPORT_ZIP_READER_H

#include "archive/unpack.h"

#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zip_reader;

enum { ZIP_NAME_MAX = 1024 };

struct zip_entry {
    char name[ZIP_NAME_MAX + 1];
    size_t name_len; /* a name may hold NUL */
    uint64_t size, packed, header_at;
    uint32_t crc, mode; /* mode: of Unix, 0 when none is said */
    uint16_t method, flags;
};

/* Errors: MU_E_NOT_FOUND (no file), MU_E_INVALID (no zip), MU_E_UNAVAILABLE. */
enum mu_status zip_reader_open(const char *path, struct zip_reader **ret_reader,
                               struct mu_error *err) MU_MUST_CHECK;
/* `bytes` are borrowed. */
enum mu_status zip_reader_open_memory(const void *bytes, size_t len, struct zip_reader **ret_reader,
                                      struct mu_error *err) MU_MUST_CHECK;
void zip_reader_free(struct zip_reader *reader); /* NULL is fine */

/* The entries in the directory's order. MU_END at the end; errors: MU_E_INVALID. */
enum mu_status zip_reader_next(struct zip_reader *reader, struct zip_entry *ret_entry,
                               struct mu_error *err) MU_MUST_CHECK;

/* The first entry of that name; with `anywhere` that name in any folder, in letters of any case.
 * Errors: MU_E_NOT_FOUND, MU_E_INVALID. */
enum mu_status zip_reader_find(struct zip_reader *reader, const char *name, bool anywhere,
                               struct zip_entry *ret_entry, struct mu_error *err) MU_MUST_CHECK;

/* A piece of what the entry holds. A failure ends the reading. */
typedef enum mu_status zip_piece_fn(void *opaque, const void *bytes, size_t len,
                                    struct mu_error *err);
/* All of it, at most `entry->size` bytes. Errors: MU_E_INVALID, MU_E_UNAVAILABLE, or what `piece`
 * returned. */
enum mu_status zip_reader_read(struct zip_reader *reader, const struct zip_entry *entry,
                               zip_piece_fn *piece, void *opaque,
                               struct mu_error *err) MU_MUST_CHECK;

/* Every entry into `unpack`. */
enum mu_status zip_unpack(const char *path, struct unpack *unpack,
                          struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(zip_reader, struct zip_reader, zip_reader_free)

#endif
