/*
 * registry_walk: every tag of a registry with its digest, as the registry says them now.
 *
 * One thread walks the catalog (or the configured names), a few others ask for the tags of the
 * repositories it names and for what each tag leads to. A repository that cannot be read is marked
 * (tag_line.h), so that nothing of it is taken for deleted; one that is not there has no tags. When
 * the catalog fails, or repository after repository does, the walk ends.
 *
 * Threads: starts and joins its own.
 */
#ifndef INGEST_REGISTRY_WALK_H
#define INGEST_REGISTRY_WALK_H

#include "listing/tag_sorter.h"
#include "source/source_config.h"

#include <stdatomic.h>

struct registry_walk {
    const struct source_config *source;
    const atomic_bool *stopping; /* ends it */
    int64_t retry_min_ms;        /* 0: 500 */
    struct tag_sorter *seen;     /* gets the tags, and marks */
};

struct registry_walk_result {
    size_t repositories, tags;
    size_t failed;      /* repositories that could not be read */
    size_t skipped;     /* names that no repository or tag can have */
    int64_t blocked_ms; /* the registry allows no more requests for so long; 0: it does */
    char failure[512];  /* of the first failed repository; "" */
};

/*
 * MU_OK: everything was asked for. `ret_result` is filled on failure too; what was seen until then
 * is in `seen`. Errors: MU_E_DENIED (credentials, or no right to see the catalog; says what to do),
 * MU_E_UNAVAILABLE, MU_E_INVALID, MU_E_LIMIT, or those of the sorter.
 */
enum mu_status registry_walk_run(const struct registry_walk *config,
                                 struct registry_walk_result *ret_result,
                                 struct mu_error *err) MU_MUST_CHECK;

/* A connection to the source's registry. Errors: as mu_registry_client_new. */
struct mu_registry_client;
enum mu_status registry_walk_connect(const struct source_config *source, const char *path,
                                     struct mu_registry_client **ret_client,
                                     struct mu_error *err) MU_MUST_CHECK;

/* Whether the source is to look at a repository (its name without the host). */
bool registry_walk_wants(const struct source_config *source, const char *repository);

#endif
