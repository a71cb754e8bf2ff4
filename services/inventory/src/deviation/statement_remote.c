#include "deviation/statement_remote.h"

#include "json/json_doc.h"

#include <stdio.h>

enum { PATH_SIZE = 64 };

enum mu_status statement_remote_state(const struct remote_config *where, enum statement_kind kind,
                                      const struct record *record, struct mu_error *err)
{
    static const struct mu_json_limits limits = {STATEMENT_ANSWER_MAX_BYTES, 4};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    MU_AUTO(remote) struct remote *remote = NULL;
    char path[PATH_SIZE];
    struct remote_question question = {
            .method = "POST", .path = path, .accept = "application/json"};
    struct remote_answer answer;
    json_auto_t *root = NULL;
    enum mu_status st;

    mu_buf_init(&body, STATEMENT_DOCUMENT_MAX_BYTES);
    mu_buf_init(&text, STATEMENT_ANSWER_MAX_BYTES);
    (void)snprintf(path, sizeof(path), "/v1/%s", statement_records[kind].name);
    st = statement_document_ask(kind, record, &body, err);
    question.json = body.data;
    if (st == MU_OK)
        st = remote_open(where, &remote, err);
    if (st == MU_OK)
        st = remote_ask(remote, &question, &text, &answer, err);
    if (st != MU_OK)
        return st;
    return mu_json_parse(text.data, text.len, &limits, &root, err) == MU_OK &&
                           mu_json_text_at(root, "fact_id")
                   ? MU_OK
                   : remote_is_none(remote, err);
}
