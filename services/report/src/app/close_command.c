#include "app/close_command.h"

#include "app/completeness_print.h"
#include "app/exit_codes.h"
#include "app/month_option.h"
#include "app/progress.h"
#include "close/month_close.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/table.h"
#include "base/text.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVIDENCE_RETRY_MS = 30000, NAME_SIZE = 160 };

/* ---- options ---- */

#define C(member) offsetof(struct close_config, member)
#define TEXT(name, member, default_, flags, help)                      \
    {                                                                  \
        name, MU_OPTION_TEXT, C(member), default_, 0, 0, (flags), help \
    }
#define FLAG(name, member, help)                                \
    {                                                           \
        name, MU_OPTION_BOOL, C(member), "false", 0, 0, 0, help \
    }

#define MONTH_OPTION                               \
    TEXT("month", month, NULL, MU_OPTION_REQUIRED, \
         "calendar month, YYYY-MM (UTC), or 'last': the one before the present one")
#define STORE_OPTION                               \
    TEXT("store", store, NULL, MU_OPTION_REQUIRED, \
         "folder of the closed months; it is made when it is not there")
#define SYSTEM_OPTION                                \
    TEXT("system", system, NULL, MU_OPTION_REQUIRED, \
         "YAML file with what only people know: muster-report check SYSTEM")
#define POSTGRES_OPTION                                  \
    TEXT("postgres", postgres, NULL, MU_OPTION_REQUIRED, \
         "connection string of the database; role muster_report suffices")
#define URL_OPTION                                                   \
    TEXT("inventory-url", inventory_url, "http://127.0.0.1:8080", 0, \
         "where the evidence API answers")
#define TOKEN_OPTION                                                 \
    TEXT("inventory-token", inventory_token, NULL, MU_OPTION_SECRET, \
         "bearer token with the role assessor")
#define KNOWN_AT_OPTION                 \
    TEXT("known-at", known_at, NULL, 0, \
         "leave out what was learned later, RFC 3339 time (default: everything known)")
#define ACCEPT_OPTION                            \
    FLAG("accept-incomplete", accept_incomplete, \
         "close although something rejects; needs --reason, which close.json keeps")
#define DRY_RUN_OPTION \
    FLAG("dry-run", dry_run, "check and say what would be done; writes nothing, needs no lock")
#define FORMAT_OPTION TEXT("format", format, "text", 0, "text, or json: one object")

const struct mu_option close_options[CLOSE_OPTION_COUNT] = {
        MONTH_OPTION,
        STORE_OPTION,
        SYSTEM_OPTION,
        POSTGRES_OPTION,
        URL_OPTION,
        TOKEN_OPTION,
        KNOWN_AT_OPTION,
        TEXT("by", by, NULL, 0, "who closes, for close.json (default: the user that runs this)"),
        TEXT("reason", reason, NULL, 0, "why an incomplete month is closed"),
        FLAG("early", early, "close a month that is not over, as it stands now"),
        ACCEPT_OPTION,
        DRY_RUN_OPTION,
        FORMAT_OPTION,
};

const struct mu_option reopen_options[REOPEN_OPTION_COUNT] = {
        MONTH_OPTION,
        STORE_OPTION,
        SYSTEM_OPTION,
        POSTGRES_OPTION,
        URL_OPTION,
        TOKEN_OPTION,
        KNOWN_AT_OPTION,
        TEXT("by", by, NULL, MU_OPTION_REQUIRED, "who amends, for close.json"),
        TEXT("reason", reason, NULL, MU_OPTION_REQUIRED, "why the month is amended"),
        ACCEPT_OPTION,
        DRY_RUN_OPTION,
        FORMAT_OPTION,
};

