/*
 * decision_segments: the folder of the decision log: its identity, its segments, and what a crash
 * left of the last one. Internal to the log.
 */
#ifndef INVENTORY_GATE_DECISION_SEGMENTS_H
#define INVENTORY_GATE_DECISION_SEGMENTS_H

#include "gate/decision_frame.h"

#include <limits.h>

struct segment {
    uint64_t first, bytes;
};

struct segment_list {
    struct segment *items; /* by first sequence; owned */
    size_t count;
};

void segment_list_done(struct segment_list *list);
void segment_path(const char *folder, uint64_t first, char ret_path[PATH_MAX]);

/* Errors: MU_E_UNAVAILABLE. */
enum mu_status segments_find(const char *folder, struct segment_list *ret_list,
                             struct mu_error *err) MU_MUST_CHECK;

/* Reads the instance's name, or makes one. Errors: MU_E_UNAVAILABLE, MU_E_INVALID. */
enum mu_status segments_instance(const char *folder, const char *name,
                                 char ret_instance[DECISION_INSTANCE_SIZE],
                                 struct mu_error *err) MU_MUST_CHECK;

/* What comes next behind the last record of a segment, which is never written to again: a record
 * that was half written was not waited for, and its sequence is used again; behind damage the
 * sequences go on. Errors: MU_E_INVALID, and those of mu_file_read. */
struct segment_end {
    uint64_t next;
    uint8_t chain[DECISION_CHAIN_BYTES];
};
enum mu_status segment_recover(const char *folder, uint64_t first, struct segment_end *ret_end,
                               struct mu_error *err) MU_MUST_CHECK;

#endif
