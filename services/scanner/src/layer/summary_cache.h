/*
 * summary_cache: summaries of layers in a folder, so that a layer is read once for all the images
 * that have it.
 *
 * A file's name is a hash over the layer's digest, what made the summary and what was wanted of
 * it; the file repeats the hash, so that one that was moved is not believed. Files appear whole
 * (temporary name, fsync, rename). When they together exceed the limit, those that were used least
 * recently go. The folder also holds the key of the path hashes, made once.
 *
 * A cache that cannot be read or written costs time, never a result: find says "not there".
 *
 * Threads: any number at once, also of several processes over one folder.
 * Trust:   files are checked like any summary (layer_summary.h). Who may write to the folder may
 *          change what scans find: it is made with mode 0750.
 */
#ifndef SCANNER_LAYER_SUMMARY_CACHE_H
#define SCANNER_LAYER_SUMMARY_CACHE_H

#include "layer/layer_analysis.h"
#include "layer/summary_box.h"

struct summary_cache;

/* Makes the folder and its key when they are not there. Errors: MU_E_UNAVAILABLE, MU_E_INVALID
 * (the key's file is none). */
enum mu_status summary_cache_open(const char *folder, uint64_t max_bytes, struct path_key *ret_key,
                                  struct summary_cache **ret_cache,
                                  struct mu_error *err) MU_MUST_CHECK;
void summary_cache_close(struct summary_cache *cache); /* NULL is fine */
MU_DEFINE_AUTO(summary_cache, struct summary_cache, summary_cache_close)

/* `digest` of the layer's blob. True: the box is open. A file that is not right is removed. */
bool summary_cache_find(struct summary_cache *cache, const char *digest,
                        const struct summary_make *make, struct layer_wants wants,
                        struct summary_box *ret_box);
/* The box is open, and its layer's bytes had the digest. Errors: MU_E_UNAVAILABLE. */
enum mu_status summary_cache_keep(struct summary_cache *cache, const char *digest,
                                  const struct summary_make *make, struct layer_wants wants,
                                  const struct summary_box *box,
                                  struct mu_error *err) MU_MUST_CHECK;

#endif