const struct mu_option check_month_options[CHECK_MONTH_OPTION_COUNT] = {
        MONTH_OPTION,
        TEXT("store", store, NULL, 0,
             "check the month as it was closed there; then no database is asked"),
        {"revision", MU_OPTION_INT, C(revision), "0", 0, CLOSE_REVISION_MAX, 0,
         "with --store: that revision (default: the newest)"},
        TEXT("system", system, NULL, 0, "as for close; with --store the stored one is taken"),
        TEXT("postgres", postgres, NULL, 0,
             "connection string of the database; role muster_report suffices"),
        URL_OPTION,
        TOKEN_OPTION,
        KNOWN_AT_OPTION,
        FORMAT_OPTION,
};

/* ---- results ---- */

static int complain_of(int code, const char *message)
{
    (void)fprintf(stderr, "muster-report: %s\n", message);
    return code;
}

struct report {
    const char *month;
    const struct completeness *completeness;
    const struct snapshot_instants *instants;
    const struct close_result *result; /* NULL: check-month */
    const char *store;
    enum close_outcome outcome;
    bool amend;
};

static const char *outcome_name(const struct report *report)
{
    static const char *const names[] = {[CLOSE_DONE] = "closed",
                                        [CLOSE_WOULD] = "would_close",
                                        [CLOSE_INCOMPLETE] = "incomplete"};

    if (!report->result)
        return completeness_count(report->completeness, COMPLETENESS_REJECTS) > 0 ? "incomplete"
                                                                                  : "complete";
    return names[report->outcome];
}

static void print_json(const struct report *report)
{
    const struct month_close *close = report->result ? report->result->close : NULL;
    char as_of[MU_TIME_TEXT_SIZE], known_at[MU_TIME_TEXT_SIZE];
    json_t *root;
    char *text;

    mu_time_format(report->instants->as_of_us, as_of);
    mu_time_format(report->instants->known_at_us, known_at);
    root = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "month", report->month, "outcome",
                     outcome_name(report), "as_of", as_of, "known_at", known_at, "rejects",
                     (json_int_t)completeness_count(report->completeness, COMPLETENESS_REJECTS),
                     "warns",
                     (json_int_t)completeness_count(report->completeness, COMPLETENESS_WARNS),
                     "checks", completeness_to_json(report->completeness));
    if (close)
        (void)json_object_set_new(root, "close",
                                  json_pack("{s:I, s:I, s:s, s:s}", "revision",
                                            (json_int_t)close->record.revision, "serial",
                                            (json_int_t)close->record.serial, "sha256",
                                            close->sha256, "folder", close->folder));
    text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
    (void)printf("%s\n", text ? text : "{}");
    free(text);
    json_decref(root);
}

static void print_close(const struct report *report)
{
    const struct close_result *result = report->result;

    if (report->outcome == CLOSE_DONE)
        (void)printf("\n%s is closed: revision %lld, number %lld of the store, in %s\n"
                     "  close.json %s\n",
                     report->month, (long long)result->close->record.revision,
                     (long long)result->close->record.serial, result->close->folder,
                     result->close->sha256);
    if (report->outcome == CLOSE_WOULD)
        (void)printf("\nDry run: %s would be closed as revision %lld. Nothing was written.\n",
                     report->month, (long long)result->revision);
    if (result->resting > 0)
        (void)printf(
                "%zu close%s of later months rest%s on the revision before this amendment, and "
                "stay as they are:\n  tell those who have them, or reopen them too.\n",
                result->resting, result->resting == 1 ? "" : "s", result->resting == 1 ? "s" : "");
    if (report->outcome == CLOSE_INCOMPLETE)
        (void)printf("\n%s is not closed: mend what rejects, or accept it with "
                     "--accept-incomplete --reason=...\n",
                     report->month);
}

