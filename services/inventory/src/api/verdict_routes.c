/* Whether an image may go on, for pipelines: one question, in the form that is asked for. */
#include "api/server.h"

#include "api/accept.h"
#include "api/question.h"
#include "policy/ask.h"
#include "store/metrics.h"

#include "base/text.h"

#include <string.h>

/* When to come again while a scan is on its way, in seconds: no scan takes less. */
static const char again_after[] = "2";

struct verdict_ask {
    struct asked asked;
    const char *by, *who, *key; /* who, by a key of his choice; NULL: by none */
    unsigned flags;
    struct mu_arena *arena;
};

static enum mu_status ask_verdict(void *opaque, struct mu_pg *pg, struct mu_error *err)
{
    struct verdict_ask *verdict = opaque;

    return ask(&verdict->asked, pg, verdict->by, verdict->flags, verdict->arena, err);
}

static int choose_form(const struct mu_request *request)
{
    const char *types[REPORT_FORMAT_COUNT];

    for (size_t i = 0; i < REPORT_FORMAT_COUNT; i++)
        types[i] = report_formats[i].media_type;
    return accept_choose(mu_request_header(request, "Accept"), types, REPORT_FORMAT_COUNT);
}

static void count(const struct asked *asked)
{
    static struct mu_metric *const metrics[VERDICT_COUNT] = {
            [VERDICT_APPROVED] = &metric_verdict_approved,
            [VERDICT_REJECTED] = &metric_verdict_rejected,
            [VERDICT_WAITING] = &metric_verdict_waiting};
    struct mu_metric *metric = metrics[asked->assessment.judged.verdict];

    if (asked->decision_id[0] && metric)
        mu_metric_add(metric, 1);
}

static void send_verdict(struct mu_request *request, const struct asked *asked,
                         const struct report_format *format)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    const struct report report = asked_report(asked);
    enum verdict verdict = asked->assessment.judged.verdict;
    const char *headers[] = {"Cache-Control",
                             "no-store",
                             "Vary",
                             "Accept, Authorization",
                             "Muster-Verdict",
                             verdict_word(verdict),
                             NULL,
                             NULL,
                             NULL};
    struct mu_error err;

    if (verdict == VERDICT_WAITING) {
        headers[6] = "Retry-After";
        headers[7] = again_after;
    }
    mu_buf_init(&body, REPORT_MAX_BYTES);
    if (format->write(&report, &body, &err) != MU_OK)
        mu_httpd_reply_failure(request, &err);
    else
        mu_httpd_reply(request, 200, format->media_type, body.data, body.len, headers);
}

static void reply_verdict(struct api *api, struct mu_request *request, struct verdict_ask *verdict)
{
    int form = choose_form(request);
    struct mu_error err;
    enum mu_status st;

    if (form == ACCEPT_NONE) {
        mu_httpd_reply_error(request, 406,
                             "there are application/json, text/plain, application/sarif+json and "
                             "application/xml (JUnit)");
        return;
    }
    verdict->arena = mu_request_arena(request);
    st = ask_begin(mu_request_path_rest(request), &verdict->asked, &err);
    if (st == MU_E_LIMIT) /* of a name, not of a body */
        err.status = MU_E_INVALID;
    if (st == MU_OK && verdict->key)
        ask_by_key(&verdict->asked, verdict->who, verdict->key);
    if (st == MU_OK)
        st = api_decide(api, ask_verdict, verdict, &err);
    if (st == MU_E_DENIED) /* the database refuses us: that is no word on who asks */
        err.status = MU_E_INTERNAL;
    if (st == MU_OK)
        count(&verdict->asked);
    if (st == MU_OK)
        send_verdict(request, &verdict->asked, &report_formats[form]);
    else
        mu_httpd_reply_failure(request, &err);
    asked_done(&verdict->asked);
}

void api_get_verdict(void *opaque, struct mu_request *request)
{
    struct verdict_ask verdict = {.flags = ASK_LOOKS};
    struct mu_error err;

    if (question_of_none(request, &err) != MU_OK)
        mu_httpd_reply_failure(request, &err);
    else
        reply_verdict(opaque, request, &verdict);
}

/* Whose credentials they are, and what he calls himself: "ci-shop (job 7)". */
static const char *name_asker(const struct principal *principal, const char *by,
                              struct mu_arena *arena)
{
    return by ? mu_arena_printf(arena, "%s (%s)", principal->name, by) : principal->name;
}

void api_post_verdict(void *opaque, struct mu_request *request)
{
    const struct principal *principal = mu_request_caller(request);
    struct verdict_ask verdict = {0};
    struct verdict_question question;
    struct mu_error err;
    enum mu_status st = question_of_verdict(request, &question, &err);

    if (st == MU_OK)
        st = question_key(request, &verdict.key, &err);
    if (st == MU_OK) {
        verdict.who = principal->name;
        verdict.by = name_asker(principal, question.by, mu_request_arena(request));
        verdict.flags = question.waits ? ASK_WAITS : 0;
        if (!verdict.by)
            st = mu_fail(&err, MU_E_NOMEM, "no memory for the question");
    }
    if (st != MU_OK)
        mu_httpd_reply_failure(request, &err);
    else
        reply_verdict(opaque, request, &verdict);
}
