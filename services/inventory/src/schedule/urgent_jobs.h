/*
 * urgent_jobs: scans that somebody waits for, asked for with priority: a pipeline, or a gate that
 * answered without one.
 *
 * A job that is there becomes urgent when it is still to be tried, and is done again when it is
 * complete, or given up, for an hour: who waits asks over and over. What is no image gets no job.
 *
 * Threads: one at a time.
 */
#ifndef INVENTORY_URGENT_JOBS_H
#define INVENTORY_URGENT_JOBS_H

#include "base/buf.h"
#include "pg/pg.h"

/* The statement of a connection that asks, of URGENT_JOBS_PARAMETERS; `reason` is a literal. */
enum { URGENT_JOBS_PARAMETERS = 3 };
#define URGENT_JOBS_SQL(reason)                                                             \
    "INSERT INTO scan_jobs AS j (job_id, repository, digest, state, priority, reason, "     \
    "next_try_at) "                                                                         \
    "SELECT u.job_id, u.repository, u.digest, 'pending', 1, '" reason "', now() "           \
    "FROM unnest($1::uuid[], $2::text[], $3::text[]) u(job_id, repository, digest) "        \
    "WHERE NOT EXISTS (SELECT FROM digest_facts f WHERE f.digest = u.digest "               \
    "AND f.kind IN ('attestation', 'config', 'blob')) ON CONFLICT (job_id) DO UPDATE "      \
    "SET state = 'pending', priority = 1, reason = '" reason                                \
    "', next_try_at = now(), attempts = 0 "                                                 \
    "WHERE (j.state = 'pending' AND j.attempts = 0 AND (j.priority > 1 OR j.next_try_at > " \
    "now())) "                                                                              \
    "OR (j.state = 'complete' AND j.completed_at < now() - interval '1 hour') "             \
    "OR (j.state = 'failed_final' AND j.given_up_at < now() - interval '1 hour')"

struct urgent_jobs {
    struct mu_buf jobs, repositories, digests; /* arrays for the statement */
    size_t count;
};

void urgent_jobs_init(struct urgent_jobs *urgent, size_t max_bytes); /* of each array */
void urgent_jobs_done(struct urgent_jobs *urgent);
void urgent_jobs_add(struct urgent_jobs *urgent, const char *repository, const char *digest);
/* Without a job nothing is asked. Errors: MU_E_LIMIT, as mu_pg_execute. */
enum mu_status urgent_jobs_ask(struct urgent_jobs *urgent, struct mu_pg *pg, int statement,
                               struct mu_error *err) MU_MUST_CHECK;

#endif
