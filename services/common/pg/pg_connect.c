#include "pg/pg_internal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { CONNINFO_MAX_PARAMETERS = 64, CONNECT_DEADLINE_MS = 10000 };

/* Defaults; what the operator's conninfo says wins. */
static const char *const default_names[] = {"connect_timeout", "keepalives_idle",
                                            "keepalives_interval", "keepalives_count", "options"};
static const char session_options[] =
        "-c TimeZone=UTC -c DateStyle=ISO -c statement_timeout=60000 -c client_min_messages=error"
        " -c standard_conforming_strings=on -c idle_in_transaction_session_timeout=120000 -c "
        "jit=off";
static const char *const default_values[] = {"5", "15", "5", "3", session_options};

struct parameters {
    const char *names[CONNINFO_MAX_PARAMETERS + 1];
    const char *values[CONNINFO_MAX_PARAMETERS + 1];
    size_t count;
};

static void add(struct parameters *parameters, const char *name, const char *value)
{
    if (parameters->count == CONNINFO_MAX_PARAMETERS)
        return;
    parameters->names[parameters->count] = name;
    parameters->values[parameters->count] = value;
    parameters->count++;
}

static void collect(struct parameters *parameters, const PQconninfoOption *options,
                    const char *application_name)
{
    for (size_t i = 0; i < sizeof(default_names) / sizeof(default_names[0]); i++)
        add(parameters, default_names[i], default_values[i]);
    add(parameters, "fallback_application_name", application_name);
    for (const PQconninfoOption *option = options; option->keyword; option++)
        if (option->val)
            add(parameters, option->keyword, option->val);
}

static void ignore_notice(void *opaque, const char *message)
{
    (void)opaque, (void)message;
}

/*
 * libpq tells the SQLSTATE of a refused connection only within the text ("FATAL:  28P01: ..."), and
 * only when asked to be verbose. A name or password that is refused stays refused; all else may
 * pass.
 */
static enum mu_status refused(PGconn *connection, struct mu_error *err)
{
    const char *text = PQerrorMessage(connection);
    bool denied = PQconnectionNeedsPassword(connection) || strstr(text, ":  28") != NULL;
    const char *location = strstr(text, "\nLOCATION:");

    return mu_fail(err, denied ? MU_E_DENIED : MU_E_UNAVAILABLE, "%.*s",
                   location ? (int)(location - text) : 400, text);
}

/* Drives PQconnectPoll with a deadline. */
static enum mu_status finish_connect(PGconn *connection, struct mu_error *err)
{
    uint64_t deadline_ms = mu_monotonic_ms() + CONNECT_DEADLINE_MS;
    PostgresPollingStatusType wanted =
            PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;

    while (wanted != PGRES_POLLING_OK && wanted != PGRES_POLLING_FAILED) {
        struct pollfd wait = {.fd = PQsocket(connection),
                              .events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        uint64_t now_ms = mu_monotonic_ms();

        if (now_ms >= deadline_ms)
            return mu_fail(err, MU_E_UNAVAILABLE, "PostgreSQL did not answer within %d ms",
                           CONNECT_DEADLINE_MS);
        if (poll(&wait, 1, (int)(deadline_ms - now_ms)) > 0)
            wanted = PQconnectPoll(connection);
    }
    return wanted == PGRES_POLLING_FAILED ? refused(connection, err) : MU_OK;
}

static enum mu_status pg_connect(const char *conninfo, const char *application_name,
                                 PGconn **ret_connection, struct mu_error *err)
{
    struct parameters parameters = {.count = 0};
    char *problem = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &problem);
    PGconn *connection;
    enum mu_status st;

    if (!options) {
        (void)mu_fail(err, MU_E_INVALID, "PostgreSQL connection string: %.300s",
                      problem ? problem : "out of memory");
        PQfreemem(problem);
        return err->status;
    }
    collect(&parameters, options, application_name);
    connection = PQconnectStartParams(parameters.names, parameters.values, 0);
    PQconninfoFree(options);
    if (!connection)
        return mu_fail(err, MU_E_NOMEM, "PostgreSQL: out of memory");
    (void)PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
    st = finish_connect(connection, err);
    (void)PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
    if (st != MU_OK) {
        PQfinish(connection);
        return st;
    }
    (void)PQsetNoticeProcessor(connection, ignore_notice, NULL);
    *ret_connection = connection;
    return MU_OK;
}

/* ---- waiting ---- */

