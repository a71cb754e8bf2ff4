/*
 * poam_rows: items as rows of the POA&M and of the Deviation Request form.
 */
#ifndef REPORT_POAM_POAM_ROWS_H
#define REPORT_POAM_POAM_ROWS_H

#include "poam/poam_form.h"

/* For form_sheet.opaque, with poam_row_next. */
struct poam_rows {
    struct poam_item_reader *reader;
    const struct system_file *system;
    struct mu_arena *arena; /* texts of the row */
    bool has_due_rule;      /* the sheet calculates dates */
};
form_next_fn poam_row_next;

/* For form_sheet.opaque, with dr_row_next: each deviation that waits for a decision, or was
 * requested in the month, with each item it is about. */
struct dr_rows {
    const struct snapshot *snapshot;
    struct poam_item_reader *reader;
    struct mu_arena *arena;
    const char *month_begin; /* RFC 3339 */
    struct poam_item_row row;
    size_t place; /* of the next deviation of the row's item */
    bool has_row;
};
form_next_fn dr_row_next;

#endif
