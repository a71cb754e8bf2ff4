/*
 * drawing: which containers a sample takes, found in one pass over them by class in memory that
 * depends on the size of the sample alone (sample.h has the rule).
 */
#ifndef REPORT_SAMPLE_DRAWING_H
#define REPORT_SAMPLE_DRAWING_H

#include "sample/sample.h"

#include "base/sha256.h"

struct drawing_key {
    uint8_t bytes[MU_SHA256_BYTES];
};

/* Of the seed and of what names a container. */
struct drawing_key drawing_key_of(const char *seed, const struct instance_row *row);

struct drawing;

struct drawing *drawing_new(const char *seed, size_t count);
void drawing_free(struct drawing *drawing); /* NULL is fine */
/* The next container; those of a class come one after the other. */
void drawing_add(struct drawing *drawing, const struct instance_row *row);
/* No more come; now it can be asked. */
void drawing_end(struct drawing *drawing);

bool drawing_takes(const struct drawing *drawing, const struct drawing_key *key);
size_t drawing_classes(const struct drawing *drawing);
size_t drawing_containers(const struct drawing *drawing);

MU_DEFINE_AUTO(drawing, struct drawing, drawing_free)

#endif
