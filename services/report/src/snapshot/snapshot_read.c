#include "snapshot/snapshot_read.h"

#include "snapshot/columns.h"

#include "base/clock.h"
#include "base/stop.h"
#include "pg/pg.h"

#include <string.h>

enum statement {
    STATEMENT_HORIZON,
    STATEMENT_INVENTORY,
    STATEMENT_INSTANCES,
    STATEMENT_NOT_RUNNING,
    STATEMENT_TOTALS,
    STATEMENT_ORIGINALS,
    STATEMENT_FINDINGS,
    STATEMENT_CLOSED,
    STATEMENT_DEVIATIONS,
    STATEMENT_FAILURES,
    STATEMENT_SOURCES,
    STATEMENT_QUARANTINE,
    STATEMENT_LEDGER,
    STATEMENT_NONE
};

static const struct mu_pg_statement statements[] = {
        [STATEMENT_HORIZON] = {"horizon", "SELECT report_v1.horizon($1)", 1},
        [STATEMENT_INVENTORY] =
                {"inventory",
                 "SELECT uai, manifest_digest, repository, tag, platform, os_name, image_title,"
                 " image_version, image_vendor, running_containers, state, reason, evidence_digest,"
                 " scan_finished_at, reported_digest, floating, scanner_name, scanner_version,"
                 " database_version, database_built_at, configuration_checksum, first_running_at,"
                 " s.baseline, s.public, s.hardening"
                 " FROM report_v1.inventory($1, $2) i"
                 " LEFT JOIN report_v1.asset_statements($1, $2) s USING (uai)"
                 " ORDER BY uai COLLATE \"C\", manifest_digest COLLATE \"C\","
                 " reported_digest COLLATE \"C\"",
                 2},
        [STATEMENT_INSTANCES] =
                {"instances",
                 "SELECT cluster, namespace, pod, container, container_kind, image, uai,"
                 " manifest_digest, state, reason, started_at, node"
                 " FROM report_v1.instances($1, $2)",
                 2},
        [STATEMENT_NOT_RUNNING] = {"not_running",
                                   "SELECT uai, manifest_digest FROM report_v1.not_running($1, $2)",
                                   2},
        [STATEMENT_TOTALS] = {"totals", "SELECT state, containers FROM report_v1.totals($1, $2)",
                              2},
        [STATEMENT_ORIGINALS] = {"originals",
                                 "SELECT evidence_digest, original_digest"
                                 " FROM report_v1.originals($1)",
                                 1},
        [STATEMENT_FINDINGS] =
                {"findings",
                 "SELECT item, uai, repository, vulnerability, reported_as, packages,"
                 " fixed_versions, severity, effective_severity, severity_source, cvss,"
                 " scanner_name, kev_added, kev_due, epss, exploitation, public, automatable,"
                 " technical_impact, detected_at, first_detected_at, item_detected_at, episode,"
                 " instances, deviations, pending, rev5_due_at, kev_due_at, bod_due_at, forensic,"
                 " due_at, due_by, status FROM report_v1.findings($1, $2)",
                 2},
        [STATEMENT_CLOSED] = {"closed",
                              "SELECT item, uai, repository, vulnerability, episode, detected_at,"
                              " first_detected_at, item_detected_at, closed_at, closed_by,"
                              " item_closed_at, severity, cvss"
                              " FROM report_v1.closed_findings($1, $2)",
                              2},
        [STATEMENT_DEVIATIONS] = {"deviations",
                                  "SELECT deviation, state, kind, vulnerability, asset, package,"
                                  " adjusted_severity, rationale, evidence, requested_by,"
                                  " requested_at, decided_by, decided_role, decided_at,"
                                  " decision_evidence, expires_at, checked_in_at, released_at"
                                  " FROM report_v1.deviations($1, $2)",
                                  2},
        [STATEMENT_FAILURES] = {"failures",
                                "SELECT failure, state, code, message, repository, digest, source,"
                                " attempts, opened_at, closed_at"
                                " FROM report_v1.failures($1, $2, $3)",
                                3},
        [STATEMENT_SOURCES] = {"sources",
                               "SELECT source, kind, state, since, last_event_at, last_error"
                               " FROM report_v1.sources($1, $2)",
                               2},
        [STATEMENT_QUARANTINE] = {"quarantine",
                                  "SELECT reason_code, source, reason, events, first_known_at,"
                                  " last_known_at FROM report_v1.quarantine($1, $2, $3)",
                                  3},
        [STATEMENT_LEDGER] = {"ledger",
                              "SELECT topic, received, applied, quarantined, duplicates"
                              " FROM report_v1.ledger()",
                              0},
};

/* Rows of one kind as they stream in. */
struct reading {
    struct snapshot *snapshot;
    enum snapshot_rows kind;
};

static void fill_member(const struct column *column, const struct mu_pg_result *result, int place,
                        char time_text[MU_TIME_TEXT_SIZE], char *slot)
{
    const char *text = mu_pg_text(result, 0, place);

    if (column->type == VALUE_NUMBER) {
        *(int64_t *)(void *)slot = mu_pg_bool(result, 0, place) ? 1 : mu_pg_int(result, 0, place);
        return;
    }
    if (text && column->type == VALUE_TIME) {
        mu_time_format(mu_pg_time_us(result, 0, place), time_text);
        text = time_text;
    }
    *(const char **)(void *)slot = text;
}

static enum mu_status keep_row(void *opaque, const struct mu_pg_result *result,
                               struct mu_error *err)
{
    const struct reading *reading = opaque;
    const struct row_kind *kind = &row_kinds[reading->kind];
    char times[COLUMNS_MAX][MU_TIME_TEXT_SIZE];
    union any_row row;

