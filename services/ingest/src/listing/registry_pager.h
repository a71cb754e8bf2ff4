/*
 * registry_pager: all names of a registry's catalog or of a repository's tags, page by page.
 *
 * Follows Link rel="next" as far as it stays with the registry and gets on: a link to another host,
 * back to a page that was read, or past many empty pages is an error. A registry that is not
 * reachable is asked a few times more; one that allows no more requests for now is waited for up to
 * a minute.
 *
 * Threads: one at a time per object. Trust: the registry is hostile.
 */
#ifndef INGEST_REGISTRY_PAGER_H
#define INGEST_REGISTRY_PAGER_H

#include "listing/listing_page.h"

#include "registry/registry_client.h"

#include <stdatomic.h>

/* One connection to the registry, and how patient it is. */
struct registry_line {
    struct mu_registry_client *client;
    const char *url;                    /* of the registry */
    const atomic_bool *stopping, *ends; /* either ends waits; `ends` may be NULL */
    int64_t retry_min_ms;
    int status;                            /* of the last answer; 0: none came */
    int64_t rate_remaining, rate_reset_ms; /* as last said; -1 */
    int64_t blocked_ms; /* when a request failed since no more are allowed: for how long; else 0 */
};

struct registry_pager {
    struct registry_line *line;
    const char *path;   /* "_catalog" or "NAME/tags/list" */
    const char *member; /* "repositories" or "tags" */
    int64_t page_limit;
    listing_name_fn *each;
    void *opaque;
};

/*
 * Errors: as mu_registry_request; MU_E_INVALID (no sense in the answer, or in its link), MU_E_LIMIT
 * (a page too large), or what `each` returned. `ret_pages`: how many were read, also on failure.
 */
enum mu_status registry_pager_run(const struct registry_pager *pager, size_t *ret_pages,
                                  struct mu_error *err) MU_MUST_CHECK;

/* mu_registry_look_up_tag with the same patience. */
enum mu_status registry_line_look_up(struct registry_line *line, const char *tag,
                                     struct mu_registry_manifest *ret_manifest,
                                     struct mu_error *err) MU_MUST_CHECK;

#endif
