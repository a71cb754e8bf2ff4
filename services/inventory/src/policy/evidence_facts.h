/*
 * evidence_facts: what policies ask of a raw result beside its findings: what the image itself gets
 * wrong, and its layers. Read from the evidence once; until then no image is approved by a policy
 * that asks for it.
 *
 * Threads: evidence_facts_run on one of its own, until a stop is requested. Trust: evidence may be
 * of any scanner: bounded as findings are.
 */
#ifndef INVENTORY_POLICY_EVIDENCE_FACTS_H
#define INVENTORY_POLICY_EVIDENCE_FACTS_H

#include "evidence/evidence_store.h"
#include "policy/policy_statements.h"

#include "base/sha256.h"

struct evidence_facts {
    struct mu_buf ordinals, checks, severities, titles, paths, chain; /* arrays for statements */
    size_t issue_count;
    char top[MU_UUID_TEXT_SIZE]; /* the last of the chain; "": not every layer is known */
};

void evidence_facts_init(struct evidence_facts *facts);
void evidence_facts_done(struct evidence_facts *facts);
/* Errors: MU_E_INVALID, MU_E_LIMIT. */
enum mu_status evidence_facts_parse(const char *bytes, size_t len, struct evidence_facts *facts,
                                    struct mu_error *err) MU_MUST_CHECK;

/* Reads what is not read yet, at most `most`; `ret_count`: how many there were. Evidence that is
 * not there is left for later, what cannot be understood is told and not tried again. Errors: as
 * mu_pg_execute. */
enum mu_status evidence_facts_round(struct mu_pg *pg, const struct evidence_store *store, int most,
                                    size_t *ret_count, struct mu_error *err) MU_MUST_CHECK;
void evidence_facts_run(const char *conninfo, const struct evidence_store *store);

#endif
