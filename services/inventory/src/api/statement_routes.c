/* What people state: the record, its check and its rules are those of the commands (deviation/). */
#include "api/server.h"

#include "api/question.h"
#include "deviation/statement_document.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

struct statement_ask {
    enum statement_kind kind;
    struct record record;
    struct statement_made made;
};

static enum mu_status ask_statement(void *opaque, struct mu_pg *pg, struct mu_error *err)
{
    struct statement_ask *ask = opaque;

    return statement_store_one(pg, ask->kind, &ask->record, &ask->made, err);
}

/* All but who, whom the audit log knows, and when, unless it was said. */
static void note(struct mu_request *request, const struct statement_ask *ask)
{
    const struct record_kind *kind = &statement_records[ask->kind];
    const char *pairs[2 * RECORD_FIELDS_MAX + 1];
    size_t count = 0;

    for (size_t i = 0; i < kind->field_count; i++) {
        if (mu_text_equal(kind->fields[i].name, "by"))
            continue;
        pairs[count++] = kind->fields[i].name;
        pairs[count++] = ask->record.values[i];
    }
    pairs[count] = NULL;
    api_note(request, pairs);
}

static enum mu_status check_role(const struct principal *principal, const struct statement_ask *ask,
                                 struct mu_error *err)
{
    static const char role[] = "role";
    size_t field = record_field_find(&statement_records[ask->kind], role, strlen(role));

    return principal_check_role(principal, ask->record.values[field], err);
}

static void send_statement(struct mu_request *request, const struct statement_ask *ask)
{
    static const char *const headers[] = {"Cache-Control", "no-store", NULL};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    struct mu_error err;

    mu_buf_init(&body, STATEMENT_ANSWER_MAX_BYTES);
    if (statement_document_write(ask->kind, &ask->record, &ask->made, &body, &err) != MU_OK)
        mu_httpd_reply_failure(request, &err);
    else
        mu_httpd_reply(request, ask->made.is_new ? 201 : 200, NULL, body.data, body.len, headers);
}

static void post_statement(struct api *api, struct mu_request *request, enum statement_kind kind)
{
    const struct principal *principal = mu_request_caller(request);
    struct statement_ask ask = {.kind = kind};
    struct mu_error err;
    size_t len = 0;
    const char *body = mu_request_body(request, &len);
    enum mu_status st;

    if (!api_takes_json(request))
        return;
    st = question_of_none(request, &err);
    if (st == MU_OK)
        st = statement_document_parse(kind, body, len, principal->name, mu_now_us(),
                                      mu_request_arena(request), &ask.record, &err);
    if (st == MU_E_LIMIT) /* of a member: the server looked at the body's size */
        err.status = MU_E_INVALID;
    if (st == MU_OK && check_role(principal, &ask, &err) != MU_OK) {
        note(request, &ask);
        mu_httpd_reply_error(request, 403, err.message);
        return;
    }
    if (st == MU_OK) {
        note(request, &ask);
        st = api_state(api, ask_statement, &ask, &err);
    }
    if (st == MU_E_DENIED) /* the database refuses us: that is no word on who asks */
        err.status = MU_E_INTERNAL;
    if (st == MU_OK)
        send_statement(request, &ask);
    else
        mu_httpd_reply_failure(request, &err);
}

#define POST(name, kind)                                           \
    void api_post_##name(void *opaque, struct mu_request *request) \
    {                                                              \
        post_statement(opaque, request, STATEMENT_##kind);         \
    }

POST(deviation, DEVIATION)
POST(hardening, HARDENING)
POST(exposure, EXPOSURE)
POST(ssvc, SSVC)
POST(exclusion, EXCLUSION)
POST(move, MOVE)
