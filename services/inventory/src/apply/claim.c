#include "apply/claim.h"

#include "store/metrics.h"
#include "store/statements.h"

#include <inttypes.h>
#include <stdio.h>

enum { NUMBER_SIZE = 24 };

enum mu_status claim_take(struct mu_pg *pg, const struct claim_bid *bid,
                          struct claimed *ret_claimed, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    char number[NUMBER_SIZE];
    const char *values[] = {mu_topic_name(bid->topic), number, bid->owner};

    (void)snprintf(number, sizeof(number), "%" PRId32, bid->partition);
    if (mu_pg_execute(pg, READ_POSITION_CLAIM, values, &result, err) != MU_OK)
        return err->status;
    *ret_claimed = (struct claimed){mu_pg_int(result, 0, 0), mu_pg_int(result, 0, 1)};
    return MU_OK;
}

int64_t claim_expects(const struct claimed *claimed)
{
    return claimed->epoch > 1 || claimed->next_offset > 0 ? claimed->next_offset : -1;
}

bool claim_is_lost(const struct claim_bid *bid, const struct claimed *claimed,
                   const struct mu_bounds *bounds, struct lost *ret_lost)
{
    if (bounds->low <= claimed->next_offset && claimed->next_offset <= bounds->high)
        return false;
    *ret_lost = (struct lost){bid->topic, bid->partition, claim_expects(claimed), bounds->low};
    return true;
}

static enum mu_status move(struct mu_pg *pg, int64_t epoch, const struct lost *lost,
                           struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    char partition[NUMBER_SIZE], claim[NUMBER_SIZE], found[NUMBER_SIZE];
    const char *values[] = {mu_topic_name(lost->topic), partition, claim, found};

    (void)snprintf(partition, sizeof(partition), "%" PRId32, lost->partition);
    (void)snprintf(claim, sizeof(claim), "%" PRId64, epoch);
    (void)snprintf(found, sizeof(found), "%" PRId64, lost->found);
    if (mu_pg_execute(pg, READ_POSITION_MOVE, values, &result, err) != MU_OK)
        return err->status;
    return mu_pg_rows(result) == 1
                   ? MU_OK
                   : mu_fail(err, MU_E_CONFLICT, "another process has taken the partition");
}

enum mu_status claim_move(struct mu_pg *pg, struct claimed *claimed, const struct lost *lost,
                          struct mu_error *err)
{
    MU_AUTO(write_set) struct write_set *set = write_set_new();
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    MU_AUTO(pg_result) struct mu_pg_result *tick = NULL;
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = mu_pg_execute(pg, READ_TICK, NULL, &tick, err);
    if (st == MU_OK)
        st = move(pg, claimed->epoch, lost, err);
    if (st == MU_OK && lost->expected >= 0)
        st = lost_tell(set, lost, mu_pg_text(tick, 0, 0), mu_pg_time_us(tick, 0, 0), err);
    if (st == MU_OK)
        st = write_set_queue(set, pg, mu_pg_text(tick, 0, 0), err);
    if (st == MU_OK)
        st = mu_pg_sync(pg, err);
    if (st == MU_OK)
        st = mu_pg_commit(pg, err);
    if (st != MU_OK)
        return st;
    claimed->next_offset = lost->found;
    if (lost->expected >= 0 && lost->found > lost->expected)
        mu_metric_add(&metric_events_lost, lost->found - lost->expected);
    return MU_OK;
}
