#include "explain/explain_command.h"

#include "query/instants.h"
#include "query/queries.h"
#include "query/subject_names.h"
#include "query/table_rows.h"

#include "base/table.h"
#include "base/text.h"

#include <stdio.h>

const struct mu_option explain_options[EXPLAIN_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, offsetof(struct explain_config, postgres), NULL, 0, 0,
         MU_OPTION_REQUIRED, "connection string of the database"},
        {"format", MU_OPTION_TEXT, offsetof(struct explain_config, format), "text", 0, 0, 0,
         "text, or json: an object with one array per section"},
        {"valid-at", MU_OPTION_TEXT, offsetof(struct explain_config, valid_at), NULL, 0, 0, 0,
         "leave out what was true only later, and judge coverage then, RFC 3339 (default: all, "
         "judged now)"},
        {"known-at", MU_OPTION_TEXT, offsetof(struct explain_config, known_at), NULL, 0, 0, 0,
         "what had been learned by then, RFC 3339 (default: all)"},
        {"limit", MU_OPTION_INT, offsetof(struct explain_config, limit), "100", 0, 1000000000, 0,
         "text: so many rows of each section, the last ones; 0: all"},
};

enum { SECTION_MAX_COLUMNS = 10 };

/* What a name stands for: the columns of EXPLAIN_SUBJECT. */
enum part { UAIS, DIGESTS, INSTANCES };

/* Of which instant a section tells. */
enum instant { TRUE_BY, COVERED_AT };

struct section {
    const char *name, *title;
    enum inventory_query query;
    enum part about;
    enum instant instant;
    const char *columns[SECTION_MAX_COLUMNS];
};

/* Of neighbours that have the same query its first column names the section of a row. */
static const struct section sections[] = {
        {"assets",
         "Assets",
         QUERY_EXPLAIN_ASSETS,
         UAIS,
         TRUE_BY,
         {"asset", "asset_id", "tag", "known_since"}},
        {"tags",
         "Tags over time",
         QUERY_EXPLAIN_TAGS,
         DIGESTS,
         TRUE_BY,
         {"tag", "digest", "from", "to"}},
        {"digests",
         "Digests",
         QUERY_EXPLAIN_DIGESTS,
         DIGESTS,
         TRUE_BY,
         {"digest", "kind", "platform", "operating_system", "children"}},
        {"registry",
         "Registry",
         QUERY_EXPLAIN_REGISTRY,
         DIGESTS,
         TRUE_BY,
         {"at", "state", "repository", "digest"}},
        {"scans",
         "Scans",
         QUERY_EXPLAIN_SCANS,
         DIGESTS,
         TRUE_BY,
         {"finished", "outcome", "digest", "scanner", "database", "database_built", "findings",
          "critical", "high", "evidence_or_failure"}},
        {"failures",
         "Detection failures",
         QUERY_EXPLAIN_FAILURES,
         DIGESTS,
         TRUE_BY,
         {"opened", "closed", "code", "repository", "digest", "attempts", "message"}},
        {"jobs",
         "Scan jobs",
         QUERY_EXPLAIN_JOBS,
         DIGESTS,
         TRUE_BY,
         {"digest", "state", "reason", "attempts", "next_try", "failure"}},
        {"runs",
         "Where it ran",
         QUERY_EXPLAIN_RUNS,
         INSTANCES,
         TRUE_BY,
         {"cluster", "namespace", "pod", "container", "digest", "started", "ended"}},
        {"coverage",
         "Coverage",
         QUERY_EXPLAIN_COVERAGE,
         INSTANCES,
         COVERED_AT,
         {"pod", "container", "asset", "manifest", "state", "since", "expires", "reason"}},
        {"clocks",
         "Clocks and the events that set them",
         QUERY_EXPLAIN_COVERAGE,
         INSTANCES,
         COVERED_AT,
         {"asset", "digest", "state", "set_at", "event_type", "event", "expires"}},
        {"findings",
         "Findings",
         QUERY_EXPLAIN_FINDINGS,
         DIGESTS,
         TRUE_BY,
         {"severity", "vulnerability", "package", "version", "fixed_in"}},
        {"deviations",
         "Deviations",
         QUERY_EXPLAIN_DEVIATIONS,
         UAIS,
         COVERED_AT,
         {"deviation", "state", "kind", "vulnerability", "asset", "moved_from", "expires"}},
        {"people",
         "What people said",
         QUERY_EXPLAIN_PEOPLE,
         UAIS,
         TRUE_BY,
         {"at", "what", "subject", "by", "until", "detail"}},
        {"events",
         "Events behind it",
         QUERY_EXPLAIN_EVENTS,
         DIGESTS,
         TRUE_BY,
         {"occurred", "type", "state", "source", "traceparent"}},
};
enum { SECTION_COUNT = sizeof(sections) / sizeof(sections[0]) };

