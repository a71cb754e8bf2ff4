#include "app/numbers_command.h"

#include "bundle/layout.h"
#include "numbers/numbers_json.h"
#include "snapshot/snapshot_read.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/table.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { NUMBERS_MAX_BYTES = 16 * 1024 * 1024, NUMBERS_PATH_SIZE = 4096 };

const struct mu_option numbers_options[NUMBERS_OPTION_COUNT] = {
        {"month", MU_OPTION_TEXT, offsetof(struct numbers_config, month), NULL, 0, 0, 0,
         "without DIR: calendar month, YYYY-MM (UTC)"},
        {"system", MU_OPTION_TEXT, offsetof(struct numbers_config, system), NULL, 0, 0, 0,
         "without DIR: the system file, as for run"},
        {"postgres", MU_OPTION_TEXT, offsetof(struct numbers_config, postgres), NULL, 0, 0, 0,
         "without DIR: connection string of the database; role muster_report suffices"},
        {"known-at", MU_OPTION_TEXT, offsetof(struct numbers_config, known_at), NULL, 0, 0, 0,
         "leave out what was learned later, RFC 3339 time (default: everything known)"},
        {"previous", MU_OPTION_TEXT, offsetof(struct numbers_config, previous), NULL, 0, 0, 0,
         "numbers.json of earlier months, commas between: triggers that recur"},
        {"format", MU_OPTION_TEXT, offsetof(struct numbers_config, format), "text", 0, 0, 0,
         "text, or json: the document of schema muster.numbers.v1"},
};

static enum mu_status of_folder(const char *folder, json_t **ret_root, struct mu_error *err)
{
    char path[NUMBERS_PATH_SIZE];

    if (snprintf(path, sizeof(path), "%s/%s", folder, BUNDLE_NUMBERS) >= (int)sizeof(path))
        return mu_fail(err, MU_E_LIMIT, "path '%s' is too long", folder);
    return numbers_json_read(path, ret_root, err);
}

static enum mu_status question_of(const struct numbers_config *config,
                                  struct snapshot_question *ret_question, struct mu_error *err)
{
    struct snapshot_question question = {.conninfo = config->postgres, .known_at_us = MU_TIME_NONE};
    enum mu_status st;

    if (!config->month || !config->system || !config->postgres)
        return mu_fail(
                err, MU_E_INVALID,
                "numbers takes the folder of a package, or --month, --system and --postgres");
    st = mu_month_parse(config->month, &question.month_begin_us, &question.month_end_us, err);
    if (st != MU_OK)
        return mu_wrap(err, "--month");
    if (config->known_at) {
        st = mu_time_parse(config->known_at, strlen(config->known_at), &question.known_at_us, err);
        if (st != MU_OK)
            return mu_wrap(err, "--known-at");
    }
    *ret_question = question;
    return MU_OK;
}

/* Without the raw scans: what only they tell is not known. */
static enum mu_status of_database(const struct numbers_config *config,
                                  const struct snapshot_question *question,
                                  const struct system_file *system, struct mu_arena *arena,
                                  json_t **ret_root, struct mu_error *err)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = NULL;
    struct numbers_request request = {.system = system, .month = config->month};
    struct numbers numbers;
    enum mu_status st = numbers_files_split(config->previous, arena, &request.previous, err);

    if (st == MU_OK)
        st = snapshot_read(question, &snapshot, err);
    request.snapshot = snapshot;
    if (st == MU_OK)
        st = numbers_compute(&request, arena, &numbers, err);
    return st == MU_OK ? numbers_to_json(&numbers, ret_root, err) : st;
}

static void print_text(const json_t *root)
{
    MU_AUTO(table) struct mu_table *all = mu_table_new(numbers_columns, NUMBERS_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *triggers = mu_table_new(triggers_columns, TRIGGERS_COLUMN_COUNT);

    numbers_json_tables(root, all, triggers);
    (void)printf("%s %s, as of %s; next submission as of %s\n\n",
                 mu_json_text_at(root, "system.name") ? mu_json_text_at(root, "system.name") : "",
                 mu_json_text_at(root, "month"),
                 mu_json_text_at(root, "as_of") ? mu_json_text_at(root, "as_of") : "?",
                 mu_json_text_at(root, "next_submission") ? mu_json_text_at(root, "next_submission")
                                                          : "?");
    mu_table_print(triggers, MU_FORMAT_TEXT, 0, stdout);
    (void)printf("\n");
    mu_table_print(all, MU_FORMAT_TEXT, 0, stdout);
}

static int print_json(const json_t *root)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct mu_error err;

    mu_buf_init(&text, NUMBERS_MAX_BYTES);
    if (mu_json_print(root, &text, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-report: %s\n", err.message);
        return MU_EXIT_FAILURE;
    }
    (void)printf("%s\n", text.data);
    return MU_EXIT_OK;
}

static int print(const json_t *root, enum mu_format format)
{
    if (format == MU_FORMAT_JSON)
        return print_json(root);
    print_text(root);
    return MU_EXIT_OK;
}

static int failed(const struct mu_error *err, int code)
{
    (void)fprintf(stderr, "muster-report: %s\n", err->message);
    return code;
}

static int print_of_database(const struct numbers_config *config, enum mu_format format)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(NUMBERS_MAX_BYTES);
    struct system_file *system = mu_arena_alloc(arena, sizeof(*system));
    struct snapshot_question question;
    json_auto_t *root = NULL;
    struct mu_error err;

    if (!system || question_of(config, &question, &err) != MU_OK ||
        system_file_read(config->system, arena, system, &err) != MU_OK)
        return failed(&err, MU_EXIT_USAGE);
    mu_stop_install();
    if (of_database(config, &question, system, arena, &root, &err) != MU_OK)
        return failed(&err, MU_EXIT_FAILURE);
    return print(root, format);
}

int numbers_command(void *config_struct, int argc, char **argv)
{
    const struct numbers_config *config = config_struct;
    json_auto_t *root = NULL;
    enum mu_format format;
    struct mu_error err;

    if (mu_format_parse(config->format, &format, &err) != MU_OK)
        return failed((mu_wrap(&err, "--format"), &err), MU_EXIT_USAGE);
    if (argc > 1)
        return failed(
                (mu_fail(&err, MU_E_INVALID, "numbers takes one folder, not '%s' too", argv[1]),
                 &err),
                MU_EXIT_USAGE);
    if (argc == 0)
        return print_of_database(config, format);
    if (of_folder(argv[0], &root, &err) != MU_OK)
        return failed(&err, err.status == MU_E_NOT_FOUND ? MU_EXIT_USAGE : MU_EXIT_FAILURE);
    return print(root, format);
}
