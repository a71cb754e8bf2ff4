/*
 * purl: reads package URLs.
 *
 * Source: the purl specification (ECMA-427): scheme, type, namespace, name, version, qualifiers,
 * subpath; components are percent-decoded, the type and the keys of qualifiers are lower case,
 * leading slashes behind "pkg:" do not count.
 *
 * Ownership: texts live in the arena. Threads: no state. Trust: hostile; bounded by
 * PURL_MAX_BYTES; a component with a NUL byte or no valid UTF-8 is refused.
 */
#ifndef SCANNER_DATABASE_PURL_H
#define SCANNER_DATABASE_PURL_H

#include "base/error.h"
#include "base/memory.h"

#include <stddef.h>

enum { PURL_MAX_BYTES = 4096, PURL_QUALIFIERS_MAX = 16 };

struct purl {
    const char *type, *name;
    const char *namespace, *version, *subpath; /* NULL: none */
    struct {
        const char *key, *value;
    } qualifiers[PURL_QUALIFIERS_MAX];
    size_t qualifier_count;
};

/* Errors: MU_E_INVALID saying what is wrong, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status purl_parse(const char *text, size_t len, struct mu_arena *arena,
                          struct purl *ret_purl, struct mu_error *err) MU_MUST_CHECK;

/* Value of a qualifier, or NULL. */
const char *purl_qualifier(const struct purl *purl, const char *key);

#endif
