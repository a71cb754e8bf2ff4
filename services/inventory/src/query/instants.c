#include "query/instants.h"

#include "query/queries.h"

#include "base/clock.h"

#include <string.h>

static enum mu_status check(const char *name, const char *text, struct mu_error *err)
{
    int64_t ignored;

    if (!text || !*text)
        return MU_OK;
    return mu_time_parse(text, strlen(text), &ignored, err) == MU_OK ? MU_OK
                                                                     : mu_wrap(err, "%s", name);
}

enum mu_status instants_check(const char *valid_at, const char *known_at, struct mu_error *err)
{
    enum mu_status st = check("valid_at", valid_at, err);

    return st == MU_OK ? check("known_at", known_at, err) : st;
}

enum mu_status instants_ask(struct mu_pg *pg, const char *valid_at, const char *known_at,
                            struct instants *ret_instants, struct mu_error *err)
{
    const char *const values[] = {valid_at && *valid_at ? valid_at : NULL,
                                  known_at && *known_at ? known_at : NULL};
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = instants_check(valid_at, known_at, err);

    if (st == MU_OK)
        st = mu_pg_execute(pg, QUERY_INSTANTS, values, &result, err);
    if (st == MU_OK && mu_pg_rows(result) != 1)
        st = mu_fail(err, MU_E_INTERNAL, "the ledger's clock is missing");
    if (st != MU_OK)
        return st;
    mu_time_format(mu_pg_time_us(result, 0, 0), ret_instants->valid_at);
    mu_time_format(mu_pg_time_us(result, 0, 1), ret_instants->known_at);
    return MU_OK;
}
