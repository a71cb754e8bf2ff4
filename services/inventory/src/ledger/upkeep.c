#include "ledger/upkeep.h"

#include "store/metrics.h"
#include "store/statements.h"

#include "base/log.h"
#include "base/stop.h"

enum { ROUND_MS = 60000 };

static enum mu_status count(struct mu_pg *pg, struct mu_error *err)
{
    struct mu_metric *const gauges[] = {&metric_ledger_received, &metric_ledger_applied,
                                        &metric_ledger_quarantined, &metric_ledger_duplicates,
                                        &metric_ledger_unexplained};
    MU_AUTO(pg_result) struct mu_pg_result *balance = NULL;
    enum mu_status st = mu_pg_execute(pg, READ_LEDGER_BALANCE, NULL, &balance, err);

    if (st != MU_OK)
        return st;
    for (int i = 0; i < (int)(sizeof(gauges) / sizeof(gauges[0])); i++)
        mu_metric_set(gauges[i], mu_pg_int(balance, 0, i));
    if (mu_pg_int(balance, 0, 4) != 0)
        MU_LOG(MU_LOG_ERROR, "events received are not accounted for",
               MU_KV_INT("unexplained", mu_pg_int(balance, 0, 4)));
    return MU_OK;
}

enum mu_status upkeep_round(struct mu_pg *pg, struct mu_error *err)
{
    enum mu_status st = count(pg, err);

    return st == MU_OK ? mu_pg_execute(pg, READ_LEDGER_PARTITIONS, NULL, NULL, err) : st;
}

void upkeep_run(const char *conninfo)
{
    while (!mu_stop_requested()) {
        MU_AUTO(pg) struct mu_pg *pg = NULL;
        struct mu_error err;
        enum mu_status st = inventory_pg_open(conninfo, "muster-inventory upkeep", &pg, &err);

        if (st == MU_OK)
            st = upkeep_round(pg, &err);
        if (st != MU_OK)
            MU_LOG(MU_LOG_WARN, "upkeep of the ledger waits", MU_KV("error", err.message));
        (void)mu_stop_wait(ROUND_MS);
    }
}
