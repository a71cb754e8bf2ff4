#include "policy/pipeline_command.h"

#include "policy/ask.h"
#include "remote/remote.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTION(member) offsetof(struct pipeline_config, member)

enum {
    ARENA_BYTES = 256 * 1024 * 1024,
    PATH_MAX_BYTES = 16 * 1024,
    JOB_SIZE = 512,
    PAUSE_MAX_MS = 15000,
    PAUSE_SHARE = 10
};

const struct mu_option pipeline_options[PIPELINE_OPTION_COUNT] = {
        REMOTE_OPTIONS(OPTION(where)),
        {"wait", MU_OPTION_DURATION_MS, OPTION(wait_ms), "0", 0, 86400000, 0,
         "how long to wait for a scan, e.g. 10m"},
        {"poll", MU_OPTION_DURATION_MS, OPTION(poll_ms), "2s", 10, 3600000, 0,
         "shortest time between two looks while waiting; the server may ask for more"},
        {"by", MU_OPTION_TEXT, OPTION(by), NULL, 0, 0, 0,
         "which job asks, for the record (default: the job's address, as the CI system tells it)"},
        {"look", MU_OPTION_BOOL, OPTION(look), "false", 0, 0, 0,
         "only look: nothing is recorded, no scan asked for; whoever may read may do so"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text, json, sarif or junit"},
};

/* A question, and what came of it. */
struct question {
    const struct pipeline_config *config;
    const struct report_format *format;
    const char *by; /* NULL: nobody says */
    char job[JOB_SIZE];
    struct asked asked; /* by PostgreSQL */
    struct mu_arena *arena;
    struct mu_pg *pg;
    struct remote *remote; /* or over HTTP */
    enum verdict verdict;
    int64_t again_after_ms; /* what the server asks for */
    bool told;              /* that we wait */
    struct mu_buf report;
};

typedef enum mu_status ask_fn(struct question *question, bool waits, struct mu_error *err);

/* ---- who asks ---- */

/* Address of the running job, as GitLab, Jenkins, CircleCI and Buildkite tell it. */
static const char *const job_addresses[] = {"CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL",
                                            "BUILDKITE_BUILD_URL"};

/* NULL as well when it is longer than any that one would look up. */
static const char *variable(const char *name)
{
    const char *value = getenv(name); // NOLINT(concurrency-mt-unsafe): one thread

    return value && *value && strlen(value) < JOB_SIZE ? value : NULL;
}

/* What --by says, else what the CI system tells. */
static const char *find_job(const struct pipeline_config *config, char ret_job[JOB_SIZE])
{
    const char *server = variable("GITHUB_SERVER_URL"), *repository = variable("GITHUB_REPOSITORY"),
               *run = variable("GITHUB_RUN_ID");

    if (config->by && *config->by)
        return config->by;
    for (size_t i = 0; i < sizeof(job_addresses) / sizeof(job_addresses[0]); i++)
        if (variable(job_addresses[i]))
            return variable(job_addresses[i]);
    if (!server || !repository || !run)
        return NULL;
    (void)snprintf(ret_job, JOB_SIZE, "%s/%s/actions/runs/%s", server, repository, run);
    return ret_job;
}

/* ---- one look, by PostgreSQL ---- */

static enum mu_status ask_database(struct question *question, bool waits, struct mu_error *err)
{
    unsigned flags = waits ? ASK_WAITS : 0;
    struct report report;
    enum mu_status st = MU_OK;

    if (question->pg && !mu_pg_alive(question->pg)) {
        mu_pg_close(question->pg);
        question->pg = NULL;
    }
    if (!question->pg)
        st = policy_pg_open(question->config->where.postgres, &question->pg, err);
    mu_arena_reset(question->arena);
    if (question->config->look)
        flags = ASK_LOOKS;
    if (st == MU_OK)
        st = ask(&question->asked, question->pg, question->by ? question->by : "pipeline", flags,
                 question->arena, err);
    if (st != MU_OK)
        return st;
    report = asked_report(&question->asked);
    question->verdict = question->asked.assessment.judged.verdict;
    mu_buf_reset(&question->report);
    return question->format->write(&report, &question->report, err);
}

/* ---- one look, over HTTP ---- */

static enum mu_status write_path(const struct question *question, bool waits, struct mu_buf *path,
                                 struct mu_error *err)
{
    static const char kept[] = "/:@"; /* in a path and in a value of the query */

    mu_buf_puts(path, "/v1/verdicts/");
    mu_text_percent(question->asked.image, kept, path);
    if (question->config->look)
        return mu_buf_status(path, "the image", err);
    mu_buf_puts(path, waits ? "?wait=true" : "?wait=false");
    if (question->by) {
        mu_buf_puts(path, "&by=");
        mu_text_percent(question->by, kept, path);
    }
    return mu_buf_status(path, "the image and --by", err);
}

static enum mu_status ask_server(struct question *question, bool waits, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf path;
    struct remote_question asked = {.method = question->config->look ? "GET" : "POST",
                                    .accept = question->format->media_type};
    struct remote_answer answer;
    enum mu_status st;

    mu_buf_init(&path, PATH_MAX_BYTES);
    st = write_path(question, waits, &path, err);
    asked.path = path.data;
    if (st == MU_OK)
        st = remote_ask(question->remote, &asked, &question->report, &answer, err);
    if (st != MU_OK)
        return st;
    question->again_after_ms = answer.retry_after_ms;
    question->verdict = verdict_of_word(answer.verdict);
    return question->verdict != VERDICT_NONE ? MU_OK : remote_is_none(question->remote, err);
}

/* ---- until there is a verdict ---- */

/* No shorter than --poll and what the server asks for; the longer it takes, the longer. */
static int64_t pause_ms(const struct question *question, uint64_t began_ms, uint64_t ends_at_ms)
{
    uint64_t now_ms = mu_monotonic_ms(), left_ms = ends_at_ms > now_ms ? ends_at_ms - now_ms : 0;
    int64_t pause = (int64_t)(now_ms - began_ms) / PAUSE_SHARE;

    if (pause > PAUSE_MAX_MS)
        pause = PAUSE_MAX_MS;
    if (pause < question->config->poll_ms)
        pause = question->config->poll_ms;
    if (pause < question->again_after_ms)
        pause = question->again_after_ms;
    return (uint64_t)pause < left_ms ? pause : (int64_t)left_ms;
}

/* One line for whoever looks at a job that is silent. */
static void tell_waiting(struct question *question)
{
    if (!question->told)
        (void)fprintf(stderr,
                      "muster-inventory: no verdict on %.300s yet%s; waiting for at most %" PRId64
                      " s\n",
                      question->asked.image,
                      question->config->look ? "" : ", its scan is asked for with priority",
                      question->config->wait_ms / 1000);
    question->told = true;
}

/* A database or server that goes while we wait may come back. The last look is the decision. */
static enum mu_status wait_for_verdict(struct question *question, ask_fn *look,
                                       struct mu_error *err)
{
    uint64_t began_ms = mu_monotonic_ms(),
             ends_at_ms = began_ms + (uint64_t)question->config->wait_ms;

    for (;;) {
        bool waits = mu_monotonic_ms() < ends_at_ms && !mu_stop_requested();
        enum mu_status st = look(question, waits, err);
        bool again =
                st == MU_E_UNAVAILABLE || (st == MU_OK && question->verdict == VERDICT_WAITING);

        if (!waits || !again)
            return st;
        if (st == MU_OK)
            tell_waiting(question);
        (void)mu_stop_wait(pause_ms(question, began_ms, ends_at_ms));
    }
}

/* ---- the command ---- */

static int exit_code(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_APPROVED:
        return MU_EXIT_OK;
    case VERDICT_REJECTED:
        return MU_EXIT_DIFFERENCE;
    case VERDICT_WAITING:
        return PIPELINE_EXIT_WAITING;
    case VERDICT_NONE:
    case VERDICT_COUNT:
        break;
    }
    return MU_EXIT_FAILURE;
}

