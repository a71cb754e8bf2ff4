#include "explain/explain_command.h"

#include "query/instants.h"
#include "query/text_query.h"

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
};

enum { SECTION_MAX_COLUMNS = 8 };

struct section {
    const char *name, *title;
    enum inventory_query query;
    const char *columns[SECTION_MAX_COLUMNS];
};

static const struct section sections[] = {
        {"assets", "Assets", QUERY_EXPLAIN_ASSETS, {"asset", "asset_id", "tag", "known_since"}},
        {"tags", "Tags over time", QUERY_EXPLAIN_TAGS, {"tag", "digest", "from", "to"}},
        {"digests",
         "Digests",
         QUERY_EXPLAIN_DIGESTS,
         {"digest", "kind", "platform", "operating_system", "children"}},
        {"registry", "Registry", QUERY_EXPLAIN_REGISTRY, {"at", "state", "repository", "digest"}},
        {"scans",
         "Scans",
         QUERY_EXPLAIN_SCANS,
         {"finished", "outcome", "digest", "findings", "critical", "high", "evidence_or_failure"}},
        {"jobs",
         "Scan jobs",
         QUERY_EXPLAIN_JOBS,
         {"digest", "state", "reason", "attempts", "next_try", "failure"}},
        {"runs",
         "Where it ran",
         QUERY_EXPLAIN_RUNS,
         {"cluster", "namespace", "pod", "container", "digest", "started", "ended"}},
        {"coverage",
         "Coverage",
         QUERY_EXPLAIN_COVERAGE,
         {"pod", "container", "asset", "manifest", "state", "since", "expires", "reason"}},
        {"clocks",
         "Clocks and the events that set them",
         QUERY_EXPLAIN_CLOCKS,
         {"asset", "digest", "state", "set_at", "event_type", "event", "expires"}},
        {"findings",
         "Findings",
         QUERY_EXPLAIN_FINDINGS,
         {"severity", "vulnerability", "package", "version", "fixed_in"}},
        {"deviations",
         "Deviations",
         QUERY_EXPLAIN_DEVIATIONS,
         {"deviation", "state", "kind", "vulnerability", "asset", "moved_from", "expires"}},
        {"events",
         "Events behind it",
         QUERY_EXPLAIN_EVENTS,
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

static void print_section(const struct section *section, enum mu_format format, bool first,
                          const struct mu_table *table)
{
    if (format == MU_FORMAT_JSON) {
        (void)printf("%s\"%s\":", first ? "" : ",", section->name);
        mu_table_print(table, format, 0, stdout);
    } else if (mu_table_row_count(table) > 0) {
        (void)printf("%s\n", section->title);
        mu_table_print(table, format, 0, stdout);
        (void)putchar('\n');
    }
}

/* `values`: subject, known at, true by, instant of coverage. */
static enum mu_status explain(struct mu_pg *pg, const char *const *values, enum mu_format format,
                              size_t *ret_rows, struct mu_error *err)
{
    size_t rows = 0;

    (void)fputs(format == MU_FORMAT_JSON ? "{" : "", stdout);
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        size_t columns = column_count(&sections[i]);
        MU_AUTO(table) struct mu_table *table = mu_table_new(sections[i].columns, columns);
        enum mu_status st = text_query_fill(pg, sections[i].query, values, columns, table, err);

        if (st != MU_OK)
            return st;
        rows += mu_table_row_count(table);
        print_section(&sections[i], format, i == 0, table);
    }
    (void)fputs(format == MU_FORMAT_JSON ? "}\n" : "", stdout);
    *ret_rows = rows;
    return MU_OK;
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
    const char *values[] = {NULL, known_at, horizon, instant};
    enum mu_format format;
    struct mu_error err;
    size_t rows = 0;

    if (argc != 1) {
        (void)fprintf(stderr, "muster-inventory: explain takes one asset, digest or pod: "
                              "muster-inventory explain registry.example/app:1.0\n");
        return MU_EXIT_USAGE;
    }
    if (mu_format_parse(config->format, &format, &err) != MU_OK ||
        instants_option("known-at", config->known_at, "infinity", known_at, &err) != MU_OK ||
        instants_option("valid-at", config->valid_at, "infinity", horizon, &err) != MU_OK ||
        instants_option("valid-at", config->valid_at, NULL, instant, &err) != MU_OK)
        return failure(&err, MU_EXIT_USAGE);
    values[0] = argv[0];
    if (inventory_query_open(config->postgres, "muster-explain", &pg, &err) != MU_OK ||
        explain(pg, values, format, &rows, &err) != MU_OK)
        return failure(&err, MU_EXIT_FAILURE);
    if (rows == 0)
        (void)fprintf(stderr, "nothing is known of '%s'\n", argv[0]);
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
