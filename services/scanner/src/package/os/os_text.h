/*
 * os_text: which texts of a package database may be passed on.
 *
 * Threads: none held. Trust: hostile bytes.
 */
#ifndef SCANNER_PACKAGE_OS_OS_TEXT_H
#define SCANNER_PACKAGE_OS_OS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { OS_WORD_MAX_BYTES = 1024, OS_LINE_MAX_BYTES = 1024, OS_FILE_MAX_BYTES = 4096 };

/* A name or a version: printable ASCII without blanks, which is wider than any tool's grammar. */
bool os_word_usable(const char *text, size_t len);

/* A vendor or a licence: UTF-8 on one line, without control bytes. */
bool os_line_usable(const char *text, size_t len);

/*
 * The path of a file that a database names, as struct finder_entry writes it, or NULL for what is
 * none: the root, "..", not UTF-8, too long. Points into `text`; `ret_len` is its length.
 */
const char *os_file_usable(const char *text, size_t len, size_t *ret_len);

#endif
