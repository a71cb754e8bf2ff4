/*
 * Amazon EKS: the control plane's audit log through CloudWatch Logs and a Firehose HTTP endpoint.
 * Three layers: base64 of gzip of JSON whose messages are JSON texts, each an audit event. The
 * cluster stands only in the log group.
 */
#include "source/kind.h"

#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>

extern const struct source_kind kubernetes_audit_kind;

static const struct source_class_word classes[] = {
        {"DATA_MESSAGE", FACT_NOOP},
        {"CONTROL_MESSAGE", FACT_IGNORE},
};

/* "/aws/eks/NAME/cluster" */
static const char *cluster_of(const struct source_reader *reader)
{
    static const char prefix[] = "/aws/eks/";
    const char *group = source_read_text(reader, "/logGroup");

    if (!mu_text_starts(group, prefix))
        return NULL;
    group += strlen(prefix);
    return mu_arena_strndup(reader->input->arena, group, strcspn(group, "/"));
}

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    static const struct mu_json_limits limits = {SOURCE_MAX_BODY_BYTES, SOURCE_MAX_DEPTH};
    const char *message = source_read_text(reader, "message");
    const struct source_attributes attributes = {.cluster = cluster_of(reader)};
    json_auto_t *event = NULL;
    enum mu_status st;

    if (fact->class_ == FACT_IGNORE)
        return MU_OK;
    if (!message)
        return mu_fail(err, MU_E_INVALID, "message: is missing");
    st = mu_json_parse(message, strlen(message), &limits, &event, err);
    if (st != MU_OK)
        return mu_wrap(err, "message (of over 256 KB CloudWatch Logs cuts the end off)");
    st = source_read_document(reader->input, &kubernetes_audit_kind, event, &attributes,
                              reader->events, err);
    return st == MU_OK ? MU_END : st;
}

/* Firehose can take the messages out by itself; then nothing names the cluster. */
static enum mu_status finish_message(struct source_reader *reader, struct fact *fact,
                                     struct mu_error *err)
{
    enum mu_status st = source_read_document(reader->input, &kubernetes_audit_kind, reader->root,
                                             reader->attributes, reader->events, err);

    (void)fact;
    return st == MU_OK ? MU_END : st;
}

static const struct source_shape shapes[] = {
        {.when = "logEvents",
         .each = "logEvents",
         .class_path = "/messageType",
         SOURCE_CLASSES(classes),
         .otherwise = FACT_REJECT,
         .finish = finish},
        {.when = "auditID", .otherwise = FACT_IGNORE, .finish = finish_message},
};

const struct source_kind eks_kind = {
        .name = "eks",
        .transport = "webhook",
        .sender = "Amazon EKS audit log: CloudWatch Logs, Firehose HTTP endpoint",
        .events = "Pods and workloads created, changed, deleted",
        .auth = SOURCE_AUTH_HEADER,
        .auth_header = "X-Amz-Firehose-Access-Key",
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_FIREHOSE | ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};