static void print_text(const struct report *report)
{
    const size_t rejects = completeness_count(report->completeness, COMPLETENESS_REJECTS);
    const size_t warns = completeness_count(report->completeness, COMPLETENESS_WARNS);
    char as_of[MU_TIME_TEXT_SIZE], known_at[MU_TIME_TEXT_SIZE];

    mu_time_format(report->instants->as_of_us, as_of);
    mu_time_format(report->instants->known_at_us, known_at);
    (void)printf("%s as of %s, as known at %s\n%zu would get the package rejected, %zu warn\n",
                 report->month, as_of, known_at, rejects, warns);
    if (rejects + warns > 0) {
        (void)printf("\n");
        completeness_print(report->completeness, stdout);
    }
    if (report->result)
        print_close(report);
}

static void print_report(const struct report *report, enum mu_format format)
{
    if (format == MU_FORMAT_JSON)
        print_json(report);
    else
        print_text(report);
}

/* ---- close and reopen ---- */

static const char *who_runs(char name[NAME_SIZE])
{
    const struct passwd *user = getpwuid(getuid()); // NOLINT(concurrency-mt-unsafe): one thread

    if (user && user->pw_name)
        (void)snprintf(name, NAME_SIZE, "%s", user->pw_name);
    else
        (void)snprintf(name, NAME_SIZE, "user %lu", (unsigned long)getuid());
    return name;
}

static bool text_is_wrong(const char *text, size_t max_characters)
{
    const size_t len = text ? strlen(text) : 0;

    return len > 0 && (!mu_utf8_valid(text, len) || mu_utf8_count(text, len) > max_characters);
}

static enum mu_status check_options(const struct close_config *config, struct mu_error *err)
{
    if (config->accept_incomplete && !(config->reason && *config->reason))
        return mu_fail(err, MU_E_INVALID,
                       "--accept-incomplete: needs --reason, which close.json keeps");
    if (text_is_wrong(config->by, CLOSE_NAME_MAX))
        return mu_fail(err, MU_E_INVALID, "--by: must be UTF-8 of at most %d characters",
                       CLOSE_NAME_MAX);
    if (text_is_wrong(config->reason, CLOSE_TEXT_MAX))
        return mu_fail(err, MU_E_INVALID, "--reason: must be UTF-8 of at most %d characters",
                       CLOSE_TEXT_MAX);
    return MU_OK;
}

static enum mu_status request_from(const struct close_config *config, char month[MONTH_SIZE],
                                   struct close_request *ret_request, enum mu_format *ret_format,
                                   struct mu_error *err)
{
    struct close_request *request = ret_request;
    enum mu_status st = mu_format_parse(config->format, ret_format, err);

    if (st != MU_OK)
        return mu_wrap(err, "--format");
    st = check_options(config, err);
    if (st == MU_OK)
        st = month_option(config->month, config->known_at, month, &request->question, err);
    if (st != MU_OK)
        return st;
    request->store = config->store;
    request->month = month;
    request->system_path = config->system;
    request->question.conninfo = config->postgres;
    request->source = (struct evidence_source){.inventory_url = config->inventory_url,
                                               .token = config->inventory_token,
                                               .retry_ms = EVIDENCE_RETRY_MS};
    request->early = config->early;
    request->dry_run = config->dry_run;
    request->by = config->by;
    request->reason = config->reason;
    request->accepted_reason = config->accept_incomplete ? config->reason : NULL;
    request->stage = progress_stage;
    request->progress = progress_raw_scans;
    return MU_OK;
}