static const enum inventory_query dumps[] = {
        QUERY_DUMP_LEDGER, QUERY_DUMP_ASSETS,   QUERY_DUMP_TAGS,     QUERY_DUMP_DIGESTS,
        QUERY_DUMP_EDGES,  QUERY_DUMP_REGISTRY, QUERY_DUMP_PODS,     QUERY_DUMP_RUNS,
        QUERY_DUMP_SCANS,  QUERY_DUMP_FINDINGS, QUERY_DUMP_COVERAGE, QUERY_DUMP_FAILURES,
};

static size_t column_count(const struct section *section)
{
    size_t count = 0;

    while (count < SECTION_MAX_COLUMNS && section->columns[count])
        count++;
    return count;
}

struct asked {
    const char *name, *known_at, *instants[COVERED_AT + 1];
    enum mu_format format;
    size_t limit; /* rows of a section; 0: all */
};

/* How many sections the query of this one answers. */
static size_t answered_by(size_t first)
{
    size_t count = 1;

    while (first + count < SECTION_COUNT && sections[first + count].query == sections[first].query)
        count++;
    return count;
}

/* Of one query: the sections one after the other, as their rows come. */
struct answer {
    const struct asked *asked;
    const struct section *section, *last; /* the one whose rows come; the query's last */
    bool is_named;                        /* a row's first column is its section's name */
    bool is_json, is_whole;               /* whole: rows are printed as they come */
    struct mu_table *table;
    size_t rows; /* of the sections that have ended */
};

static void begin_section(struct answer *answer)
{
    const struct section *section = answer->section;

    answer->table = mu_table_new(section->columns, column_count(section));
    if (answer->is_whole)
        mu_table_begin(answer->table, answer->asked->format, 0, stdout);
    else
        mu_table_keep_last(answer->table, answer->asked->limit);
    if (answer->is_json)
        (void)printf("%c\"%s\":", section == sections ? '{' : ',', section->name);
}

static void put_title(const struct answer *answer, size_t rows)
{
    if (answer->is_whole || rows <= answer->asked->limit)
        (void)puts(answer->section->title);
    else
        (void)printf("%s (the last %zu of %zu; --limit=0 prints all)\n", answer->section->title,
                     answer->asked->limit, rows);
}

/* Text tells nothing of a section without rows. */
static void end_section(struct answer *answer)
{
    size_t rows = mu_table_row_count(answer->table);

    if (!answer->is_whole && rows > 0) {
        put_title(answer, rows);
        mu_table_print(answer->table, answer->asked->format, 0, stdout);
    } else if (answer->is_json || rows > 0) {
        mu_table_end(answer->table);
    }
    if (!answer->is_json && rows > 0)
        (void)putchar('\n');
    answer->rows += rows;
    mu_table_free(answer->table);
    answer->table = NULL;
}

static void next_section(struct answer *answer)
{
    end_section(answer);
    answer->section++;
    begin_section(answer);
}

static enum mu_status add_row(void *opaque, const struct mu_pg_result *row, struct mu_error *err)
{
    struct answer *answer = opaque;

    (void)err;
    while (answer->is_named && answer->section < answer->last &&
           !mu_text_equal(mu_pg_text(row, 0, 0), answer->section->name))
        next_section(answer);
    if (answer->is_whole && !answer->is_json && mu_table_row_count(answer->table) == 0)
        put_title(answer, 0);
    table_rows_add(answer->table, column_count(answer->section), row, 0, answer->is_named);
    return MU_OK;
}

/* Asks once and prints `count` sections. */
static enum mu_status explain_sections(struct mu_pg *pg, const struct asked *asked,
                                       const struct section *first, size_t count,
                                       const char *const *values, size_t *rows,
                                       struct mu_error *err)
{
    bool is_json = asked->format == MU_FORMAT_JSON;
    struct answer answer = {.asked = asked,
                            .section = first,
                            .last = first + count - 1,
                            .is_named = count > 1,
                            .is_json = is_json,
                            .is_whole = is_json || asked->limit == 0};
    enum mu_status st;

