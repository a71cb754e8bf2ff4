#include "policy/approval_document.h"

#include "document/members.h"

#include "base/clock.h"
#include "base/text.h"
#include "json/json_doc.h"
#include "json/json_table.h"

#include <string.h>

enum { IMAGE_MAX = 512, ROLE_MAX = 64, REASON_MAX = 1000, DOCUMENT_MAX_DEPTH = 4 };

struct document {
    const char *image, *reason, *role;
    int decision;
    int64_t until_us;
};

static const char *const decisions[] = {"", "approve", "revoke", "withdraw", NULL};

#define MEMBER(member) offsetof(struct document, member)

static const struct mu_json_field fields[] = {
        {.name = "decision",
         .type = MU_JSON_ENUM,
         .flags = MU_JSON_REQUIRED,
         .offset = MEMBER(decision),
         .words = decisions},
        {.name = "image",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = MEMBER(image),
         .min = 1,
         .max = IMAGE_MAX},
        {.name = "reason",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = MEMBER(reason),
         .min = 1,
         .max = REASON_MAX},
        {.name = "role",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = MEMBER(role),
         .min = 1,
         .max = ROLE_MAX},
        {.name = "until", .type = MU_JSON_TIME, .offset = MEMBER(until_us)},
};
static const struct mu_json_object object = {
        "a decision", fields, sizeof(fields) / sizeof(fields[0]), sizeof(struct document)};

static enum mu_status read_document(const char *bytes, size_t len, struct mu_arena *arena,
                                    struct document *ret_document, struct mu_error *err)
{
    static const struct mu_json_limits limits = {APPROVAL_DOCUMENT_MAX_BYTES, DOCUMENT_MAX_DEPTH};
    json_auto_t *root = NULL;
    enum mu_status st;

    if (len == 0)
        return mu_fail(err, MU_E_INVALID, "it is empty; it has image, decision, role and reason");
    st = mu_json_parse(bytes, len, &limits, &root, err);
    if (st == MU_OK)
        st = members_check(&object, root, err);
    return st == MU_OK ? mu_json_decode(&object, root, arena, ret_document, err) : st;
}

enum mu_status approval_document_parse(const char *bytes, size_t len, struct mu_arena *arena,
                                       struct approval *ret_approval, struct mu_error *err)
{
    struct document document;
    char until[MU_TIME_TEXT_SIZE];
    struct approval approval;
    enum mu_status st = read_document(bytes, len, arena, &document, err);

    if (st != MU_OK)
        return mu_wrap(err, "the body");
    approval = (struct approval){.image = document.image,
                                 .decision = decisions[document.decision],
                                 .role = document.role,
                                 .reason = document.reason};
    if (document.until_us != MU_TIME_NONE) {
        mu_time_format(document.until_us, until);
        approval.until = mu_arena_strdup(arena, until);
        if (!approval.until)
            return mu_fail(err, MU_E_NOMEM, "no memory for a decision");
    }
    *ret_approval = approval;
    return MU_OK;
}

enum mu_status approval_document_ask(const struct approval *approval, struct mu_buf *out,
                                     struct mu_error *err)
{
    struct document document = {.image = approval->image,
                                .reason = approval->reason,
                                .role = approval->role,
                                .until_us = MU_TIME_NONE};

    for (int i = 1; decisions[i]; i++)
        if (mu_text_equal(decisions[i], approval->decision))
            document.decision = i;
    if (approval->until &&
        mu_time_parse(approval->until, strlen(approval->until), &document.until_us, err) != MU_OK)
        return mu_wrap(err, "until");
    return mu_json_encode(&object, &document, out, err);
}

enum mu_status approval_document_write(const struct approval *approval,
                                       const struct approval_made *made, struct mu_buf *out,
                                       struct mu_error *err)
{
    json_auto_t *root = json_pack(
            "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s?,s:s?}", "approval_id", made->id, "at",
            made->at, "decision", approval->decision, "image", approval->image, "uai", made->name,
            "repository", made->repository, "digest", made->digest, "person", approval->person,
            "role", approval->role, "until", made->until, "policy", made->policy);

    if (!root || json_object_set_new(root, "reason", json_string(approval->reason)) != 0)
        return mu_fail(err, MU_E_NOMEM, "no memory for a decision");
    return mu_json_print(root, out, err);
}
