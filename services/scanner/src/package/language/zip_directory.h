/*
 * zip_directory: the members of a ZIP archive in memory, by its central directory, and their bytes.
 *
 * Opening checks the whole directory: a count that hides members, a place outside of the file,
 * members that overlap (a bomb's sign), more than one disk, an encrypted directory. Bytes before
 * the archive (a launcher script) are allowed. ZIP64 is read. Reading one member checks that its
 * local header has the same name, that it is not encrypted, that its size is one that deflate can
 * reach, and its CRC.
 *
 * Memory: nothing but, while opening, 16 bytes a member; and what zip_member_unpack allocates.
 * Threads: one thread at a time per directory. Ownership: all borrows from the archive's bytes.
 * Trust:   input is hostile. Limits are compared before memory is taken.
 * Source:  PKWARE APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
 */
#ifndef SCANNER_PACKAGE_LANGUAGE_ZIP_DIRECTORY_H
#define SCANNER_PACKAGE_LANGUAGE_ZIP_DIRECTORY_H

#include "base/error.h"
#include "base/scope.h"
#include "package/language/lang_span.h"

#include <stddef.h>
#include <stdint.h>

enum { ZIP_MEMBERS_MAX = 500000 };

struct zip_directory {
    const uint8_t *bytes;
    size_t len;
    size_t prefix;  /* bytes before the archive: added to each place it names */
    size_t at, end; /* of the directory, what is still unread */
    uint64_t members;
};

struct zip_member {
    struct lang_span name; /* any bytes; never a place to write to */
    uint16_t flags, method;
    uint32_t crc;
    uint64_t packed_bytes, size_bytes;
    uint64_t local_at; /* of its local header, from the file's beginning */
};

/* Errors: MU_E_NOT_FOUND (no end record: no ZIP archive), MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status zip_directory_open(const uint8_t *bytes, size_t len,
                                  struct zip_directory *ret_directory,
                                  struct mu_error *err) MU_MUST_CHECK;

/* The next member, or MU_END. Errors: none once opened. */
enum mu_status zip_directory_next(struct zip_directory *directory, struct zip_member *ret_member,
                                  struct mu_error *err) MU_MUST_CHECK;

struct zip_content {
    const uint8_t *bytes; /* a stored member's: within the archive */
    size_t len;
    uint8_t *owned; /* an unpacked member's: zip_content_done frees it */
};

void zip_content_done(struct zip_content *content); /* a zeroed one is fine */

/* Errors: MU_E_INVALID, MU_E_LIMIT (more than max_bytes; a method that is not read), MU_E_NOMEM.
 * The content is untouched on failure. */
enum mu_status zip_member_unpack(const struct zip_directory *directory,
                                 const struct zip_member *member, uint64_t max_bytes,
                                 struct zip_content *ret_content,
                                 struct mu_error *err) MU_MUST_CHECK;

#endif