    begin_section(&answer);
    st = mu_pg_stream(pg, (int)first->query, values, add_row, &answer, err);
    while (st == MU_OK && answer.section < answer.last)
        next_section(&answer);
    if (st == MU_OK)
        end_section(&answer);
    mu_table_free(answer.table); /* of a failure */
    *rows += answer.rows;
    return st;
}

/* One snapshot: no section knows what another does not. */
static enum mu_status explain(struct mu_pg *pg, const struct asked *asked, size_t *ret_rows,
                              struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    MU_AUTO(pg_result) struct mu_pg_result *subject = NULL;
    const char *name[] = {asked->name, asked->known_at};
    enum mu_status st = mu_pg_begin(transaction, MU_PG_LONG_READ, err);
    size_t rows = 0, count;

    if (st == MU_OK)
        st = mu_pg_execute(pg, QUERY_EXPLAIN_SUBJECT, name, &subject, err);
    for (size_t i = 0; st == MU_OK && i < SECTION_COUNT; i += count) {
        const char *values[] = {mu_pg_text(subject, 0, (int)sections[i].about), asked->known_at,
                                asked->instants[sections[i].instant],
                                mu_pg_text(subject, 0, INSTANCES), mu_pg_text(subject, 0, DIGESTS)};

        count = answered_by(i);
        st = explain_sections(pg, asked, &sections[i], count, values, &rows, err);
    }
    if (st == MU_OK && asked->format == MU_FORMAT_JSON)
        (void)fputs("}\n", stdout);
    if (st == MU_OK)
        *ret_rows = rows;
    return st;
}

static int failure(const struct mu_error *err, int code)
{
    (void)fprintf(stderr, "muster-inventory: %s\n", err->message);
    return code;
}

int explain_command(void *config_struct, int argc, char **argv)
{
    const struct explain_config *config = config_struct;
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    char known_at[QUERY_TIME_SIZE], horizon[QUERY_TIME_SIZE], instant[QUERY_TIME_SIZE];
    struct asked asked = {
            NULL, known_at, {horizon, instant}, MU_FORMAT_TEXT, (size_t)config->limit};
    struct mu_error err;
    size_t rows = 0;

    if (argc != 1) {
        (void)fprintf(stderr, "muster-inventory: explain takes one asset, digest or pod: "
                              "muster-inventory explain registry.example/app:1.0\n");
        return MU_EXIT_USAGE;
    }
    if (mu_format_parse(config->format, &asked.format, &err) != MU_OK ||
        instants_option("known-at", config->known_at, "infinity", known_at, &err) != MU_OK ||
        instants_option("valid-at", config->valid_at, "infinity", horizon, &err) != MU_OK ||
        instants_option("valid-at", config->valid_at, NULL, instant, &err) != MU_OK)
        return failure(&err, MU_EXIT_USAGE);
    asked.name = argv[0];
    if (inventory_query_open(config->postgres, "muster-explain", &pg, &err) != MU_OK ||
        explain(pg, &asked, &rows, &err) != MU_OK)
        return failure(&err, MU_EXIT_FAILURE);
    if (rows == 0)
        (void)fprintf(stderr, "nothing is known of '%s': " SUBJECT_NAMES "\n", argv[0]);
    return rows > 0 ? MU_EXIT_OK : MU_EXIT_DIFFERENCE;
}

static enum mu_status print_line(void *opaque, const struct mu_pg_result *row, struct mu_error *err)
{
    (void)opaque, (void)err;
    (void)puts(mu_pg_text(row, 0, 0));
    return MU_OK;
}

int dump_command(void *config_struct, int argc, char **argv)
{
    const struct explain_config *config = config_struct;
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct mu_error err;
    enum mu_status st;

    (void)argc, (void)argv;
    st = inventory_query_open(config->postgres, "muster-dump", &pg, &err);
    if (st == MU_OK)
        st = mu_pg_begin(pg, MU_PG_LONG_READ, &err);
    for (size_t i = 0; st == MU_OK && i < sizeof(dumps) / sizeof(dumps[0]); i++)
        st = mu_pg_stream(pg, (int)dumps[i], NULL, print_line, NULL, &err);
    if (pg)
        mu_pg_rollback(pg);
    return st == MU_OK ? MU_EXIT_OK : failure(&err, MU_EXIT_FAILURE);
}