    if (mu_stop_requested())
        return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
    for (size_t i = 0; i < kind->column_count; i++)
        fill_member(&kind->columns[i], result, (int)i, times[i],
                    (char *)&row + kind->columns[i].offset);
    return snapshot_add(reading->snapshot, reading->kind, &row, err);
}

static enum mu_status read_rows(struct mu_pg *pg, struct snapshot *snapshot, struct mu_error *err)
{
    static const enum statement statements_of[SNAPSHOT_ROWS_COUNT] = {
            [SNAPSHOT_INVENTORY] = STATEMENT_INVENTORY,
            [SNAPSHOT_INSTANCES] = STATEMENT_INSTANCES,
            [SNAPSHOT_NOT_RUNNING] = STATEMENT_NOT_RUNNING,
            [SNAPSHOT_TOTALS] = STATEMENT_TOTALS,
            [SNAPSHOT_ORIGINALS] = STATEMENT_ORIGINALS,
            [SNAPSHOT_FINDINGS] = STATEMENT_FINDINGS,
            [SNAPSHOT_CLOSED] = STATEMENT_CLOSED,
            [SNAPSHOT_DEVIATIONS] = STATEMENT_DEVIATIONS,
            [SNAPSHOT_FAILURES] = STATEMENT_FAILURES,
            [SNAPSHOT_SOURCES] = STATEMENT_SOURCES,
            [SNAPSHOT_QUARANTINE] = STATEMENT_QUARANTINE,
            [SNAPSHOT_LEDGER] = STATEMENT_LEDGER,
            [SNAPSHOT_DESCRIPTIONS] = STATEMENT_NONE,
            [SNAPSHOT_ISSUES] = STATEMENT_NONE,
            [SNAPSHOT_SCANS] = STATEMENT_NONE};
    enum { VALUES = 3 };
    char since[MU_TIME_TEXT_SIZE], as_of[MU_TIME_TEXT_SIZE], known_at[MU_TIME_TEXT_SIZE];
    const char *values[VALUES] = {since, as_of, known_at}; /* a statement takes the last it needs */
    enum mu_status st = MU_OK;

    mu_time_format(snapshot_instants(snapshot)->month_begin_us, since);
    mu_time_format(snapshot_instants(snapshot)->as_of_us, as_of);
    mu_time_format(snapshot_instants(snapshot)->known_at_us, known_at);
    for (int kind = 0; st == MU_OK && kind < SNAPSHOT_ROWS_COUNT; kind++) {
        struct reading reading = {snapshot, (enum snapshot_rows)kind};

        if (statements_of[kind] == STATEMENT_NONE)
            continue;
        st = mu_pg_stream(pg, (int)statements_of[kind],
                          values + VALUES - statements[statements_of[kind]].parameter_count,
                          keep_row, &reading, err);
    }
    return st;
}

/*
 * The instants spoken of: neither is later than what is known for good, so that the answer does not
 * move, and a run with --known-at of the manifest asks the very same question.
 */
static enum mu_status read_horizon(struct mu_pg *pg, const struct snapshot_question *question,
                                   const char *known_at, struct snapshot_instants *ret_instants,
                                   struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    const char *values[] = {known_at};
    int64_t horizon_us;
    enum mu_status st;

    st = mu_pg_execute(pg, STATEMENT_HORIZON, values, &result, err);
    if (st != MU_OK)
        return st;
    if (mu_pg_rows(result) == 0 || mu_pg_null(result, 0, 0))
        return mu_fail(err, MU_E_NOT_FOUND, "the database holds no events yet");
    horizon_us = mu_pg_time_us(result, 0, 0);
    if (horizon_us < question->month_begin_us)
        return mu_fail(err, MU_E_NOT_FOUND, "no fact reaches into that month yet");
    ret_instants->month_begin_us = question->month_begin_us;
    ret_instants->as_of_us = question->month_end_us - 1;
    if (horizon_us < ret_instants->as_of_us)
        ret_instants->as_of_us = horizon_us;
    ret_instants->known_at_us = horizon_us;
    if (question->known_at_us != MU_TIME_NONE && question->known_at_us < horizon_us)
        ret_instants->known_at_us = question->known_at_us;
    return MU_OK;
}

static enum mu_status read_all(struct mu_pg *pg, const struct snapshot_question *question,
                               struct snapshot **ret_snapshot, struct mu_error *err)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = NULL;
    struct snapshot_instants instants;
    char known_at[MU_TIME_TEXT_SIZE] = "infinity";
    enum mu_status st;

    if (question->known_at_us != MU_TIME_NONE)
        mu_time_format(question->known_at_us, known_at);
    st = read_horizon(pg, question, known_at, &instants, err);
    if (st == MU_OK)
        st = snapshot_new(&instants, &snapshot, err);
    if (st == MU_OK)
        st = read_rows(pg, snapshot, err);
    if (st != MU_OK)
        return st;
    *ret_snapshot = snapshot;
    snapshot = NULL;
    return MU_OK;
}

enum mu_status snapshot_read(const struct snapshot_question *question,
                             struct snapshot **ret_snapshot, struct mu_error *err)
{
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    enum mu_status st = mu_pg_open(question->conninfo, "muster-report", statements,
                                   sizeof(statements) / sizeof(statements[0]), &pg, err);

    if (st != MU_OK)
        return mu_wrap(err, "PostgreSQL");
    st = mu_pg_begin(pg, MU_PG_LONG_READ, err);
    if (st == MU_OK)
        st = read_all(pg, question, ret_snapshot, err);
    mu_pg_rollback(pg);
    return st == MU_OK ? MU_OK : mu_wrap(err, "snapshot");
}
