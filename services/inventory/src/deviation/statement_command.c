#include "deviation/statement_command.h"

#include "deviation/statement_remote.h"
#include "query/instants.h"
#include "query/json_rows.h"
#include "query/table_rows.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/stop.h"
#include "base/table.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { LIST_COLUMNS_MAX = 12, LIST_FIRST_COLUMN = 2, EXPORT_RECORD_MAX_BYTES = 1024 * 1024 };

/* A verb, and the word of the field `record` it writes (NULL: the kind has no such field). */
struct statement_verb {
    const char *name, *record;
};

struct statement_program {
    enum statement_kind kind;
    const char *name;
    const struct mu_option *options;
    size_t option_count;
    const struct statement_verb *verbs; /* ends with a name of NULL */
    const char *columns[LIST_COLUMNS_MAX];
    size_t column_count;
};

struct call {
    const struct statement_program *program;
    const struct statement_config *config;
    struct mu_pg *pg;
    struct mu_arena *arena;
};

/* ---- one record ---- */

/* "adjusted_severity" is the option --adjusted-severity. */
static const char *option_value(const struct call *call, const char *field)
{
    for (size_t i = 0; i < call->program->option_count; i++) {
        const struct mu_option *option = &call->program->options[i];
        size_t at = 0;

        while (field[at] &&
               (field[at] == option->name[at] || (field[at] == '_' && option->name[at] == '-')))
            at++;
        if (!field[at] && !option->name[at]) {
            const void *member = (const char *)call->config + option->offset;

            return *(const char *const *)member;
        }
    }
    return NULL;
}

/* An error that begins with a field tells the option. */
static enum mu_status blame_option(const struct call *call, struct mu_error *err)
{
    size_t len = strcspn(err->message, ":");
    char message[MU_ERROR_MESSAGE_MAX];

    if (record_field_find(&statement_records[call->program->kind], err->message, len) ==
        statement_records[call->program->kind].field_count)
        return err->status;
    (void)snprintf(message, sizeof(message), "--%.500s", err->message);
    for (size_t i = 0; i < len + 2 && message[i]; i++)
        if (message[i] == '_')
            message[i] = '-';
    return mu_fail(err, err->status, "%s", message);
}

static enum mu_status add_record(const struct call *call, const char *word, struct mu_error *err)
{
    const struct record_kind *kind = &statement_records[call->program->kind];
    bool over_http = remote_is_wanted(&call->config->where);
    struct record record = {0};
    struct record_set set = {&record, 1};
    char now[MU_TIME_TEXT_SIZE];
    size_t wrong = 0;
    enum mu_status st;

    mu_time_format(mu_now_us(), now);
    for (size_t i = 0; i < kind->field_count; i++) {
        const char *name = kind->fields[i].name;

        record.values[i] = mu_text_equal(name, "record") ? word : option_value(call, name);
        if (!record.values[i] && mu_text_equal(name, "at"))
            record.values[i] = now;
        if (over_http && mu_text_equal(name, "by") && record.values[i])
            return mu_fail(err, MU_E_INVALID,
                           "--by is for --postgres: with --inventory-url who states it is whose "
                           "credentials they are");
        if (over_http && mu_text_equal(name, "by"))
            record.values[i] = "the caller"; /* not sent: the server knows who */
    }
    st = record_check(kind, call->arena, &record, err);
    if (st == MU_OK && over_http)
        st = statement_remote_state(&call->config->where, call->program->kind, &record, err);
    else if (st == MU_OK)
        st = statement_store_add(call->pg, call->program->kind, &set, &wrong, err);
    return st == MU_OK ? MU_OK : blame_option(call, err);
}

/* ---- files ---- */

static enum mu_status import_file(const struct call *call, const char *path, struct mu_error *err)
{
    const struct record_kind *kind = &statement_records[call->program->kind];
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct record_set set = {0};
    size_t wrong = SIZE_MAX;
    enum mu_status st;

    mu_buf_init(&text, RECORD_FILE_MAX_BYTES);
    st = mu_file_read(path, &text, err);
    if (st != MU_OK)
        return st;
    st = record_file_parse(kind, text.data, text.len, call->arena, &set, err);
    if (st == MU_OK) {
        st = statement_store_add(call->pg, call->program->kind, &set, &wrong, err);
        if (st == MU_E_CONFLICT && wrong < set.count)
            (void)record_blame(kind, &set.items[wrong], err);
    }
    if (st != MU_OK)
        return mu_wrap(err, "%s", path);
    (void)printf("%zu records\n", set.count);
    return MU_OK;
}

