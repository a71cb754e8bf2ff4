#include "pg/pg_internal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { CONNINFO_MAX_PARAMETERS = 64, CONNECT_DEADLINE_MS = 10000 };

/* Defaults; what the operator's conninfo says wins. */
static const char *const default_names[] = {"connect_timeout",     "keepalives_idle",
                                            "keepalives_interval", "keepalives_count",
                                            "tcp_user_timeout",    "options"};
static const char session_options[] =
        "-c TimeZone=UTC -c DateStyle=ISO -c statement_timeout=60000 -c client_min_messages=error"
        " -c standard_conforming_strings=on -c idle_in_transaction_session_timeout=120000 -c "
        "jit=off -c muster.session=own";
static const char *const default_values[] = {"5", "15", "5", "3", "30000", session_options};

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

/* `pooled`: without the session's options, which are the last. */
static void collect(struct parameters *parameters, const PQconninfoOption *options,
                    const char *application_name, bool pooled)
{
    for (size_t i = 0; i + pooled < sizeof(default_names) / sizeof(default_names[0]); i++)
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

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *option = options; option->keyword; option++)
        if (mu_text_equal(option->keyword, keyword))
            return option->val;
    return NULL;
}

/*
 * Of several servers one may swallow all we send: libpq goes on to the next after connect_timeout
 * only when it waits itself (documentation, section 34.1.1.3).
 */
static PGconn *begin_connect(const struct parameters *parameters, const PQconninfoOption *options,
                             bool *ret_several)
{
    const char *hosts = option_value(options, "host"),
               *addresses = option_value(options, "hostaddr");

    *ret_several = (hosts && strchr(hosts, ',')) || (addresses && strchr(addresses, ','));
    return *ret_several ? PQconnectdbParams(parameters->names, parameters->values, 0)
                        : PQconnectStartParams(parameters->names, parameters->values, 0);
}

static enum mu_status connect_with(const PQconninfoOption *options, const char *application_name,
                                   bool pooled, PGconn **ret_connection, struct mu_error *err)
{
    struct parameters parameters = {.count = 0};
    PGconn *connection;
    bool several;
    enum mu_status st = MU_OK;

    collect(&parameters, options, application_name, pooled);
    connection = begin_connect(&parameters, options, &several);
    if (!connection)
        return mu_fail(err, MU_E_NOMEM, "PostgreSQL: out of memory");
    (void)PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
    if (!several)
        st = finish_connect(connection, err);
    else if (PQstatus(connection) != CONNECTION_OK)
        st = refused(connection, err);
    (void)PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
    if (st != MU_OK) {
        PQfinish(connection);
        return st;
    }
    (void)PQsetNoticeProcessor(connection, ignore_notice, NULL);
    *ret_connection = connection;
    return MU_OK;
}

/* A pooler may refuse options of the session (PgBouncer does): then it gets none. */
static enum mu_status pg_connect(const char *conninfo, const char *application_name,
                                 struct mu_pg *pg, struct mu_error *err)
{
    char *problem = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &problem);
    enum mu_status st;

    if (!options) {
        (void)mu_fail(err, MU_E_INVALID, "PostgreSQL connection string: %.300s",
                      problem ? problem : "out of memory");
        PQfreemem(problem);
        return err->status;
    }
    pg->own_options = option_value(options, "options") != NULL;
    st = connect_with(options, application_name, false, &pg->connection, err);
    if (st != MU_OK && !pg->own_options && strstr(err->message, "startup parameter")) {
        pg->pooled = true;
        st = connect_with(options, application_name, true, &pg->connection, err);
    }
    PQconninfoFree(options);
    return st;
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
 * own. The last column says whether the session has got them: a pooler may leave them out. */
static const char session_times[] = "SELECT set_config('TimeZone', 'UTC', false), "
                                    "set_config('DateStyle', 'ISO, MDY', false), "
                                    "current_setting('muster.session', true) IS NOT NULL";

static enum mu_status set_up_session(struct mu_pg *pg, struct mu_error *err)
{
    PG_AUTO_RESULT PGresult *result = NULL;
    PGresult *end = NULL;
    enum mu_status st;

    if (!PQsendQuery(pg->connection, session_times))
        return pg_connection_error(pg, "session", err);
    st = pg_next_result(pg, "session", &result, err);
    if (st != MU_OK)
        return st;
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        st = pg_result_error(pg, result, "session", err);
    else if (!pg->own_options)
        pg->pooled = PQgetvalue(result, 0, 2)[0] != 't';
    while (st == MU_OK) {
        st = pg_next_result(pg, "session", &end, err);
        if (!end)
            break;
        PQclear(end);
    }
    return st;
}

/* The name of the i-th thing that prepare_all sent. */
static const char *sent_name(const struct mu_pg *pg, size_t i)
{
    return i < pg->statement_count ? pg->statements[i].name : "prepare";
}

/* All statements in one pipeline: one round trip. */
static enum mu_status prepare_all(struct mu_pg *pg, struct mu_error *err)
{
    enum mu_status st = MU_OK;
    size_t i = 0;

    if (!PQenterPipelineMode(pg->connection))
        return mu_fail(err, MU_E_INTERNAL, "pipeline mode is refused");
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

static _Atomic uint64_t serials;

enum mu_status mu_pg_open(const char *conninfo, const char *application_name,
                          const struct mu_pg_statement *statements, size_t statement_count,
                          struct mu_pg **ret_pg, struct mu_error *err)
{
    MU_AUTO(pg) struct mu_pg *pg = mu_xcalloc(1, sizeof(*pg));
    enum mu_status st;

    pg->serial = atomic_fetch_add(&serials, 1) + 1;
    pg->deadline_ms = PG_DEADLINE_MS;
    pg->statements = statements;
    pg->statement_count = statement_count;
    st = pg_connect(conninfo, application_name, pg, err);
    if (st == MU_OK && PQsetnonblocking(pg->connection, 1) != 0)
        st = pg_connection_error(pg, "connect", err);
    if (st == MU_OK)
        st = set_up_session(pg, err);
    if (st == MU_OK && !pg->pooled)
        st = prepare_all(pg, err);
    if (st != MU_OK)
        return st;
    *ret_pg = pg;
    pg = NULL;
    return MU_OK;
}

uint64_t mu_pg_serial(const struct mu_pg *pg)
{
    return pg->serial;
}

bool mu_pg_pooled(const struct mu_pg *pg)
{
    return pg->pooled;
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
