/*
 * image_run: one image while it is analysed. Internal to image_scan.
 */
#ifndef SCANNER_IMAGE_IMAGE_RUN_H
#define SCANNER_IMAGE_IMAGE_RUN_H

#include "image/image_manifest.h"
#include "image/image_scan.h"
#include "image/layer_engine.h"
#include "image/merge_layer.h"
#include "source/image_source.h"

enum { IMAGE_FAILURES_MAX = 64 }; /* further ones are counted in the last */

struct image_run {
    const struct image_limits *limits;
    struct layer_engine *engine;
    struct mu_arena *arena; /* of the thread that analyses */
    struct image_source *source;
    uint64_t deadline_at_ms; /* monotonic */
    struct image_analysis analysis;
    struct image_layer *layers;                 /* analysis.layers, to be filled */
    const struct image_descriptor *descriptors; /* of the layers */
    struct image_base base;
    const char *config; /* JSON, in the arena; NULL: not read */
    size_t config_len;
    struct image_failure failures[IMAGE_FAILURES_MAX];
    size_t failure_count;
};

/* Which part of an image failed: decides what "not found" is called. */
enum image_part { IMAGE_PART_MANIFEST, IMAGE_PART_BLOB };

/*
 * Keeps the failure in `err` as a row of `failures`. MU_OK: go on with what is left;
 * MU_E_NOMEM: nothing more can be done.
 */
enum mu_status image_run_fail(struct image_run *run, enum image_part part, const char *component,
                              struct mu_error *err) MU_MUST_CHECK;

/* MU_E_UNAVAILABLE when the process stops, MU_E_LIMIT when the deadline is over. */
enum mu_status image_run_tick(const struct image_run *run, struct mu_error *err) MU_MUST_CHECK;

/* What is known of one layer. */
struct layer_state {
    struct summary_box box;   /* summary.head NULL: not read */
    struct layer_want *wants; /* borrowed texts */
    size_t want_count;
    bool stale; /* to be read (again) */
    struct mu_error err;
};

/*
 * Reads the layers that are stale, several at once. A layer that fails is a row of `failures`; the
 * rest is still read, but none is begun after MU_E_UNAVAILABLE. Errors: MU_E_NOMEM.
 */
enum mu_status image_layers_read(struct image_run *run, struct layer_state *states,
                                 struct mu_error *err) MU_MUST_CHECK;

/* Fills os, packages, issues and notes: reads the layers as often as links need. Errors:
 * MU_E_NOMEM. */
enum mu_status image_evidence_read(struct image_run *run, struct mu_error *err) MU_MUST_CHECK;

/* The same from layers that were merged. Errors: MU_E_NOMEM. */
enum mu_status image_collect(struct image_run *run, const struct merge *merge,
                             struct mu_error *err) MU_MUST_CHECK;

#endif
