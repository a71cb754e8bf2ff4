#include "query/instants.h"

#include "query/queries.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* In UTC, as the database reads every offset that RFC 3339 knows; `ret_value` is NULL for now. */
static enum mu_status normalise(const char *name, const char *text, char ret_text[QUERY_TIME_SIZE],
                                const char **ret_value, struct mu_error *err)
{
    int64_t at_us;

    *ret_value = NULL;
    if (!text || !*text)
        return MU_OK;
    if (mu_time_parse(text, strlen(text), &at_us, err) != MU_OK)
        return mu_wrap(err, "%s", name);
    mu_time_format(at_us, ret_text);
    *ret_value = ret_text;
    return MU_OK;
}

enum mu_status instants_check(const char *valid_at, const char *known_at, struct mu_error *err)
{
    char ignored[QUERY_TIME_SIZE];
    const char *value;
    enum mu_status st = normalise("valid_at", valid_at, ignored, &value, err);

    return st == MU_OK ? normalise("known_at", known_at, ignored, &value, err) : st;
}

enum mu_status instants_ask(struct mu_pg *pg, const char *valid_at, const char *known_at,
                            struct instants *ret_instants, struct mu_error *err)
{
    char valid[QUERY_TIME_SIZE], known[QUERY_TIME_SIZE];
    const char *values[2] = {NULL, NULL};
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = normalise("valid_at", valid_at, valid, &values[0], err);

    if (st == MU_OK)
        st = normalise("known_at", known_at, known, &values[1], err);
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

enum mu_status instants_option(const char *option, const char *text, const char *otherwise,
                               char ret_text[QUERY_TIME_SIZE], struct mu_error *err)
{
    char name[64], given[QUERY_TIME_SIZE];
    const char *value = NULL;

    (void)snprintf(name, sizeof(name), "option --%s", option);
    if (normalise(name, text, given, &value, err) != MU_OK)
        return err->status;
    if (value || otherwise)
        (void)snprintf(ret_text, QUERY_TIME_SIZE, "%s", value ? value : otherwise);
    else
        mu_time_format(mu_now_us(), ret_text);
    return MU_OK;
}