static enum mu_status print(struct mu_buf *text, struct mu_error *err)
{
    if (mu_buf_status(text, "a record", err) != MU_OK)
        return err->status;
    if (fwrite(text->data, 1, text->len, stdout) != text->len)
        return mu_fail(err, MU_E_UNAVAILABLE, "stdout cannot be written");
    mu_buf_reset(text);
    return MU_OK;
}

static enum mu_status print_record(void *opaque, const struct record *record, struct mu_error *err)
{
    struct record_writer *writer = opaque;

    record_write(writer, record);
    return print(writer->out, err);
}

static enum mu_status export_file(const struct call *call, struct mu_error *err)
{
    const char *format = call->config->format ? call->config->format : "csv";
    bool json = mu_text_equal(format, "json");
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct record_writer writer;
    enum mu_status st;

    mu_buf_init(&text, EXPORT_RECORD_MAX_BYTES);
    if (!json && !mu_text_equal(format, "csv"))
        return mu_fail(err, MU_E_INVALID, "--format=%s: expected csv or json", format);
    record_write_begin(&writer, &statement_records[call->program->kind],
                       json ? RECORD_JSON : RECORD_CSV, &text);
    st = statement_store_each(call->pg, call->program->kind, print_record, &writer, err);
    if (st != MU_OK)
        return st;
    record_write_end(&writer);
    st = print(&text, err);
    if (st == MU_OK && fflush(stdout) != 0)
        st = mu_fail(err, MU_E_UNAVAILABLE, "stdout cannot be written");
    return st;
}

/* ---- list ---- */

static enum mu_status list_all(const struct call *call, struct mu_error *err)
{
    const struct statement_program *program = call->program;
    const char *known_at = call->config->known_at;
    const struct table_rows rows = {program->columns, program->column_count, LIST_FIRST_COLUMN, 0};
    char valid[QUERY_TIME_SIZE], known[QUERY_TIME_SIZE] = "infinity";
    const char *values[] = {valid, known};
    int statement = STATEMENT_LIST_DEVIATION + (int)program->kind;
    enum mu_format format = MU_FORMAT_TEXT;
    size_t none = 0;
    enum mu_status st = instants_option("valid-at", call->config->valid_at, NULL, valid, err);

    if (st == MU_OK)
        st = instants_option("known-at", known_at, "infinity", known, err);
    if (st == MU_OK && call->config->format)
        st = mu_format_parse(call->config->format, &format, err);
    if (st == MU_OK && format == MU_FORMAT_JSON)
        return json_rows_print(call->pg, statement, values, stdout, &none, err);
    if (st == MU_OK)
        st = table_rows_print(call->pg, statement, values, &rows, stdout, NULL, err);
    return st;
}

/* ---- the commands ---- */

static enum mu_status run_verb(const struct call *call, int argc, char **argv, struct mu_error *err)
{
    const struct statement_verb *verb = call->program->verbs;

    for (; verb->name; verb++)
        if (mu_text_equal(verb->name, argv[0]) && argc == 1)
            return add_record(call, verb->record, err);
    if (!call->pg)
        return mu_fail(err, MU_E_INVALID,
                       "'%.64s' asks the database: give --postgres, or GET /v1/%s of the server",
                       argv[0], statement_records[call->program->kind].name);
    if (mu_text_equal(argv[0], "list") && argc == 1)
        return list_all(call, err);
    if (mu_text_equal(argv[0], "export") && argc == 1)
        return export_file(call, err);
    if (mu_text_equal(argv[0], "import"))
        return argc == 2 ? import_file(call, argv[1], err)
                         : mu_fail(err, MU_E_INVALID, "import takes one file");
    return mu_fail(err, MU_E_INVALID, "%s has no '%.64s'%s: see --help", call->program->name,
                   argv[0], argc > 1 ? " with arguments" : "");
}

static int exit_code(enum mu_status st)
{
    switch (st) {
    case MU_OK:
        return MU_EXIT_OK;
    case MU_E_CONFLICT:
        return MU_EXIT_DIFFERENCE;
    case MU_E_INVALID:
    case MU_E_LIMIT:
        return MU_EXIT_USAGE;
    default:
        return MU_EXIT_FAILURE;
    }
}

