/*
 * assess: what the database knows of images, judged by a policy and by what people decided.
 *
 * Ownership: texts live in the arena that is given. Threads: one at a time per connection.
 */
#ifndef INVENTORY_POLICY_ASSESS_H
#define INVENTORY_POLICY_ASSESS_H

#include "policy/judge.h"
#include "policy/policy_statements.h"

#include "oci/reference.h"

/* Instants as texts for the database: what was true when, and what of it was known when. */
struct assess_times {
    const char *as_of, *known; /* RFC 3339, or "infinity" for what is known */
    int64_t as_of_us;
};

struct assessed_manifest {
    struct image_facts facts;
    struct judged judged;
};

struct person_word {
    const char *repository, *digest, *decision, *approval_id, *person, *role, *reason;
    int64_t until_us; /* MU_TIME_NONE: until further notice */
};

/* Columns of PEOPLE. */
enum {
    ASSESS_PERSON_REPOSITORY,
    ASSESS_PERSON_DIGEST,
    ASSESS_PERSON_DECISION,
    ASSESS_PERSON_ID,
    ASSESS_PERSON_PERSON,
    ASSESS_PERSON_ROLE,
    ASSESS_PERSON_REASON,
    ASSESS_PERSON_UNTIL
};

struct assessment {
    const char *name, *repository, *digest; /* digest NULL: nothing is known of the image */
    const struct assessed_manifest *manifests;
    size_t manifest_count;
    const struct person_word *word; /* that decided, or NULL */
    struct judged judged;           /* the worst of them, or what a person said */
};

/* The policy that counts then; the built-in one when none was stored. Errors: as mu_pg_execute. */
enum mu_status assess_policy(struct mu_pg *pg, const struct assess_times *times,
                             struct policy **ret_policy, struct mu_error *err) MU_MUST_CHECK;

/* What the statements are asked for: severities of the rules and kinds of deviations as arrays, and
 * whether ages and base images are looked at. */
struct assess_scope {
    struct mu_buf severities, deviations;
    const char *aged, *based;
};
void assess_scope_init(const struct policy *policy, struct assess_scope *ret_scope);
void assess_scope_done(struct assess_scope *scope);

/* The facts of a row of FACTS or FACTS_ALL; `ret_uais` are what the scan carries, "{a,b}" parsed.
 * Errors: MU_E_NOMEM, MU_E_INVALID. */
enum mu_status assess_row(const struct mu_pg_result *row, size_t number, struct mu_arena *arena,
                          struct image_facts *ret_facts, struct mu_json_texts *ret_uais,
                          struct mu_error *err) MU_MUST_CHECK;

/* What a person said takes the place of what the policy says. */
void assess_word(const struct person_word *word, struct judged *judged);
void assess_person_row(const struct mu_pg_result *row, size_t number, struct mu_arena *arena,
                       struct person_word *ret_word);

/* One image: MU_OK also when nothing is known of it. Errors: as mu_pg_execute, MU_E_NOMEM. */
enum mu_status assess_image(struct mu_pg *pg, const struct policy *policy,
                            const struct mu_oci_reference *reference,
                            const struct assess_times *times, struct mu_arena *arena,
                            struct assessment *ret_assessment, struct mu_error *err) MU_MUST_CHECK;

#endif
