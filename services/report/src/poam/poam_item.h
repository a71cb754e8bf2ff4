/*
 * poam_item: an item of the POA&M as its forms speak of it, gathered from the snapshot's rows. One
 * item is one vulnerability with one set of deviations (FedRAMP: several vulnerabilities may not
 * share an item), or the findings of one configuration check.
 *
 * Ratings are those of the form's list: Critical and unrated count as High, and the comments say
 * so. Texts live in the arena given.
 *
 * Source: FedRAMP POA&M Template v3.0 (2025-11-17), guidance row of sheet Open POA&M Items.
 */
#ifndef REPORT_POAM_POAM_ITEM_H
#define REPORT_POAM_POAM_ITEM_H

#include "snapshot/snapshot.h"
#include "system/system_file.h"

#include "base/memory.h"

#include <stdbool.h>

enum { POAM_ITEM_MAX_DEVIATIONS = 32 };

/* "Yes", "No", "Pending" */
enum item_answer { ITEM_RISK_ADJUSTMENT, ITEM_FALSE_POSITIVE, ITEM_OPERATIONAL, ITEM_ANSWERS };

struct poam_item {
    const char *id;
    const char *controls;
    const char *name, *description, *detector;
    const char *source_id; /* the scanner's; NULL: none */
    const char *plan, *comments, *rationale, *documents;
    const char *original, *adjusted; /* High, Moderate, Low; adjusted NULL: none */
    const char *answers[ITEM_ANSWERS];
    const char *product; /* that the vendor makes; NULL: no vendor dependency */
    const char *cves;    /* a line each; NULL: none */
    const char *cvss, *fix;
    double detected, status_day, checked_in, kev_due; /* days as spreadsheets count; 0: none */
    bool is_vendor_dependency, is_kev;
    bool is_false_positive; /* approved */
    bool is_late, has_deviation;
    const char *deviations[POAM_ITEM_MAX_DEVIATIONS]; /* numbers */
    size_t deviation_count;
};

/* The item of a row and of those that share it. Errors: MU_E_UNAVAILABLE, MU_E_LIMIT. */
enum mu_status poam_item_of_finding(const struct snapshot *snapshot, const struct finding_row *row,
                                    struct mu_arena *arena, struct poam_item *ret_item,
                                    struct mu_error *err) MU_MUST_CHECK;
/* An item that no asset has any more. */
enum mu_status poam_item_of_closed(const struct snapshot *snapshot,
                                   const struct closed_finding_row *row, struct mu_arena *arena,
                                   struct poam_item *ret_item, struct mu_error *err) MU_MUST_CHECK;
/* The findings of a configuration check. */
enum mu_status poam_item_of_check(const struct snapshot *snapshot, const struct issue_row *row,
                                  struct mu_arena *arena, struct poam_item *ret_item,
                                  struct mu_error *err) MU_MUST_CHECK;
/* The one item that stands for all of them while there are any; `ret_found` false: there is none.
 */
enum mu_status poam_item_of_configuration(const struct snapshot *snapshot, struct mu_arena *arena,
                                          struct poam_item *ret_item, bool *ret_found,
                                          struct mu_error *err) MU_MUST_CHECK;

/* The day on which the rule of the form has it completed; 0: none. */
double poam_item_due(const struct poam_item *item);

#endif
