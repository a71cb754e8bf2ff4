#include "policy/approval_command.h"

#include "policy/approval_document.h"

#include "base/stop.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <stdio.h>

#define OPTION(member) offsetof(struct approval_config, member)

enum { ARENA_BYTES = 64 * 1024 * 1024, ANSWER_MAX_BYTES = 64 * 1024 };

#define TEXT(name, member, flags, help)                                     \
    {                                                                       \
        (name), MU_OPTION_TEXT, OPTION(member), NULL, 0, 0, (flags), (help) \
    }
#define OPTIONS(until_help)                                                               \
    REMOTE_OPTIONS(OPTION(where)),                                                        \
            TEXT("by", by, 0,                                                             \
                 "who decides this, with --postgres; a server knows by the credentials"), \
            TEXT("role", role, MU_OPTION_REQUIRED,                                        \
                 "as what; the policy says which roles may (approvers)"),                 \
            TEXT("reason", reason, MU_OPTION_REQUIRED, "why"), TEXT("until", until, 0, until_help)

const struct mu_option approve_options[APPROVAL_OPTION_COUNT] = {
        OPTIONS("when it ends, RFC 3339; an approval must have an end"),
};
const struct mu_option revoke_options[APPROVAL_OPTION_COUNT] = {
        OPTIONS("when it ends, RFC 3339 (default: when it is withdrawn)"),
};
const struct mu_option withdraw_options[APPROVAL_OPTION_COUNT] = {
        OPTIONS("not for withdraw: it has no end"),
};

static bool has_end(const struct approval_config *config)
{
    return config->until && *config->until;
}

static enum mu_status check(const struct approval_config *config, const char *decision,
                            struct mu_error *err)
{
    bool named = config->by && *config->by;

    if (has_end(config) && mu_text_equal(decision, "withdraw"))
        return mu_fail(err, MU_E_INVALID,
                       "--until is for approve and revoke: withdraw takes back what was said at "
                       "once, and has no end");
    if (remote_check(&config->where, err) != MU_OK)
        return err->status;
    if (remote_is_wanted(&config->where) && named)
        return mu_fail(err, MU_E_INVALID,
                       "--by is for --postgres: with --inventory-url who decides is whose "
                       "credentials they are");
    if (!remote_is_wanted(&config->where) && !named)
        return mu_fail(err, MU_E_INVALID, "--by is missing: who decides this");
    return MU_OK;
}

static enum mu_status decide_in_database(const struct remote_config *where,
                                         const struct approval *approval, struct mu_buf *ret_id,
                                         struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_BYTES);
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct approval_made made;
    enum mu_status st = policy_pg_open(where->postgres, &pg, err);

    if (st == MU_OK)
        st = approval_record(pg, approval, arena, &made, err);
    if (st == MU_OK)
        mu_buf_puts(ret_id, made.id);
    return st;
}

static enum mu_status decide_on_server(const struct remote_config *where,
                                       const struct approval *approval, struct mu_buf *ret_id,
                                       struct mu_error *err)
{
    static const struct mu_json_limits limits = {ANSWER_MAX_BYTES, 8};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body, text;
    MU_AUTO(remote) struct remote *remote = NULL;
    struct remote_question question = {
            .method = "POST", .path = "/v1/approvals", .accept = "application/json"};
    struct remote_answer answer;
    json_auto_t *root = NULL;
    enum mu_status st;

    mu_buf_init(&body, APPROVAL_DOCUMENT_MAX_BYTES);
    mu_buf_init(&text, ANSWER_MAX_BYTES);
    st = remote_open(where, &remote, err);
    if (st == MU_OK)
        st = approval_document_ask(approval, &body, err);
    question.json = body.data;
    if (st == MU_OK)
        st = remote_ask(remote, &question, &text, &answer, err);
    if (st != MU_OK)
        return st;
    if (mu_json_parse(text.data, text.len, &limits, &root, err) != MU_OK ||
        !mu_json_text_at(root, "approval_id"))
        return remote_is_none(remote, err);
    mu_buf_puts(ret_id, mu_json_text_at(root, "approval_id"));
    return MU_OK;
}

static int exit_code(enum mu_status st)
{
    if (st == MU_E_NOT_FOUND || st == MU_E_CONFLICT)
        return MU_EXIT_DIFFERENCE;
    return st == MU_E_INVALID ? MU_EXIT_USAGE : MU_EXIT_FAILURE;
}

static int decide(const struct approval_config *config, const char *decision, int argc, char **argv)
{
    const struct approval approval = {.image = argc == 1 ? argv[0] : "",
                                      .decision = decision,
                                      .person = config->by,
                                      .role = config->role,
                                      .reason = config->reason,
                                      .until = has_end(config) ? config->until : NULL};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf id;
    struct mu_error err;
    enum mu_status st;

    mu_buf_init(&id, ANSWER_MAX_BYTES);
    if (argc != 1) {
        (void)fprintf(stderr, "muster-inventory: %s takes one image\n", decision);
        return MU_EXIT_USAGE;
    }
    mu_stop_install();
    st = check(config, decision, &err);
    if (st == MU_OK)
        st = (remote_is_wanted(&config->where) ? decide_on_server : decide_in_database)(
                &config->where, &approval, &id, &err);
    if (st == MU_OK) {
        (void)printf("%s: %s %s\n", id.data, decision, argv[0]);
        return MU_EXIT_OK;
    }
    (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
    return exit_code(st);
}

int approve_command(void *config_struct, int argc, char **argv)
{
    return decide(config_struct, "approve", argc, argv);
}

int revoke_command(void *config_struct, int argc, char **argv)
{
    return decide(config_struct, "revoke", argc, argv);
}

int withdraw_command(void *config_struct, int argc, char **argv)
{
    return decide(config_struct, "withdraw", argc, argv);
}
