#include "receiver/reply.h"

#include "source/envelope.h"
#include "source/fact.h"

#include "base/buf.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>

enum { BODY_MAX_BYTES = 64 * 1024 };

/* The document of an answer, a new reference; NULL: this body wants none. */
typedef json_t *reply_fn(const struct source_input *input, const json_t *root);

/* Event Grid, "Webhook event delivery": the code back proves that the endpoint is ours. */
static json_t *validation(const struct source_input *input, const json_t *root)
{
    const json_t *event = json_is_array(root) ? json_array_get(root, 0) : root;
    const char *code = mu_json_text_at(event, "data.validationCode");

    (void)input;
    return code ? json_pack("{s:s}", "validationResponse", code) : NULL;
}

/* Amazon Data Firehose, "HTTP endpoint delivery request and response specifications". */
static json_t *firehose(const struct source_input *input, const json_t *root)
{
    const char *id = mu_json_text_at(root, "requestId");

    return id ? json_pack("{s:s, s:I}", "requestId", id, "timestamp",
                          (json_int_t)(input->received_at_us / 1000))
              : NULL;
}

/* Kubernetes, "Dynamic admission control", response: a source never stands in the way, whatever it
 * understood. */
static json_t *review(const struct source_input *input, const json_t *root)
{
    const char *version = mu_json_text_at(root, "apiVersion");
    const char *uid = mu_json_text_at(root, "request.uid");

    (void)input;
    return json_pack("{s:s, s:s, s:{s:s, s:b}}", "apiVersion",
                     version ? version : "admission.k8s.io/v1", "kind", "AdmissionReview",
                     "response", "uid", uid ? uid : "", "allowed", 1);
}

static const struct form {
    const char *kind;  /* of one kind; NULL: of all that come in the envelope */
    unsigned envelope; /* enum source_envelope */
    bool handshake;    /* only when the body is one */
    bool always;       /* also when the body is no JSON */
    reply_fn *make;
} forms[] = {
        {.envelope = ENVELOPE_EVENTGRID, .handshake = true, .make = validation},
        {.envelope = ENVELOPE_FIREHOSE, .make = firehose},
        {.kind = "kubernetes-admission",
         .envelope = ENVELOPE_PLAIN,
         .always = true,
         .make = review},
};

static bool is_handshake(const struct source_events *events)
{
    for (size_t i = 0; i < events->fact_count; i++)
        if (events->facts[i]->class_ == FACT_HANDSHAKE)
            return true;
    return false;
}

static const struct form *form_of(const struct source_kind *kind,
                                  const struct source_events *events)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if ((kind->envelopes & forms[i].envelope) &&
            (!forms[i].kind || mu_text_equal(forms[i].kind, kind->name)) &&
            (!forms[i].handshake || is_handshake(events)))
            return &forms[i];
    return NULL;
}

static bool make_body(const struct form *form, const struct source_input *input,
                      struct reply *reply)
{
    static const struct mu_json_limits limits = {SOURCE_MAX_BODY_BYTES, SOURCE_MAX_DEPTH};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    MU_AUTO(json_document) json_t *root = NULL;
    json_auto_t *answer = NULL;
    struct mu_error ignored;

    mu_buf_init(&text, BODY_MAX_BYTES);
    if (mu_json_parse(input->body, input->len, &limits, &root, &ignored) != MU_OK && !form->always)
        return false;
    answer = form->make(input, root);
    if (!answer || mu_json_print(answer, &text, &ignored) != MU_OK)
        return false;
    reply->body = mu_arena_strndup(input->arena, text.data, text.len);
    reply->len = text.len;
    return reply->body != NULL;
}

struct reply reply_make(const struct source_input *input, const struct source_events *events)
{
    const struct form *form = form_of(input->source->kind, events);
    struct reply reply = {.status = 202, .body = ""};

    if (form && make_body(form, input, &reply))
        reply.status = 200;
    else
        reply = (struct reply){.status = 202, .body = ""};
    return reply;
}
