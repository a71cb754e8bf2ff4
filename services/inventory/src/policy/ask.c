#include "policy/ask.h"

#include "schedule/urgent_jobs.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum { ARRAY_MAX_BYTES = 1024 * 1024, NONCE_BYTES = 16 };

enum mu_status ask_begin(const char *image, struct asked *ret_asked, struct mu_error *err)
{
    struct asked asked = {.image = image};
    uint8_t nonce[NONCE_BYTES];
    enum mu_status st = mu_oci_reference_parse(image, strlen(image), &asked.reference, err);

    if (st == MU_OK && getrandom(nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce))
        st = mu_fail(err, MU_E_UNAVAILABLE, "no random numbers: %s", strerror(errno));
    if (st != MU_OK)
        return st;
    mu_hex_encode(nonce, sizeof(nonce), asked.nonce);
    *ret_asked = asked;
    return MU_OK;
}

void ask_by_key(struct asked *asked, const char *who, const char *key)
{
    const char *const parts[] = {who, key, asked->image};

    mu_stable_id("policy_question", parts, sizeof(parts) / sizeof(parts[0]), asked->nonce);
}

static enum mu_status look(struct asked *asked, struct mu_pg *pg, struct mu_arena *arena,
                           struct mu_error *err)
{
    char as_of[MU_TIME_TEXT_SIZE];
    struct assess_times times = {.as_of = as_of, .known = "infinity"};
    enum mu_status st;

    asked->decision_id[0] = '\0';
    asked->at_us = times.as_of_us = mu_now_us();
    mu_time_format(times.as_of_us, as_of);
    policy_free(asked->policy);
    asked->policy = NULL;
    st = assess_policy(pg, &times, &asked->policy, err);
    return st == MU_OK ? assess_image(pg, asked->policy, &asked->reference, &times, arena,
                                      &asked->assessment, err)
                       : st;
}

/* A scan of each manifest that has none that counts; none where nothing is known of the image. */
static enum mu_status ask_for_scans(const struct assessment *found, struct mu_pg *pg,
                                    struct mu_error *err)
{
    MU_AUTO_DONE(urgent_jobs_done) struct urgent_jobs urgent;

    urgent_jobs_init(&urgent, ARRAY_MAX_BYTES);
    for (size_t i = 0; found->digest && i < found->manifest_count; i++) {
        const struct assessed_manifest *manifest = &found->manifests[i];

        if (manifest->judged.verdict == VERDICT_WAITING)
            urgent_jobs_add(&urgent, found->repository, manifest->facts.digest);
    }
    return urgent_jobs_ask(&urgent, pg, POLICY_JOBS_URGENT, err);
}

/* Tried again with the same outcome it is the same record, with another it is another. */
static void name_decision(const struct asked *asked, char ret_id[MU_UUID_TEXT_SIZE])
{
    const struct judged *judged = &asked->assessment.judged;
    const char *const parts[] = {asked->nonce,
                                 asked->assessment.digest,
                                 asked->policy->digest,
                                 verdict_word(judged->verdict),
                                 verdict_reason_word(judged->reason),
                                 judged->rule,
                                 judged->detail};

    mu_stable_id("policy_decision", parts, sizeof(parts) / sizeof(parts[0]), ret_id);
}

static enum mu_status record(const struct asked *asked, struct mu_pg *pg, const char *by,
                             const char *decision_id, struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf facts;
    const struct assessment *found = &asked->assessment;
    const struct report report = asked_report(asked);
    char known_at[POLICY_TIME_SIZE];
    enum mu_status st;

    (void)transaction;
    mu_buf_init(&facts, REPORT_MAX_BYTES);
    st = report_facts(&report, &facts, err);
    if (st == MU_OK)
        st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);
    if (st == MU_OK)
        st = policy_tick(pg, known_at, err);
    if (st == MU_OK)
        st = mu_pg_execute(pg, POLICY_DECIDED,
                           (const char *const[]){known_at, by, asked->image, found->repository,
                                                 found->digest, verdict_word(found->judged.verdict),
                                                 verdict_reason_word(found->judged.reason),
                                                 found->judged.rule, found->judged.detail,
                                                 asked->policy->digest, facts.data, decision_id},
                           NULL, err);
    return st == MU_OK ? mu_pg_commit(pg, err) : st;
}

enum mu_status ask(struct asked *asked, struct mu_pg *pg, const char *by, unsigned flags,
                   struct mu_arena *arena, struct mu_error *err)
{
    char decision_id[MU_UUID_TEXT_SIZE];
    enum mu_status st = look(asked, pg, arena, err);
    bool waiting = st == MU_OK && asked->assessment.judged.verdict == VERDICT_WAITING;

    asked->only_looked = (flags & ASK_LOOKS) != 0;
    if (st != MU_OK || asked->only_looked)
        return st;
    if (waiting)
        st = ask_for_scans(&asked->assessment, pg, err);
    if (st != MU_OK || (waiting && flags & ASK_WAITS))
        return st;
    name_decision(asked, decision_id);
    st = record(asked, pg, by, decision_id, err);
    if (st == MU_OK)
        memcpy(asked->decision_id, decision_id, sizeof(decision_id));
    return st;
}

struct report asked_report(const struct asked *asked)
{
    return (struct report){.image = asked->image,
                           .policy = asked->policy,
                           .assessment = &asked->assessment,
                           .at_us = asked->at_us,
                           .decision_id = asked->decision_id,
                           .only_looked = asked->only_looked};
}

void asked_done(struct asked *asked)
{
    policy_free(asked->policy);
    asked->policy = NULL;
}
