/*
 * evidence_facts: what policies ask of raw results beside their findings: what the image itself
 * gets wrong, and its layers.
 *
 * Trust: evidence may be of any scanner: bounded as findings are. Threads: one at a time per
 * struct.
 */
#ifndef INVENTORY_POLICY_EVIDENCE_FACTS_H
#define INVENTORY_POLICY_EVIDENCE_FACTS_H

#include "base/buf.h"
#include "base/error.h"

/* Of some raw results, as arrays for statements. */
enum evidence_array {
    FACTS_DIGESTS, /* these three have an element of each raw result */
    FACTS_CHAINS,
    FACTS_TOPS,
    FACTS_ISSUES, /* the raw result of an issue; this and the others have one of each issue */
    FACTS_ORDINALS,
    FACTS_CHECKS,
    FACTS_SEVERITIES,
    FACTS_TITLES,
    FACTS_PATHS,
    FACTS_ARRAYS
};

struct evidence_facts {
    struct mu_buf arrays[FACTS_ARRAYS];
    size_t count, issue_count;
};

void evidence_facts_init(struct evidence_facts *facts);
void evidence_facts_done(struct evidence_facts *facts);
void evidence_facts_empty(struct evidence_facts *facts); /* gives its memory back */
void evidence_facts_end(struct evidence_facts *facts);   /* the arrays are whole */

/* Of all arrays. Before more is added there may be EVIDENCE_FACTS_MAX_BYTES. */
size_t evidence_facts_bytes(const struct evidence_facts *facts);
enum { EVIDENCE_FACTS_MAX_BYTES = 8 * 1024 * 1024 };

/* Adds those of the raw result `digest`. Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM; then nothing
 * was added. */
enum mu_status evidence_facts_parse(const char *digest, const char *bytes, size_t len,
                                    struct evidence_facts *facts,
                                    struct mu_error *err) MU_MUST_CHECK;
/* Adds that it says nothing: no issue, and no layer is known. */
void evidence_facts_nothing(const char *digest, struct evidence_facts *facts);

#endif