static int answer(struct question *question, struct mu_error *err)
{
    bool over_http = remote_is_wanted(&question->config->where);

    if (over_http && remote_open(&question->config->where, &question->remote, err) != MU_OK)
        return MU_EXIT_USAGE;
    if (wait_for_verdict(question, over_http ? ask_server : ask_database, err) != MU_OK)
        return MU_EXIT_FAILURE;
    (void)fwrite(question->report.data, 1, question->report.len, stdout);
    return exit_code(question->verdict);
}

static int run(struct question *question, const char *image)
{
    struct mu_error err;
    int code = MU_EXIT_USAGE;

    if (remote_check(&question->config->where, &err) == MU_OK &&
        ask_begin(image, &question->asked, &err) == MU_OK)
        code = answer(question, &err);
    if (code == MU_EXIT_USAGE || code == MU_EXIT_FAILURE)
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
    return code;
}

int pipeline_command(void *config_struct, int argc, char **argv)
{
    struct question question = {.config = config_struct};
    int code;

    question.format = report_format(question.config->format);
    if (argc != 1 || !question.format) {
        (void)fprintf(stderr, "muster-inventory: %s\n",
                      question.format
                              ? "gate takes one image: gate registry.example/app:1.0 --wait 10m"
                              : "format must be text, json, sarif or junit");
        return MU_EXIT_USAGE;
    }
    mu_stop_install();
    question.arena = mu_arena_new(ARENA_BYTES);
    mu_buf_init(&question.report, REPORT_MAX_BYTES);
    question.by = find_job(question.config, question.job);
    code = run(&question, argv[0]);
    mu_pg_close(question.pg);
    remote_free(question.remote);
    asked_done(&question.asked);
    mu_buf_done(&question.report);
    mu_arena_free(question.arena);
    return code;
}
