#include "lists/list_command.h"

#include "query/subject_names.h"

#include "base/memory.h"
#include "base/table.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEFAULT_LIMIT = 1000, ROW_MAX_BYTES = 256 * 1024, NUMBER_SIZE = 24 };

#define MEMBER(member) offsetof(struct list_command_config, member)
#define TEXT_OPTION(name, member, help)                               \
    {                                                                 \
        (name), MU_OPTION_TEXT, MEMBER(member), NULL, 0, 0, 0, (help) \
    }
#define COMMON_OPTIONS(valid_name, valid_help)                                               \
    {"postgres",                                                                             \
     MU_OPTION_TEXT,                                                                         \
     MEMBER(postgres),                                                                       \
     NULL,                                                                                   \
     0,                                                                                      \
     0,                                                                                      \
     MU_OPTION_REQUIRED,                                                                     \
     "connection string of the database"},                                                   \
            {"format",                                                                       \
             MU_OPTION_TEXT,                                                                 \
             MEMBER(format),                                                                 \
             "text",                                                                         \
             0,                                                                              \
             0,                                                                              \
             0,                                                                              \
             "text, or json: an array of objects with all columns"},                         \
            TEXT_OPTION(valid_name, valid_at, valid_help),                                   \
            TEXT_OPTION("known-at", known_at,                                                \
                        "instant of knowledge: what was learned later is left out "          \
                        "(default: now)"),                                                   \
    {                                                                                        \
        "limit", MU_OPTION_INT, MEMBER(limit), "1000", 0, 1000000000, 0, "most rows; 0: all" \
    }
#define VALID_OPTIONS COMMON_OPTIONS("valid-at", "instant to look at, RFC 3339 (default: now)")

const struct mu_option assets_options[ASSETS_OPTION_COUNT] = {
        VALID_OPTIONS,
        TEXT_OPTION("uai", filters[0], "this asset alone"),
        TEXT_OPTION("repository", filters[1], "assets of this repository"),
        TEXT_OPTION("digest", filters[2], "assets that have been this digest"),
        TEXT_OPTION("state", filters[4], "running or not_running"),
};
const struct mu_option instances_options[INSTANCES_OPTION_COUNT] = {
        VALID_OPTIONS,
        TEXT_OPTION("uai", filters[0], "of this asset"),
        TEXT_OPTION("digest", filters[1], "whose manifest, or what the runtime told, is this"),
        TEXT_OPTION("cluster", filters[2], "on this cluster"),
        TEXT_OPTION("namespace", filters[3], "in this namespace"),
        TEXT_OPTION("pod", filters[4], "of the pod with this name or uid"),
        TEXT_OPTION("node", filters[5], "on this node"),
        TEXT_OPTION("state", filters[6], "in this state of coverage: never_scanned, ..."),
};
const struct mu_option subject_options[SUBJECT_OPTION_COUNT] = {VALID_OPTIONS};
const struct mu_option diff_options[DIFF_OPTION_COUNT] = {
        COMMON_OPTIONS("to", "the later instant, RFC 3339 (default: now)"),
        {"from", MU_OPTION_TEXT, MEMBER(filters[0]), NULL, 0, 0, MU_OPTION_REQUIRED,
         "the earlier instant, RFC 3339; the two ends are compared: what ran only between "
         "them is in neither"},
};
const struct mu_option sources_options[SOURCES_OPTION_COUNT] = {
        VALID_OPTIONS,
        TEXT_OPTION("state", filters[0], "silent, speaking or removed"),
};
const struct mu_option failures_options[FAILURES_OPTION_COUNT] = {
        VALID_OPTIONS,
        TEXT_OPTION("state", filters[0], "open or closed"),
        TEXT_OPTION("code", filters[1], "failures with this code"),
        TEXT_OPTION("source", filters[2], "failures of this source"),
        TEXT_OPTION("digest", filters[3], "failures of this digest"),
};
const struct mu_option sample_options[SAMPLE_OPTION_COUNT] = {
        VALID_OPTIONS,
        {"seed", MU_OPTION_TEXT, MEMBER(filters[0]), NULL, 0, 0, MU_OPTION_REQUIRED,
         "any text: the same seed draws the same containers"},
        {"n", MU_OPTION_TEXT, MEMBER(filters[1]), NULL, 0, 0, MU_OPTION_REQUIRED,
         "how many containers, 1 to 1000; one of each asset before a second of any"},
};
const struct mu_option approvals_options[APPROVALS_OPTION_COUNT] = {
        VALID_OPTIONS,
        TEXT_OPTION("state", filters[0], "in_force, ended or replaced"),
        TEXT_OPTION("decision", filters[1], "approve, revoke or withdraw"),
        TEXT_OPTION("repository", filters[2], "of this repository"),
        TEXT_OPTION("digest", filters[3], "of this digest"),
        TEXT_OPTION("person", filters[4], "of this person"),
};
const struct mu_option decisions_options[DECISIONS_OPTION_COUNT] = {
        VALID_OPTIONS,
        TEXT_OPTION("image", filters[0], "on this image, as it was asked for"),
        TEXT_OPTION("digest", filters[1], "on this digest"),
        TEXT_OPTION("verdict", filters[2], "approved, rejected or waiting"),
        TEXT_OPTION("asked-by", filters[3], "of this asker"),
};
const struct mu_option gate_decisions_options[GATE_DECISIONS_OPTION_COUNT] = {
        VALID_OPTIONS,
        TEXT_OPTION("scope", filters[0], "by this scope of the gate's configuration"),
        TEXT_OPTION("reason", filters[1],
                    "with this reason: allowlisted, exempt, cache_away, rule_broken, ..."),
        TEXT_OPTION("allowed", filters[2], "true or false"),
        TEXT_OPTION("would-deny", filters[3],
                    "true: let in only because its scope warns; or false"),
        TEXT_OPTION("cluster", filters[4], "in this cluster"),
        TEXT_OPTION("namespace", filters[5], "in this namespace"),
        TEXT_OPTION("image", filters[6], "on this image, as it was asked for"),
        TEXT_OPTION("since", filters[7], "from this instant on, RFC 3339"),
};

