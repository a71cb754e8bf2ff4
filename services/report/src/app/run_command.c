#include "app/run_command.h"

#include "bundle/bundle.h"
#include "snapshot/snapshot_read.h"
#include "system/system_file.h"

#include "base/clock.h"
#include "base/stop.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PROGRESS_EVERY = 100, EVIDENCE_RETRY_MS = 30000, SYSTEM_MAX_BYTES = 1024 * 1024 };

const struct mu_option run_options[RUN_OPTION_COUNT] = {
        {"month", MU_OPTION_TEXT, offsetof(struct run_config, month), NULL, 0, 0,
         MU_OPTION_REQUIRED, "calendar month of the package, YYYY-MM (UTC)"},
        {"system", MU_OPTION_TEXT, offsetof(struct run_config, system), NULL, 0, 0,
         MU_OPTION_REQUIRED, "YAML file with what only people know: name, baseline, diagram label"},
        {"out", MU_OPTION_TEXT, offsetof(struct run_config, out), NULL, 0, 0, MU_OPTION_REQUIRED,
         "folder to create; it must not exist"},
        {"postgres", MU_OPTION_TEXT, offsetof(struct run_config, postgres), NULL, 0, 0,
         MU_OPTION_REQUIRED, "connection string of the database; role muster_report suffices"},
        {"inventory-url", MU_OPTION_TEXT, offsetof(struct run_config, inventory_url),
         "http://127.0.0.1:8080", 0, 0, 0, "where the evidence API answers"},
        {"inventory-token", MU_OPTION_TEXT, offsetof(struct run_config, inventory_token), NULL, 0,
         0, MU_OPTION_SECRET, "bearer token with the role assessor"},
        {"known-at", MU_OPTION_TEXT, offsetof(struct run_config, known_at), NULL, 0, 0, 0,
         "leave out what was learned later, RFC 3339 time (default: everything known)"},
        {"previous", MU_OPTION_TEXT, offsetof(struct run_config, previous), NULL, 0, 0, 0,
         "numbers.json of earlier months, commas between: trend, and triggers that recur"},
};

static int usage(const struct mu_error *err)
{
    (void)fprintf(stderr, "muster-report: %s\n", err->message);
    return MU_EXIT_USAGE;
}

static int failure(const struct mu_error *err)
{
    (void)fprintf(stderr, "muster-report: %s\n", err->message);
    return MU_EXIT_FAILURE;
}

static void show_progress(size_t done, size_t total)
{
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r  raw scans %zu of %zu%s", done, total, done == total ? "\n" : "");
    else if (done % PROGRESS_EVERY == 0)
        (void)fprintf(stderr, "raw scans %zu of %zu\n", done, total);
}

static enum mu_status question_from(const struct run_config *config,
                                    struct snapshot_question *ret_question, struct mu_error *err)
{
    struct snapshot_question question = {.conninfo = config->postgres, .known_at_us = MU_TIME_NONE};
    enum mu_status st =
            mu_month_parse(config->month, &question.month_begin_us, &question.month_end_us, err);

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

static void print_result(const struct run_config *config, const struct snapshot *snapshot,
                         const struct bundle_counts *counts)
{
    char as_of[MU_TIME_TEXT_SIZE];

    mu_time_format(snapshot_instants(snapshot)->as_of_us, as_of);
    (void)printf("%s: as of %s\n"
                 "  %zu rows, %zu raw scans, %zu running containers, %zu assets with a coverage "
                 "gap\n",
                 config->out, as_of, counts->rows, counts->raw_scans, counts->containers,
                 counts->gaps);
}

int run_command(void *config_struct, int argc, char **argv)
{
    const struct run_config *config = config_struct;
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(SYSTEM_MAX_BYTES);
    struct snapshot_question question;
    MU_AUTO(snapshot) struct snapshot *snapshot = NULL;
    struct system_file *system = mu_arena_alloc(arena, sizeof(*system));
    struct bundle_counts counts;
    struct mu_error err;

    (void)argv;
    if (argc > 0)
        return usage(
                (mu_fail(&err, MU_E_INVALID, "run takes options only, not '%s'", argv[0]), &err));
    if (!system || question_from(config, &question, &err) != MU_OK ||
        system_file_read(config->system, arena, system, &err) != MU_OK)
        return usage(&err);
    mu_stop_install();
    if (snapshot_read(&question, &snapshot, &err) != MU_OK)
        return failure(&err);
    struct bundle_request request = {.folder = config->out,
                                     .month = config->month,
                                     .inventory_url = config->inventory_url,
                                     .inventory_token = config->inventory_token,
                                     .previous_numbers = config->previous,
                                     .retry_ms = EVIDENCE_RETRY_MS,
                                     .system = system,
                                     .snapshot = snapshot,
                                     .progress = show_progress};
    if (bundle_write(&request, &counts, &err) != MU_OK)
        return failure(&err);
    print_result(config, snapshot, &counts);
    return MU_EXIT_OK;
}
