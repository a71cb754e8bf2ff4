/*
 * listing_page: one answer of a registry's catalog or of a repository's tags.
 *
 *   {"repositories": ["a", "b/c"]}      {"name": "a", "tags": ["1", "2"]}      {"tags": null}
 *
 * Trust: hostile. Source: OCI distribution-spec 1.1 "Listing Tags"; CNCF Distribution HTTP API V2
 * "Listing Repositories".
 */
#ifndef INGEST_LISTING_PAGE_H
#define INGEST_LISTING_PAGE_H

#include "base/error.h"

#include <stddef.h>

enum { LISTING_PAGE_MAX_BYTES = 4 * 1024 * 1024 };

/* `name` is NUL-terminated text of any content. A failure ends the reading and is returned. */
typedef enum mu_status listing_name_fn(void *opaque, const char *name, struct mu_error *err);

/*
 * Calls `each` for the names in `member`; none when that is null. `ret_count`: how many.
 * Errors: MU_E_INVALID (no JSON, no such array, something in it that is no text), MU_E_LIMIT
 * (larger than LISTING_PAGE_MAX_BYTES), or what `each` returned.
 */
enum mu_status listing_page_read(const char *bytes, size_t len, const char *member,
                                 listing_name_fn *each, void *opaque, size_t *ret_count,
                                 struct mu_error *err) MU_MUST_CHECK;

#endif
