#include "policy/evidence_reading.h"

#include "policy/evidence_facts.h"
#include "store/rounds.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>

enum { WAITING_MAX_BYTES = 1024 * 1024, ROUND_MOST = 100, PAUSE_MS = 500, TELL_MS = 60000 };

/* What became of some raw results. */
struct round {
    struct mu_pg *pg;
    struct evidence_reading *reading;
    bool is_again;               /* some of them waited */
    struct evidence_facts facts; /* read, and not written */
    struct mu_buf waiting;       /* array of those that could not be */
    int64_t waiting_count;
    char first[MU_DIGEST_TEXT_SIZE]; /* of these, and why */
    struct mu_error why;
};

static void round_init(struct round *round, struct mu_pg *pg, struct evidence_reading *reading)
{
    *round = (struct round){.pg = pg, .reading = reading};
    evidence_facts_init(&round->facts);
    mu_buf_init(&round->waiting, WAITING_MAX_BYTES);
    mu_pg_array_begin(&round->waiting);
}

static void round_done(struct round *round)
{
    evidence_facts_done(&round->facts);
    mu_buf_done(&round->waiting);
}

/* ---- files ---- */

static void let_wait(struct round *round, const char *digest, const struct mu_error *why)
{
    mu_pg_array_add(&round->waiting, digest);
    if (round->waiting_count++ > 0)
        return;
    (void)snprintf(round->first, sizeof(round->first), "%s", digest);
    round->why = *why;
}

static void take_nothing(struct round *round, const char *digest, const struct mu_error *why)
{
    MU_LOG(MU_LOG_WARN, "evidence cannot be read for policies", MU_KV("evidence", digest),
           MU_KV("error", why->message));
    evidence_facts_nothing(digest, &round->facts);
}

static void read_one(struct round *round, const char *digest)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct mu_error why;
    enum mu_status st;

    mu_buf_init(&text, EVIDENCE_MAX_BYTES);
    st = evidence_store_read(round->reading->store, digest, &text, &why);
    if (st == MU_OK)
        st = evidence_facts_parse(digest, text.data, text.len, &round->facts, &why);
    if (st == MU_E_INVALID || st == MU_E_LIMIT)
        take_nothing(round, digest, &why);
    else if (st != MU_OK)
        let_wait(round, digest, &why);
}

/* ---- the database ---- */

static enum mu_status write_facts(struct round *round, struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = round->pg;
    struct evidence_facts *facts = &round->facts;
    struct mu_pg *pg = round->pg;
    enum mu_status st;

    (void)transaction;
    if (facts->count == 0)
        return MU_OK;
    evidence_facts_end(facts);
    mu_pg_forget_error(pg);
    st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);
    if (st == MU_OK && facts->issue_count > 0)
        st = mu_pg_queue(
                pg, POLICY_EVIDENCE_ISSUES,
                (const char *const[]){
                        facts->arrays[FACTS_ISSUES].data, facts->arrays[FACTS_ORDINALS].data,
                        facts->arrays[FACTS_CHECKS].data, facts->arrays[FACTS_SEVERITIES].data,
                        facts->arrays[FACTS_TITLES].data, facts->arrays[FACTS_PATHS].data},
                err);
    if (st == MU_OK)
        st = mu_pg_queue(pg, POLICY_EVIDENCE_DONE,
                         (const char *const[]){facts->arrays[FACTS_DIGESTS].data,
                                               facts->arrays[FACTS_CHAINS].data,
                                               facts->arrays[FACTS_TOPS].data},
                         err);
    if (st == MU_OK && round->is_again)
        st = mu_pg_queue(pg, POLICY_EVIDENCE_FOUND,
                         (const char *const[]){facts->arrays[FACTS_DIGESTS].data}, err);
    if (st == MU_OK)
        st = mu_pg_sync(pg, err);
    return st == MU_OK ? mu_pg_commit(pg, err) : st;
}

/* Whether what was to be written is to blame; also when it is much, and takes too long (57014). */
static bool is_poison(enum mu_status st, struct round *round)
{
    if (st == MU_OK || !mu_pg_alive(round->pg))
        return false;
    return (st != MU_E_UNAVAILABLE && st != MU_E_DENIED) ||
           (mu_text_equal(mu_pg_sqlstate(round->pg), "57014") &&
            evidence_facts_bytes(&round->facts) > round->reading->write_bytes);
}

static enum mu_status write_alone(struct round *round, const char *digest, struct mu_error *err)
{
    enum mu_status st;

