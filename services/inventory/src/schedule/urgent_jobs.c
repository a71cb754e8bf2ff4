#include "schedule/urgent_jobs.h"

#include "identity/identity.h"

#include "base/sha256.h"

void urgent_jobs_init(struct urgent_jobs *urgent, size_t max_bytes)
{
    mu_buf_init(&urgent->jobs, max_bytes);
    mu_buf_init(&urgent->repositories, max_bytes);
    mu_buf_init(&urgent->digests, max_bytes);
    mu_pg_array_begin(&urgent->jobs);
    mu_pg_array_begin(&urgent->repositories);
    mu_pg_array_begin(&urgent->digests);
    urgent->count = 0;
}

void urgent_jobs_done(struct urgent_jobs *urgent)
{
    mu_buf_done(&urgent->jobs);
    mu_buf_done(&urgent->repositories);
    mu_buf_done(&urgent->digests);
}

void urgent_jobs_add(struct urgent_jobs *urgent, const char *repository, const char *digest)
{
    char job[MU_UUID_TEXT_SIZE];

    identity_job(repository, digest, job);
    mu_pg_array_add(&urgent->jobs, job);
    mu_pg_array_add(&urgent->repositories, repository);
    mu_pg_array_add(&urgent->digests, digest);
    urgent->count++;
}

enum mu_status urgent_jobs_ask(struct urgent_jobs *urgent, struct mu_pg *pg, int statement,
                               struct mu_error *err)
{
    struct mu_buf *const arrays[] = {&urgent->jobs, &urgent->repositories, &urgent->digests};
    enum mu_status st = MU_OK;

    if (urgent->count == 0)
        return MU_OK;
    for (size_t i = 0; st == MU_OK && i < URGENT_JOBS_PARAMETERS; i++) {
        mu_pg_array_end(arrays[i]);
        st = mu_buf_status(arrays[i], "scans that are asked for", err);
    }
    return st == MU_OK ? mu_pg_execute(pg, statement,
                                       (const char *const[]){urgent->jobs.data,
                                                             urgent->repositories.data,
                                                             urgent->digests.data},
                                       NULL, err)
                       : st;
}
