/*
 * feed_store: kept copies of feeds, refreshed from where they are published.
 *
 * A folder holds for each source its last good copy (data/NAME) and what the publisher said of it
 * (state/NAME.json: ETag, Last-Modified, when it was last asked). A refresh asks whether it has
 * changed; a new copy is read through before it replaces the old one, so that an error page or half
 * a file never does. Whatever fails, the old copy stays.
 *
 * URLs: https, http, file. Threads: one at a time per folder. Trust: publishers are outside.
 */
#ifndef SCANNER_DATABASE_FEED_STORE_H
#define SCANNER_DATABASE_FEED_STORE_H

#include "base/error.h"
#include "http/http_client.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum { FEED_NAME_MAX = 64 };

struct feed_source {
    const char *name; /* letters, digits, '.', '_', '-'; the source's name in the database */
    const char *url;
    const char *kind; /* NULL: its content tells (document.h) */
};

struct feed_copy {
    bool there;            /* a good copy is kept */
    bool changed;          /* by this refresh */
    int64_t checked_at_us; /* when the publisher last confirmed it; MU_TIME_NONE: never */
    char path[PATH_MAX];
};

/* Makes the folders. Errors: MU_E_UNAVAILABLE. */
enum mu_status feed_store_prepare(const char *folder, struct mu_error *err) MU_MUST_CHECK;

/*
 * Refreshes the copy of one source. `ret_copy` says what is kept, also after an error. Errors:
 * MU_E_INVALID (name or URL, or what came is no such feed), MU_E_UNAVAILABLE, MU_E_NOT_FOUND,
 * MU_E_DENIED, MU_E_LIMIT.
 */
enum mu_status feed_refresh(struct mu_http_client *client, const char *folder,
                            const struct feed_source *source, int64_t now_us,
                            struct feed_copy *ret_copy, struct mu_error *err) MU_MUST_CHECK;

#endif
