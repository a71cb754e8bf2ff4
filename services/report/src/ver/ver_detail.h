/*
 * ver_detail: one vulnerabilityDetail of the common definitions (schema of 2026-06-24), streamed.
 */
#ifndef REPORT_VER_DETAIL_H
#define REPORT_VER_DETAIL_H

#include "ver/judgement.h"

#include "snapshot/snapshot.h"
#include "json/json_stream.h"

struct ver_detail {
    const struct ver_subject *subject;
    const struct ver_judgement *judgement;
    const char *detection_source;
    const char *description;
    const char *facts;        /* sentences for the supplementary information */
    int64_t remediated_at_us; /* MU_TIME_NONE: still there */
};

/* Puts the members; the object is the caller's, who may add others. `text` is room to write in. */
void ver_detail_put(struct json_stream *out, const struct system_file *system, int64_t as_of_us,
                    const struct ver_detail *detail, struct mu_buf *text);

#endif