/* ---- reading ---- */

struct reading {
    const struct list *list;
    const struct list_command_config *config;
    enum mu_format format;
    struct mu_table *table; /* NULL: JSON goes out row by row */
    char filters[LIST_MAX_FILTERS][LIST_TEXT_MAX_BYTES + 1];
    struct instants instants;
    const char *values[LIST_MAX_PARAMETERS];
    const char *alarm; /* a word of the filter state that makes the exit code 1, or NULL */
    uint64_t rows, alarms;
    bool more;
};

static enum mu_status check_filters(struct reading *reading, struct mu_error *err)
{
    char label[NUMBER_SIZE];

    for (size_t i = 0; i < reading->list->filter_count; i++) {
        const struct list_filter *filter = &reading->list->filters[i];
        const char *given = reading->config->filters[i];

        if (!given)
            continue;
        (void)snprintf(label, sizeof(label), "--%s", filter->name);
        if (list_filter_value(filter, label, given, reading->filters[i], err) != MU_OK)
            return err->status;
        reading->values[LIST_FIRST_FILTER + i] = reading->filters[i];
    }
    return MU_OK;
}

static enum mu_status print_row(struct reading *reading, const struct mu_pg_result *rows,
                                size_t row, struct mu_error *err)
{
    char times[LIST_MAX_COLUMNS][QUERY_TIME_SIZE];
    const char *cells[LIST_MAX_COLUMNS];
    MU_AUTO_DONE(mu_buf_done) struct mu_buf json;

    mu_buf_init(&json, ROW_MAX_BYTES);
    for (size_t i = 0; i < reading->list->column_count; i++) {
        cells[i] = list_cell(reading->list, rows, row, i, times[i]);
        if (reading->alarm && mu_text_equal(reading->list->columns[i].name, "state"))
            reading->alarms += mu_text_equal(cells[i], reading->alarm);
    }
    reading->rows++;
    if (reading->table) {
        mu_table_row(reading->table, cells);
        return MU_OK;
    }
    list_write_json(reading->list, rows, row, &json);
    if (mu_buf_status(&json, "a row", err) != MU_OK)
        return err->status;
    (void)printf("%s\n%s", reading->rows > 1 ? "," : "", json.data);
    return MU_OK;
}