static int close_or_amend(const struct close_config *config, bool amend, int argc, char **argv)
{
    static const int codes[] = {[CLOSE_DONE] = MU_EXIT_OK,
                                [CLOSE_WOULD] = MU_EXIT_OK,
                                [CLOSE_INCOMPLETE] = MU_EXIT_DIFFERENCE,
                                [CLOSE_ALREADY] = REPORT_EXIT_CLOSED,
                                [CLOSE_BUSY] = REPORT_EXIT_BUSY,
                                [CLOSE_WRONG] = MU_EXIT_USAGE,
                                [CLOSE_FAILED] = MU_EXIT_FAILURE};
    struct close_request request = {.amend = amend};
    char month[MONTH_SIZE], name[NAME_SIZE];
    struct close_result result;
    enum close_outcome outcome;
    enum mu_format format;
    struct mu_error err;

    if (argc > 0)
        return complain_of(MU_EXIT_USAGE,
                           (mu_fail(&err, MU_E_INVALID, "it takes options only, not '%s'", argv[0]),
                            err.message));
    if (request_from(config, month, &request, &format, &err) != MU_OK)
        return complain_of(MU_EXIT_USAGE, err.message);
    if (!request.by || !*request.by)
        request.by = who_runs(name);
    mu_stop_install();
    outcome = month_close(&request, &result, &err);
    if (outcome <= CLOSE_INCOMPLETE) {
        const struct report report = {month,   result.completeness, &result.instants,
                                      &result, config->store,       outcome,
                                      amend};

        print_report(&report, format);
    } else {
        (void)complain_of(codes[outcome], err.message);
    }
    close_result_done(&result);
    return codes[outcome];
}

int close_command(void *config_struct, int argc, char **argv)
{
    return close_or_amend(config_struct, false, argc, argv);
}

int reopen_command(void *config_struct, int argc, char **argv)
{
    return close_or_amend(config_struct, true, argc, argv);
}

/* ---- check-month ---- */

static int check_closed(const struct close_config *config, const char *month, enum mu_format format)
{
    MU_AUTO(month_store) struct month_store *store = NULL;
    MU_AUTO(closed_month) struct closed_month *closed = NULL;
    MU_AUTO(completeness) struct completeness *completeness = NULL;
    struct report report = {.month = month};
    struct mu_error err;
    enum mu_status st = month_store_open(config->store, &store, &err);

    if (st == MU_OK)
        st = month_store_load(store, month, config->revision, &closed, &err);
    if (st == MU_OK)
        st = completeness_check(closed->snapshot, &closed->system, &completeness, &err);
    if (st != MU_OK)
        return complain_of(st == MU_E_NOT_FOUND ? MU_EXIT_USAGE : MU_EXIT_FAILURE, err.message);
    report.completeness = completeness;
    report.instants = snapshot_instants(closed->snapshot);
    print_report(&report, format);
    return completeness_count(completeness, COMPLETENESS_REJECTS) > 0 ? MU_EXIT_DIFFERENCE
                                                                      : MU_EXIT_OK;
}

static int check_present(const struct close_request *request, enum mu_format format)
{
    struct close_result result;
    struct mu_error err;
    enum close_outcome outcome = month_close(request, &result, &err);
    int code = outcome == CLOSE_WRONG ? MU_EXIT_USAGE : MU_EXIT_FAILURE;

    if (outcome <= CLOSE_INCOMPLETE) {
        const struct report report = {.month = request->month,
                                      .completeness = result.completeness,
                                      .instants = &result.instants};

        print_report(&report, format);
        code = outcome == CLOSE_INCOMPLETE ? MU_EXIT_DIFFERENCE : MU_EXIT_OK;
    } else {
        (void)complain_of(code, err.message);
    }
    close_result_done(&result);
    return code;
}

int check_month_command(void *config_struct, int argc, char **argv)
{
    const struct close_config *config = config_struct;
    struct close_request request = {.amend = false};
    char month[MONTH_SIZE];
    enum mu_format format;
    struct mu_error err;

    (void)argv;
    if (argc > 0)
        return complain_of(MU_EXIT_USAGE, "check-month takes options only");
    if (request_from(config, month, &request, &format, &err) != MU_OK)
        return complain_of(MU_EXIT_USAGE, err.message);
    if (config->store)
        return check_closed(config, month, format);
    if (!config->postgres || !config->system)
        return complain_of(MU_EXIT_USAGE, "check-month needs --postgres and --system, or --store");
    request.dry_run = request.early = true;
    mu_stop_install();
    return check_present(&request, format);
}
