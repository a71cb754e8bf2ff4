/* What people decide about images. */
#include "api/server.h"

#include "api/question.h"
#include "policy/approval_document.h"

enum { ANSWER_MAX_BYTES = 32 * 1024 };

struct approval_ask {
    struct approval approval;
    struct approval_made made;
    struct mu_arena *arena;
};

static enum mu_status ask_approval(void *opaque, struct mu_pg *pg, struct mu_error *err)
{
    struct approval_ask *ask = opaque;

    return approval_record(pg, &ask->approval, ask->arena, &ask->made, err);
}

static void note(struct mu_request *request, const struct approval *approval)
{
    const char *const pairs[] = {"image", approval->image, "decision", approval->decision,
                                 "role",  approval->role,  "reason",   approval->reason,
                                 "until", approval->until, NULL};

    api_note(request, pairs);
}

static void refuse(struct mu_request *request, const struct mu_error *err)
{
    if (err->status == MU_E_DENIED)
        mu_httpd_reply_error(request, 403, err->message);
    else
        mu_httpd_reply_failure(request, err);
}

static void send_approval(struct mu_request *request, const struct approval_ask *ask)
{
    static const char *const headers[] = {"Cache-Control", "no-store", NULL};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    struct mu_error err;

    mu_buf_init(&body, ANSWER_MAX_BYTES);
    if (approval_document_write(&ask->approval, &ask->made, &body, &err) != MU_OK)
        mu_httpd_reply_failure(request, &err);
    else
        mu_httpd_reply(request, ask->made.is_new ? 201 : 200, NULL, body.data, body.len, headers);
}

void api_post_approval(void *opaque, struct mu_request *request)
{
    const struct principal *principal = mu_request_caller(request);
    struct approval_ask ask = {.arena = mu_request_arena(request)};
    struct mu_error err;
    size_t len = 0;
    const char *body = mu_request_body(request, &len), *key = NULL;
    enum mu_status st;

    if (!api_takes_json(request))
        return;
    st = question_of_none(request, &err);
    if (st == MU_OK)
        st = question_key(request, &key, &err);
    if (st == MU_OK)
        st = approval_document_parse(body, len, ask.arena, &ask.approval, &err);
    if (st == MU_E_LIMIT) /* of a member: the server looked at the body's size */
        err.status = MU_E_INVALID;
    if (st == MU_OK)
        st = principal_check_role(principal, ask.approval.role, &err);
    if (st == MU_OK) {
        ask.approval.person = principal->name;
        ask.approval.key = key;
        note(request, &ask.approval);
        st = api_decide(opaque, ask_approval, &ask, &err);
    }
    if (st == MU_OK)
        send_approval(request, &ask);
    else
        refuse(request, &err);
}
