/*
 * statements: what people judged of vulnerabilities for the reports of FedRAMP's VER rules, where
 * no program can: a YAML list beside the system file.
 *
 *   - vulnerability: CVE-2026-0001      or `item`: the tracking identifier, V-CVE-2026-0001-DR-7
 *     rating: 3                         potential agency impact, N1 to N5
 *     likely_exploitable: Yes           Yes or No
 *     internet_reachable: No
 *     potential_agency_impact: ...
 *     by: isso@example.com              who judged, and when
 *     at: 2026-11-04T00:00:00Z
 *
 * Further keys are in the table of statements.c; `by`, `at` and one of `item` and `vulnerability`
 * are mandatory, and so is something that is judged. Of several statements the last counts, for
 * each thing that is judged; at the same time that of the item goes before that of the
 * vulnerability. The earlier ones are the history.
 *
 * Source: FedRAMP Consolidated Rules 2026, VER-EVA-ELX, -EIR, -EPA; VER-RPT-VDT, VER-RPT-AVI.
 *
 * Ownership: texts live in the arena given. Trust: the operator's file, at most 4 MiB.
 */
#ifndef REPORT_STATEMENTS_H
#define REPORT_STATEMENTS_H

#include "base/error.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STATEMENTS_MAX = 20000, STATEMENTS_MAX_BYTES = 4 * 1024 * 1024, STATEMENT_RATING_MAX = 5 };

enum statement_answer { ANSWER_NONE, ANSWER_NO, ANSWER_YES };

/* What is not stated is NULL, 0, ANSWER_NONE or MU_TIME_NONE. */
struct statement {
    const char *item, *vulnerability; /* one of them */
    int rating;
    enum statement_answer likely_exploitable, internet_reachable;
    const char *potential_agency_impact;
    int target_rating; /* of the next reduction, and when it is expected */
    int64_t target_at_us;
    const char *overdue_explanation, *acceptance_rationale, *supplementary_information;
    const char *disposition; /* Fully Mitigated, Partially Mitigated */
    const char *by;
    int64_t at_us;
    size_t place; /* in the file */
};

struct statements {
    const struct statement *rows; /* by item or vulnerability, then time, then place in the file */
    size_t count;
};

/* Errors: MU_E_NOT_FOUND, MU_E_LIMIT, MU_E_INVALID, MU_E_NOMEM; with file, line and key. */
enum mu_status statements_read(const char *path, struct mu_arena *arena,
                               struct statements *ret_statements,
                               struct mu_error *err) MU_MUST_CHECK;
/* The same from memory; `path` is for messages. */
enum mu_status statements_parse(const char *path, const char *bytes, size_t len,
                                struct mu_arena *arena, struct statements *ret_statements,
                                struct mu_error *err) MU_MUST_CHECK;

/* Statements of one item, in the order of their time. */
struct statements_of {
    const struct statement *of_item, *of_vulnerability;
    size_t item_count, vulnerability_count;
};

/* Leaves out what was stated after `until_us`. Either name may be NULL. */
struct statements_of statements_about(const struct statements *statements, const char *item,
                                      const char *vulnerability, int64_t until_us);
/* NULL: no more. */
const struct statement *statements_next(struct statements_of *of);

#endif