/* One page after `key`; sets `*key`, owned, to the last one, or to NULL after the last page. */
static enum mu_status read_page(struct mu_pg *pg, struct reading *reading, char **key,
                                struct mu_error *err)
{
    uint64_t left = reading->config->limit > 0 ? (uint64_t)reading->config->limit - reading->rows
                                               : LIST_MAX_ROWS;
    uint64_t wanted = left < LIST_MAX_ROWS ? left : LIST_MAX_ROWS;
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    char limit[NUMBER_SIZE];
    enum mu_status st;
    size_t count;

    (void)snprintf(limit, sizeof(limit), "%llu", (unsigned long long)wanted + 1);
    reading->values[2] = *key;
    reading->values[3] = limit;
    st = mu_pg_execute(pg, (int)reading->list->query, reading->values, &rows, err);
    if (st != MU_OK)
        return st;
    count = mu_pg_rows(rows) > wanted ? (size_t)wanted : mu_pg_rows(rows);
    for (size_t row = 0; st == MU_OK && row < count; row++)
        st = print_row(reading, rows, row, err);
    reading->more = mu_pg_rows(rows) > count;
    free(*key);
    *key = reading->more && count > 0
                   ? mu_xstrdup(mu_pg_text(rows, count - 1, (int)reading->list->column_count))
                   : NULL;
    return st;
}

static bool is_full(const struct reading *reading)
{
    return reading->config->limit > 0 && reading->rows >= (uint64_t)reading->config->limit;
}

static enum mu_status read_list(struct mu_pg *pg, struct reading *reading, struct mu_error *err)
{
    MU_AUTO_FREE char *key = NULL;
    enum mu_status st = instants_ask(pg, reading->config->valid_at, reading->config->known_at,
                                     &reading->instants, err);

    reading->values[0] = reading->instants.valid_at;
    reading->values[1] = reading->instants.known_at;
    if (st == MU_OK && !reading->table)
        (void)fputs("[", stdout);
    do {
        if (st == MU_OK)
            st = read_page(pg, reading, &key, err);
    } while (st == MU_OK && key && !is_full(reading));
    if (st == MU_OK && reading->table)
        mu_table_end(reading->table);
    else if (st == MU_OK)
        (void)fputs("\n]\n", stdout);
    return st;
}

/* The place of the filter by state among the values. */
static size_t state_value(const struct list *list)
{
    size_t i = 0;

    while (!mu_text_equal(list->filters[i].name, "state"))
        i++;
    return LIST_FIRST_FILTER + i;
}

/* An alarm may be among the rows left out: the oldest failures come first. */
static enum mu_status look_for_alarm(struct mu_pg *pg, struct reading *reading,
                                     struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    size_t state;
    enum mu_status st;

    if (!reading->alarm || !reading->more || reading->alarms > 0)
        return MU_OK;
    state = state_value(reading->list);
    if (reading->values[state]) /* the rows left out are in that state too */
        return MU_OK;
    reading->values[2] = NULL;
    reading->values[3] = "1";
    reading->values[state] = reading->alarm;
    st = mu_pg_execute(pg, (int)reading->list->query, reading->values, &rows, err);
    if (st == MU_OK && mu_pg_rows(rows) > 0) {
        reading->alarms++;
        (void)fprintf(stderr, "some of them are %s: --state=%s lists those\n", reading->alarm,
                      reading->alarm);
    }
    return st;
}

/* ---- commands ---- */

static int failure(const struct mu_error *err, int code)
{
    (void)fprintf(stderr, "muster-inventory: %s\n", err->message);
    return code;
}

static struct mu_table *new_table(const struct list *list)
{
    const char *names[LIST_MAX_COLUMNS];

    for (size_t i = 0; i < list->short_columns; i++)
        names[i] = list->columns[i].name;
    return mu_table_new(names, list->short_columns);
}

/* Gives MU_EXIT_OK when it was printed. */
static int print_list(struct reading *reading)
{
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    MU_AUTO(table) struct mu_table *table = NULL;
    struct mu_error err;

    if (mu_format_parse(reading->config->format, &reading->format, &err) != MU_OK ||
        instants_check(reading->config->valid_at, reading->config->known_at, &err) != MU_OK ||
        check_filters(reading, &err) != MU_OK)
        return failure(&err, MU_EXIT_USAGE);
    if (reading->format == MU_FORMAT_TEXT) {
        table = new_table(reading->list);
        mu_table_begin(table, MU_FORMAT_TEXT, 0, stdout);
    }
    reading->table = table;
    if (inventory_query_open(reading->config->postgres, "muster-inventory", &pg, &err) != MU_OK ||
        read_list(pg, reading, &err) != MU_OK)
        return failure(&err, MU_EXIT_FAILURE);
    if (reading->more)
        (void)fprintf(stderr, "there are more rows: --limit=0 prints all of them\n");
    return look_for_alarm(pg, reading, &err) == MU_OK ? MU_EXIT_OK : failure(&err, MU_EXIT_FAILURE);
}

