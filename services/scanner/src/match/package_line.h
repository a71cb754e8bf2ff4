/*
 * package_line: a package as a line of JSON, as lists of distinct packages have it.
 *
 *   {"purl": "pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12&upstream=openssl"}
 *   {"type": "deb", "name": "libssl3", "version": "3.0.11-1", "source_name": "openssl",
 *    "source_version": "3.0.11-1", "os": {"id": "debian", "version_id": "12"}}
 *
 * with "architecture", "module", "vendor" where they are known, "version_codename", "pretty_name",
 * "cpe_name" of the os, and a "key" that comes back with the answer.
 *
 * Ownership: texts are the document's and the arena's. Trust: outside bytes, bounded.
 */
#ifndef SCANNER_MATCH_PACKAGE_LINE_H
#define SCANNER_MATCH_PACKAGE_LINE_H

#include "image/image_scan.h"
#include "json/json_doc.h"

enum { PACKAGE_LINE_MAX_BYTES = 64 * 1024 };

struct package_line {
    json_t *document; /* owned: package_line_done */
    const char *key;  /* NULL: none */
    struct image_package package;
    struct image_os os;
};

/* Errors: MU_E_INVALID naming the member, MU_E_LIMIT, MU_E_NOMEM; nothing is owned then. */
enum mu_status package_line_read(const char *bytes, size_t len, struct mu_arena *arena,
                                 struct package_line *ret_line, struct mu_error *err) MU_MUST_CHECK;
void package_line_done(struct package_line *line);

#endif