static int run(const struct statement_program *program, const void *config, int argc, char **argv)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(RECORD_ARENA_MAX_BYTES);
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct call call = {program, config, NULL, arena};
    struct mu_error err;
    enum mu_status st;

    if (argc == 0)
        st = mu_fail(&err, MU_E_INVALID, "%s does what? See --help", program->name);
    else
        st = remote_check(&call.config->where, &err);
    if (st == MU_OK && remote_is_wanted(&call.config->where))
        mu_stop_install(); /* while the server is away */
    else if (st == MU_OK)
        st = statement_store_open(call.config->where.postgres, &pg, &err);
    call.pg = pg;
    if (st == MU_OK)
        st = run_verb(&call, argc, argv, &err);
    if (st != MU_OK)
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
    return exit_code(st);
}

int deviation_command(void *config_struct, int argc, char **argv)
{
    static const struct statement_verb verbs[] = {{"add", "request"},
                                                  {"approve", "approve"},
                                                  {"reject", "reject"},
                                                  {"withdraw", "withdraw"},
                                                  {"check-in", "check_in"},
                                                  {"release", "release"},
                                                  {NULL, NULL}};
    static const struct statement_program program = {
            .kind = STATEMENT_DEVIATION,
            .name = "deviation",
            .options = deviation_options,
            .option_count = DEVIATION_OPTION_COUNT,
            .verbs = verbs,
            .columns = {"deviation", "state", "kind", "vulnerability", "asset", "detail",
                        "requested_by", "decided_by", "decided_at", "expires_at"},
            .column_count = 10};

    return run(&program, config_struct, argc, argv);
}

int hardening_command(void *config_struct, int argc, char **argv)
{
    static const struct statement_verb verbs[] = {
            {"add", "validate"}, {"withdraw", "withdraw"}, {NULL, NULL}};
    static const struct statement_program program = {
            .kind = STATEMENT_HARDENING,
            .name = "hardening",
            .options = hardening_options,
            .option_count = HARDENING_OPTION_COUNT,
            .verbs = verbs,
            .columns = {"asset", "state", "baseline", "validated_by", "validated_at", "digest",
                        "evidence", "expires_at"},
            .column_count = 8};

    return run(&program, config_struct, argc, argv);
}

int exposure_command(void *config_struct, int argc, char **argv)
{
    static const struct statement_verb verbs[] = {{"add", NULL}, {NULL, NULL}};
    static const struct statement_program program = {
            .kind = STATEMENT_EXPOSURE,
            .name = "exposure",
            .options = exposure_options,
            .option_count = EXPOSURE_OPTION_COUNT,
            .verbs = verbs,
            .columns = {"asset", "public", "at", "by", "evidence"},
            .column_count = 5};

    return run(&program, config_struct, argc, argv);
}

int ssvc_command(void *config_struct, int argc, char **argv)
{
    static const struct statement_verb verbs[] = {{"add", NULL}, {NULL, NULL}};
    static const struct statement_program program = {
            .kind = STATEMENT_SSVC,
            .name = "ssvc",
            .options = ssvc_options,
            .option_count = SSVC_OPTION_COUNT,
            .verbs = verbs,
            .columns = {"vulnerability", "automatable", "technical_impact", "at", "by", "evidence"},
            .column_count = 6};

    return run(&program, config_struct, argc, argv);
}

int exclusion_command(void *config_struct, int argc, char **argv)
{
    static const struct statement_verb verbs[] = {
            {"add", "exclude"}, {"withdraw", "withdraw"}, {NULL, NULL}};
    static const struct statement_program program = {
            .kind = STATEMENT_EXCLUSION,
            .name = "exclusion",
            .options = exclusion_options,
            .option_count = EXCLUSION_OPTION_COUNT,
            .verbs = verbs,
            .columns = {"asset", "state", "reason", "by", "from", "until", "withdrawn_by"},
            .column_count = 7};

    return run(&program, config_struct, argc, argv);
}

int move_command(void *config_struct, int argc, char **argv)
{
    static const struct statement_verb verbs[] = {
            {"add", "move"}, {"withdraw", "withdraw"}, {NULL, NULL}};
    static const struct statement_program program = {
            .kind = STATEMENT_MOVE,
            .name = "move",
            .options = move_options,
            .option_count = MOVE_OPTION_COUNT,
            .verbs = verbs,
            .columns = {"repository", "moved_to", "at", "by", "rationale", "evidence"},
            .column_count = 6};

    return run(&program, config_struct, argc, argv);
}
