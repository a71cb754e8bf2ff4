#include "pg/pg_internal.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

struct mapping {
    const char *prefix; /* of the SQLSTATE */
    enum mu_status status;
};

/* PostgreSQL documentation, appendix A; the first match counts. */
static const struct mapping mappings[] = {
        {"08", MU_E_UNAVAILABLE},    /* connection */
        {"57", MU_E_UNAVAILABLE},    /* operator intervention: timeout, shutdown, starting up */
        {"53", MU_E_UNAVAILABLE},    /* insufficient resources */
        {"40", MU_E_UNAVAILABLE},    /* serialisation, deadlock */
        {"55P03", MU_E_UNAVAILABLE}, /* lock not available */
        {"25006", MU_E_UNAVAILABLE}, /* read only: a standby, another server leads */
        {"23", MU_E_CONFLICT},       {"22", MU_E_INVALID},
        {"28", MU_E_DENIED},         {"42501", MU_E_DENIED},
};

static enum mu_status status_of(const char *sqlstate)
{
    for (size_t i = 0; i < sizeof(mappings) / sizeof(mappings[0]); i++)
        if (mu_text_starts(sqlstate, mappings[i].prefix))
            return mappings[i].status;
    return MU_E_INTERNAL;
}

const char *mu_pg_sqlstate(const struct mu_pg *pg)
{
    return pg->sqlstate;
}

void mu_pg_forget_error(struct mu_pg *pg)
{
    pg->sqlstate[0] = pg->error_table[0] = '\0';
}

const char *mu_pg_error_table(const struct mu_pg *pg)
{
    return pg->error_table;
}

enum mu_status pg_lost(const char *statement, struct mu_error *err)
{
    return mu_fail(err, MU_E_UNAVAILABLE, "statement '%s': the connection is lost", statement);
}

enum mu_status pg_connection_error(struct mu_pg *pg, const char *statement, struct mu_error *err)
{
    pg->dead = true;
    return mu_fail(err, MU_E_UNAVAILABLE, "statement '%s': %.300s", statement,
                   PQerrorMessage(pg->connection));
}

enum mu_status pg_result_error(struct mu_pg *pg, const PGresult *result, const char *statement,
                               struct mu_error *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *table = PQresultErrorField(result, PG_DIAG_TABLE_NAME);
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    /* After a FATAL the server closes the connection, though libpq may not have seen it yet. */
    if (PQstatus(pg->connection) != CONNECTION_OK ||
        (severity && !mu_text_equal(severity, "ERROR")))
        pg->dead = true;
    (void)snprintf(pg->sqlstate, sizeof(pg->sqlstate), "%s", sqlstate ? sqlstate : "");
    (void)snprintf(pg->error_table, sizeof(pg->error_table), "%s", table ? table : "");
    if (!sqlstate) { /* libpq's own: the connection broke */
        pg->dead = true;
        return mu_fail(err, MU_E_UNAVAILABLE, "statement '%s': %.300s", statement,
                       PQresultErrorMessage(result));
    }
    return mu_fail(err, status_of(sqlstate), "statement '%s': SQLSTATE %s: %.200s%s%.120s",
                   statement, sqlstate, text ? text : "", detail ? ": " : "", detail ? detail : "");
}