static int no_words(const char *command)
{
    (void)fprintf(stderr, "muster-inventory: %s takes options only\n", command);
    return MU_EXIT_USAGE;
}

static int run_list(enum list_id id, struct list_command_config *config, int argc,
                    const char *alarm, struct reading *ret_reading)
{
    if (argc > 0)
        return no_words(inventory_lists[id].name);
    *ret_reading = (struct reading){.list = &inventory_lists[id], .config = config, .alarm = alarm};
    return print_list(ret_reading);
}

static int run_subject(enum list_id id, struct list_command_config *config, int argc, char **argv,
                       const char *names)
{
    struct reading reading = {.list = &inventory_lists[id], .config = config};
    int code;

    if (argc != 1) {
        (void)fprintf(stderr,
                      "muster-inventory: %s takes one subject: muster-inventory %s "
                      "registry.example/app:1.0\n",
                      reading.list->name, reading.list->name);
        return MU_EXIT_USAGE;
    }
    config->filters[0] = mu_xstrdup(argv[0]);
    code = print_list(&reading);
    free((char *)(uintptr_t)config->filters[0]);
    config->filters[0] = NULL;
    if (code == MU_EXIT_OK && reading.rows == 0) {
        (void)fprintf(stderr, "nothing is known of '%s' at that instant: %s\n", argv[0], names);
        return MU_EXIT_DIFFERENCE;
    }
    return code;
}

int assets_command(void *config, int argc, char **argv)
{
    struct reading reading;

    (void)argv;
    return run_list(LIST_ASSETS, config, argc, NULL, &reading);
}

int instances_command(void *config, int argc, char **argv)
{
    struct reading reading;

    (void)argv;
    return run_list(LIST_INSTANCES, config, argc, NULL, &reading);
}

int history_command(void *config, int argc, char **argv)
{
    return run_subject(LIST_HISTORY, config, argc, argv, SUBJECT_NAMES);
}

int whowas_command(void *config, int argc, char **argv)
{
    return run_subject(LIST_WHOWAS, config, argc, argv, SUBJECT_NAMES ", a node or an owner");
}

int diff_command(void *config, int argc, char **argv)
{
    struct reading reading;
    int code = run_list(LIST_DIFF, config, argc, NULL, &reading);

    (void)argv;
    return code == MU_EXIT_OK && reading.rows > 0 ? MU_EXIT_DIFFERENCE : code;
}

int sources_command(void *config, int argc, char **argv)
{
    struct reading reading;
    int code = run_list(LIST_SOURCES, config, argc, "silent", &reading);

    (void)argv;
    return code == MU_EXIT_OK && reading.alarms > 0 ? MU_EXIT_DIFFERENCE : code;
}

int failures_command(void *config, int argc, char **argv)
{
    struct reading reading;
    int code = run_list(LIST_FAILURES, config, argc, "open", &reading);

    (void)argv;
    return code == MU_EXIT_OK && reading.alarms > 0 ? MU_EXIT_DIFFERENCE : code;
}

int sample_command(void *config, int argc, char **argv)
{
    struct reading reading;
    int code = run_list(LIST_SAMPLE, config, argc, NULL, &reading);

    (void)argv;
    return code == MU_EXIT_OK && reading.rows == 0 ? MU_EXIT_DIFFERENCE : code;
}

int approvals_command(void *config, int argc, char **argv)
{
    struct reading reading;

    (void)argv;
    return run_list(LIST_APPROVALS, config, argc, NULL, &reading);
}

int decisions_command(void *config, int argc, char **argv)
{
    struct reading reading;

    (void)argv;
    return run_list(LIST_DECISIONS, config, argc, NULL, &reading);
}

int gate_decisions_command(void *config, int argc, char **argv)
{
    struct reading reading;

    (void)argv;
    return run_list(LIST_GATE_DECISIONS, config, argc, NULL, &reading);
}
