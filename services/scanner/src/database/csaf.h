/*
 * csaf: one CSAF 2.0 document of Red Hat (advisory or VEX) into the builder.
 *
 * Source: CSAF 2.0; Red Hat's "product_id" of a relationship is "PRODUCT:COMPONENT", the product
 * carries a CPE, the component a purl (epoch, arch, rpmmod). fixed: vulnerable below that version.
 * known_affected: no fix, with the state of its remediation (will not fix, deferred, out of support
 * scope). known_not_affected: never. under_investigation is left out.
 * Trust: outside bytes, bounded.
 */
#ifndef SCANNER_DATABASE_CSAF_H
#define SCANNER_DATABASE_CSAF_H

#include "database/builder.h"

enum { CSAF_MAX_BYTES = 64 * 1024 * 1024 };

/* Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM; the builder stays usable. */
enum mu_status csaf_add(struct builder *builder, const char *json, size_t len,
                        struct mu_error *err) MU_MUST_CHECK;

#endif
