#include "policy/pipeline_command.h"

#include "identity/identity.h"
#include "policy/report.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define OPTION(member) offsetof(struct pipeline_config, member)

enum { ARENA_BYTES = 256 * 1024 * 1024, REPORT_MAX_BYTES = 64 * 1024 * 1024 };

const struct mu_option pipeline_options[PIPELINE_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), NULL, 0, 0, MU_OPTION_REQUIRED,
         "connection string of the database"},
        {"wait", MU_OPTION_DURATION_MS, OPTION(wait_ms), "0", 0, 86400000, 0,
         "how long to wait for a scan, e.g. 10m"},
        {"poll", MU_OPTION_DURATION_MS, OPTION(poll_ms), "2s", 10, 3600000, 0,
         "time between two looks while waiting"},
        {"by", MU_OPTION_TEXT, OPTION(by), "pipeline", 0, 0, 0,
         "who asks, for the audit record: the job's name or address"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text, json, sarif or junit"},
};

struct asking {
    const struct pipeline_config *config;
    const char *image;
    struct mu_oci_reference reference;
    struct mu_arena *arena;
    struct mu_pg *pg;
    struct policy *policy;
    struct assessment assessment;
    int64_t at_us;
};

/* ---- one look ---- */

static enum mu_status look(struct asking *asking, struct mu_error *err)
{
    char as_of[MU_TIME_TEXT_SIZE];
    struct assess_times times = {.as_of = as_of, .known = "infinity"};
    enum mu_status st = MU_OK;

    if (asking->pg && !mu_pg_alive(asking->pg)) {
        mu_pg_close(asking->pg);
        asking->pg = NULL;
    }
    if (!asking->pg)
        st = policy_pg_open(asking->config->postgres, &asking->pg, err);
    if (st != MU_OK)
        return st;
    asking->at_us = times.as_of_us = mu_now_us();
    mu_time_format(times.as_of_us, as_of);
    mu_arena_reset(asking->arena);
    policy_free(asking->policy);
    asking->policy = NULL;
    st = assess_policy(asking->pg, &times, &asking->policy, err);
    return st == MU_OK ? assess_image(asking->pg, asking->policy, &asking->reference, &times,
                                      asking->arena, &asking->assessment, err)
                       : st;
}

/* A scan of each manifest that has none that counts; of the digest itself when none is known. */
static enum mu_status ask_for_scans(const struct asking *asking, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf jobs, repositories, digests;
    struct mu_buf *const arrays[] = {&jobs, &repositories, &digests};
    char job[MU_UUID_TEXT_SIZE];

    for (size_t i = 0; i < 3; i++) {
        mu_buf_init(arrays[i], REPORT_MAX_BYTES);
        mu_pg_array_begin(arrays[i]);
    }
    if (!asking->assessment.digest)
        return MU_OK;
    for (size_t i = 0; i < asking->assessment.manifest_count; i++) {
        const struct assessed_manifest *manifest = &asking->assessment.manifests[i];

        if (manifest->judged.verdict != VERDICT_WAITING)
            continue;
        identity_job(asking->assessment.repository, manifest->facts.digest, job);
        mu_pg_array_add(&jobs, job);
        mu_pg_array_add(&repositories, asking->assessment.repository);
        mu_pg_array_add(&digests, manifest->facts.digest);
    }
    for (size_t i = 0; i < 3; i++)
        mu_pg_array_end(arrays[i]);
    return mu_pg_execute(asking->pg, POLICY_JOBS_URGENT,
                         (const char *const[]){jobs.data, repositories.data, digests.data}, NULL,
                         err);
}

/* Until there is a verdict or the time is over. A database that goes while we wait may come back.
 */
static enum mu_status wait_for_verdict(struct asking *asking, struct mu_error *err)
{
    uint64_t deadline_ms = mu_monotonic_ms() + (uint64_t)asking->config->wait_ms;
    enum mu_status st = look(asking, err);

    if (st == MU_OK && asking->assessment.judged.verdict == VERDICT_WAITING)
        st = ask_for_scans(asking, err);
    while ((st == MU_E_UNAVAILABLE ||
            (st == MU_OK && asking->assessment.judged.verdict == VERDICT_WAITING)) &&
           mu_monotonic_ms() < deadline_ms && !mu_stop_wait(asking->config->poll_ms))
        st = look(asking, err);
    return st;
}

/* ---- the record ---- */

static enum mu_status record(const struct asking *asking, const struct report *report,
                             struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = asking->pg;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf facts;
    const struct assessment *found = &asking->assessment;
    char known_at[POLICY_TIME_SIZE];
    enum mu_status st;

    (void)transaction;
    mu_buf_init(&facts, REPORT_MAX_BYTES);
    st = report_facts(report, &facts, err);
    if (st == MU_OK)
        st = mu_pg_begin(asking->pg, MU_PG_READ_COMMITTED, err);
    if (st == MU_OK)
        st = policy_tick(asking->pg, known_at, err);
    if (st == MU_OK)
        st = mu_pg_execute(asking->pg, POLICY_DECIDED,
                           (const char *const[]){
                                   known_at, asking->config->by, asking->image, found->repository,
                                   found->digest, verdict_word(found->judged.verdict),
                                   verdict_reason_word(found->judged.reason), found->judged.rule,
                                   found->judged.detail, asking->policy->digest, facts.data},
                           NULL, err);
    return st == MU_OK ? mu_pg_commit(asking->pg, err) : st;
}

static int exit_code(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_APPROVED:
        return MU_EXIT_OK;
    case VERDICT_REJECTED:
        return MU_EXIT_DIFFERENCE;
    case VERDICT_WAITING:
        return PIPELINE_EXIT_WAITING;
    case VERDICT_NONE:
    case VERDICT_COUNT:
        break;
    }
    return MU_EXIT_FAILURE;
}

static enum mu_status answer(struct asking *asking, report_fn *write, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct report report;
    enum mu_status st = wait_for_verdict(asking, err);

    mu_buf_init(&out, REPORT_MAX_BYTES);
    if (st != MU_OK)
        return st;
    report = (struct report){asking->image, asking->policy, &asking->assessment, asking->at_us};
    st = record(asking, &report, err); /* no record, no verdict */
    if (st == MU_OK)
        st = write(&report, &out, err);
    if (st == MU_OK)
        (void)fwrite(out.data, 1, out.len, stdout);
    return st;
}

int pipeline_command(void *config_struct, int argc, char **argv)
{
    struct asking asking = {.config = config_struct};
    report_fn *write = report_format(asking.config->format);
    struct mu_error err;
    int code = MU_EXIT_USAGE;

    if (argc != 1 || !write) {
        (void)fprintf(stderr, "muster-inventory: %s\n",
                      write ? "gate takes one image: gate registry.example/app:1.0 --wait 10m"
                            : "format must be text, json, sarif or junit");
        return MU_EXIT_USAGE;
    }
    asking.image = argv[0];
    mu_stop_install();
    if (mu_oci_reference_parse(argv[0], strlen(argv[0]), &asking.reference, &err) == MU_OK) {
        asking.arena = mu_arena_new(ARENA_BYTES);
        code = answer(&asking, write, &err) == MU_OK ? exit_code(asking.assessment.judged.verdict)
                                                     : MU_EXIT_FAILURE;
    }
    if (code == MU_EXIT_USAGE || code == MU_EXIT_FAILURE)
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
    mu_pg_close(asking.pg);
    policy_free(asking.policy);
    mu_arena_free(asking.arena);
    return code;
}
