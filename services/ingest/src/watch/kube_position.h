/*
 * kube_position: where a watch goes on after a restart, in a small file beside the known pods.
 *
 * It holds a resourceVersion up to which everything told is durable, which cluster it is of (a
 * version means nothing to another one), and when that was last listed as a whole.
 */
#ifndef INGEST_KUBE_POSITION_H
#define INGEST_KUBE_POSITION_H

#include "base/error.h"

#include <stdint.h>

enum { KUBE_VERSION_SIZE = 128, KUBE_CLUSTER_SIZE = 256 };

struct kube_position {
    char version[KUBE_VERSION_SIZE]; /* "": list first */
    int64_t listed_at_us;            /* 0: never */
};

/* The file of a source in a state folder, the caller's; NULL: no folder. */
char *kube_position_path(const char *folder, const char *source);

/* MU_E_NOT_FOUND: there is none for this cluster, or it cannot be understood; then list.
 * Errors: also MU_E_UNAVAILABLE, MU_E_LIMIT. */
enum mu_status kube_position_read(const char *path, const char *cluster, const char *url,
                                  struct kube_position *ret_position,
                                  struct mu_error *err) MU_MUST_CHECK;

/* The same of whichever cluster it is of, whose name is `ret_cluster`. Errors: the same. */
enum mu_status kube_position_read_any(const char *path, char ret_cluster[KUBE_CLUSTER_SIZE],
                                      struct kube_position *ret_position,
                                      struct mu_error *err) MU_MUST_CHECK;

/* On disk when it returns. Errors: MU_E_UNAVAILABLE. */
enum mu_status kube_position_write(const char *path, const char *cluster, const char *url,
                                   const struct kube_position *position,
                                   struct mu_error *err) MU_MUST_CHECK;

#endif