    evidence_facts_empty(&round->facts);
    read_one(round, digest);
    st = write_facts(round, err);
    if (!is_poison(st, round))
        return st;
    if (st != MU_E_INVALID) { /* not its values */
        let_wait(round, digest, err);
        return MU_OK;
    }
    evidence_facts_empty(&round->facts);
    take_nothing(round, digest, err);
    return write_facts(round, err);
}

/* What was read of these rows; when the database refuses it, each by itself. */
static enum mu_status write_read(struct round *round, const struct mu_pg_result *rows, size_t begin,
                                 size_t end, struct mu_error *err)
{
    enum mu_status st = write_facts(round, err);

    if (is_poison(st, round)) {
        st = MU_OK;
        for (size_t i = begin; st == MU_OK && i < end && !mu_stop_requested(); i++)
            st = write_alone(round, mu_pg_text(rows, i, 0), err);
    }
    evidence_facts_empty(&round->facts);
    return st;
}

static enum mu_status read_rows(struct round *round, const struct mu_pg_result *rows,
                                struct mu_error *err)
{
    enum mu_status st = MU_OK;
    size_t begin = 0, end = 0;

    while (st == MU_OK && end < mu_pg_rows(rows) && !mu_stop_requested()) {
        round->is_again = round->is_again || mu_pg_bool(rows, end, 1);
        read_one(round, mu_pg_text(rows, end++, 0));
        if (evidence_facts_bytes(&round->facts) < round->reading->write_bytes)
            continue;
        st = write_read(round, rows, begin, end, err);
        begin = end;
    }
    return st == MU_OK ? write_read(round, rows, begin, end, err) : st;
}

/* ---- those that wait ---- */

/* Not each: a folder that is not mounted makes all of them wait. */
static void tell(const struct round *round)
{
    struct evidence_reading *reading = round->reading;
    uint64_t now_ms = mu_monotonic_ms();

    reading->untold += round->waiting_count;
    if (reading->told_at_ms > 0 && now_ms < reading->told_at_ms + TELL_MS)
        return;
    MU_LOG(MU_LOG_WARN, "evidence cannot be read for policies now, trying again later",
           MU_KV_INT("times", reading->untold), MU_KV("evidence", round->first),
           MU_KV("error", round->why.message));
    reading->told_at_ms = now_ms;
    reading->untold = 0;
}

static enum mu_status write_waiting(struct round *round, struct mu_error *err)
{
    if (round->waiting_count == 0)
        return MU_OK;
    tell(round);
    mu_pg_array_end(&round->waiting);
    return mu_pg_execute(round->pg, POLICY_EVIDENCE_WAITS,
                         (const char *const[]){round->waiting.data}, NULL, err);
}

/* ---- rounds ---- */

enum mu_status evidence_reading_round(struct mu_pg *pg, struct evidence_reading *reading,
                                      bool *ret_busy, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *moved = NULL, *rows = NULL;
    MU_AUTO_DONE(round_done) struct round round;
    char limit[24];
    enum mu_status st;

    round_init(&round, pg, reading);
    (void)snprintf(limit, sizeof(limit), "%d", reading->most);
    st = mu_pg_execute(pg, POLICY_EVIDENCE_ADVANCE, NULL, &moved, err);
    if (st == MU_OK)
        st = mu_pg_execute(pg, POLICY_EVIDENCE_NEXT, (const char *const[]){limit}, &rows, err);
    if (st == MU_OK)
        st = read_rows(&round, rows, err);
    if (st == MU_OK)
        st = write_waiting(&round, err);
    if (st == MU_OK)
        *ret_busy = mu_pg_bool(moved, 0, 0) || mu_pg_rows(rows) > 0;
    return st;
}

struct running {
    const char *conninfo;
    struct evidence_reading *reading;
};

static enum mu_status open_facts(const void *opaque, struct mu_pg **ret_pg, struct mu_error *err)
{
    const struct running *running = opaque;

    return policy_pg_open(running->conninfo, ret_pg, err);
}

static enum mu_status read_round(const void *opaque, struct mu_pg *pg, bool *ret_busy,
                                 struct mu_error *err)
{
    const struct running *running = opaque;

    return evidence_reading_round(pg, running->reading, ret_busy, err);
}

void evidence_reading_run(const char *conninfo, const struct evidence_store *store)
{
    struct evidence_reading reading = {
            .store = store, .most = ROUND_MOST, .write_bytes = EVIDENCE_FACTS_MAX_BYTES};
    const struct running running = {conninfo, &reading};
    const struct rounds rounds = {.open = open_facts,
                                  .round = read_round,
                                  .opaque = &running,
                                  .waiting = "facts for policies wait, retrying",
                                  .pause_ms = PAUSE_MS,
                                  .backoff = {500, 30000, 0}};

    rounds_run(&rounds);
}