enum mu_status pg_wait(struct mu_pg *pg, bool writing, const char *statement, struct mu_error *err)
{
    struct pollfd wait = {.fd = PQsocket(pg->connection),
                          .events = (short)(POLLIN | (writing ? POLLOUT : 0))};
    int ready;

    do
        ready = poll(&wait, 1, pg->deadline_ms);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0) {
        pg->dead = true;
        return mu_fail(err, MU_E_UNAVAILABLE, "statement '%s': no answer within %d ms", statement,
                       pg->deadline_ms);
    }
    if ((wait.revents & (POLLIN | POLLERR | POLLHUP)) && !PQconsumeInput(pg->connection))
        return pg_connection_error(pg, statement, err);
    return MU_OK;
}

enum mu_status pg_next_result(struct mu_pg *pg, const char *statement, PGresult **ret_result,
                              struct mu_error *err)
{
    enum mu_status st = MU_OK;
    int unsent;

    while (st == MU_OK && (unsent = PQflush(pg->connection)) != 0) {
        if (unsent < 0)
            return pg_connection_error(pg, statement, err);
        st = pg_wait(pg, true, statement, err);
    }
    while (st == MU_OK && PQisBusy(pg->connection))
        st = pg_wait(pg, false, statement, err);
    if (st == MU_OK)
        *ret_result = PQgetResult(pg->connection);
    return st;
}

/* ---- opening ---- */

/* PGTZ and PGDATESTYLE of our environment would win over session_options: libpq sends them on their
 * own. */
static const char session_times[] = "SELECT set_config('TimeZone', 'UTC', false), "
                                    "set_config('DateStyle', 'ISO, MDY', false)";

/* The name of the i-th thing that prepare_all sent. */
static const char *sent_name(const struct mu_pg *pg, size_t i)
{
    if (i == 0)
        return "session";
    return i <= pg->statement_count ? pg->statements[i - 1].name : "prepare";
}

/* The session and all statements in one pipeline: one round trip. */
static enum mu_status prepare_all(struct mu_pg *pg, struct mu_error *err)
{
    enum mu_status st = MU_OK;
    size_t i = 0;

    if (!PQenterPipelineMode(pg->connection))
        return mu_fail(err, MU_E_INTERNAL, "pipeline mode is refused");
    if (!PQsendQueryParams(pg->connection, session_times, 0, NULL, NULL, NULL, NULL, 0))
        return pg_connection_error(pg, "session", err);
    for (size_t s = 0; s < pg->statement_count; s++)
        if (!PQsendPrepare(pg->connection, pg->statements[s].name, pg->statements[s].sql, 0, NULL))
            return pg_connection_error(pg, pg->statements[s].name, err);
    if (!PQpipelineSync(pg->connection))
        return pg_connection_error(pg, "prepare", err);
    for (;;) {
        PG_AUTO_RESULT PGresult *result = NULL;
        const char *name = sent_name(pg, i);
        enum mu_status waited = pg_next_result(pg, name, &result, err);

        if (waited != MU_OK)
            return waited;
        if (!result) {
            i++;
            continue;
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC)
            break;
        if (st == MU_OK && PQresultStatus(result) == PGRES_FATAL_ERROR)
            st = pg_result_error(pg, result, name, err);
    }
    return PQexitPipelineMode(pg->connection) ? st : pg_connection_error(pg, "prepare", err);
}

enum mu_status mu_pg_open(const char *conninfo, const char *application_name,
                          const struct mu_pg_statement *statements, size_t statement_count,
                          struct mu_pg **ret_pg, struct mu_error *err)
{
    PGconn *connection = NULL;
    enum mu_status st = pg_connect(conninfo, application_name, &connection, err);
    struct mu_pg *pg;

    if (st != MU_OK)
        return st;
    pg = mu_xcalloc(1, sizeof(*pg));
    pg->connection = connection;
    pg->deadline_ms = PG_DEADLINE_MS;
    pg->statements = statements;
    pg->statement_count = statement_count;
    if (PQsetnonblocking(connection, 1) != 0)
        st = pg_connection_error(pg, "connect", err);
    if (st == MU_OK)
        st = prepare_all(pg, err);
    if (st != MU_OK) {
        mu_pg_close(pg);
        return st;
    }
    *ret_pg = pg;
    return MU_OK;
}

void mu_pg_close(struct mu_pg *pg)
{
    if (!pg)
        return;
    PQfinish(pg->connection);
    free(pg->queue);
    free(pg);
}

bool mu_pg_alive(const struct mu_pg *pg)
{
    return !pg->dead && PQstatus(pg->connection) == CONNECTION_OK;
}
