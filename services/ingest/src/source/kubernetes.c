/*
 * Kubernetes watch events of Pods, one JSON object a line (API concepts, "Efficient detection of
 * changes").
 *
 * ADDED is also how a watch begins: it tells what is, not that something started. A pod in which
 * nothing has run yet is of interest only when it is new; each later change tells all of it again.
 *
 * The watcher adds what the pod does not say (watch/kube_names.h): "context", with the platform of
 * its node, and the controller behind its controller.
 */
#include "source/kind.h"
#include "source/pod.h"

#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>

enum { VERSION_MAX_BYTES = 128 };

static const struct source_class_word classes[] = {
        {"ADDED", FACT_POD_CREATE},
        {"MODIFIED", FACT_IGNORE},
        {"DELETED", FACT_POD_DELETE},
        {"BOOKMARK", FACT_IGNORE},
        {"ERROR", FACT_RESYNC},
        {"ABSENT", FACT_POD_DELETE}, /* of our own making: a listing no longer has the pod */
};

/* A pod's version is the event's identity: the same again is the same event. It is opaque (API
 * concepts, "Resource versions"); a pod without one is known by its content. */
static enum mu_status set_key(const struct source_reader *reader, const json_t *pod,
                              struct fact *fact, struct mu_error *err)
{
    const char *version = mu_json_text_at(pod, "metadata.resourceVersion");

    if (!fact->text[FACT_UID])
        return mu_fail(err, MU_E_INVALID, "metadata.uid: is missing");
    if (!version || !*version || strlen(version) > VERSION_MAX_BYTES)
        version = source_content_id(reader, false);
    fact->text[FACT_KEY] = mu_arena_printf(reader->input->arena, "%.250s:%s", fact->text[FACT_UID],
                                           version ? version : "");
    return fact->text[FACT_KEY] && version ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");
}

static void add_context(const struct source_reader *reader, struct fact *fact)
{
    const char *owner = source_read_text(reader, "context.owner.name");

    fact->text[FACT_PLATFORM] = source_read_text(reader, "context.platform");
    if (!owner)
        return;
    fact->text[FACT_OWNER_NAME] = owner;
    fact->text[FACT_OWNER_KIND] = source_read_text(reader, "context.owner.kind");
}

static enum mu_status finish_error(const struct source_reader *reader, struct fact *fact,
                                   struct mu_error *err)
{
    const char *code = source_read_text(reader, "object.code");
    const char *message = source_read_text(reader, "object.message");

    if (!mu_text_equal(code, "410"))
        return mu_fail(err, MU_E_INVALID, "the watch ended with an error: %.200s",
                       message ? message : "");
    fact->why = "the resource version is too old: list again";
    return MU_OK;
}

/* The last state that was known; when it ended is in deletionTimestamp, or now. Kubernetes writes
 * there when the grace period would end, which the containers need not wait for. */
static enum mu_status finish_deleted(const struct source_reader *reader, const json_t *object,
                                     struct fact *fact, struct mu_error *err)
{
    const char *deletion = source_read_text(reader, "object.metadata.deletionTimestamp");
    enum mu_status st;

    if (deletion)
        fact->occurred_at_us = source_form_time(deletion);
    if (fact->occurred_at_us == MU_TIME_NONE ||
        fact->occurred_at_us > reader->input->received_at_us)
        fact->occurred_at_us = reader->input->received_at_us;
    st = pod_read(reader->input, object, FACT_POD_DELETE, fact, err);
    add_context(reader, fact);
    fact->class_ = FACT_POD_DELETE;
    fact->reconcile = mu_text_equal(source_read_text(reader, "type"), "ABSENT");
    return st == MU_OK ? set_key(reader, object, fact, err) : st;
}

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const json_t *object = source_read_json(reader, "object");
    enum mu_status st;

    if (mu_text_equal(source_read_text(reader, "type"), "BOOKMARK"))
        return MU_OK;
    if (fact->class_ == FACT_RESYNC)
        return finish_error(reader, fact, err);
    if (!mu_text_equal(source_read_text(reader, "object.kind"), "Pod"))
        return mu_fail(err, MU_E_INVALID, "object.kind: is not Pod");
    if (fact->class_ == FACT_POD_DELETE)
        return finish_deleted(reader, object, fact, err);
    st = pod_read(reader->input, object, fact->class_, fact, err);
    add_context(reader, fact);
    return st == MU_OK ? set_key(reader, object, fact, err) : st;
}

/* A Pod by itself, or of a list: what is, as ADDED tells it. */
static enum mu_status finish_pod(struct source_reader *reader, struct fact *fact,
                                 struct mu_error *err)
{
    enum mu_status st = pod_read(reader->input, reader->event, FACT_POD_CREATE, fact, err);

    return st == MU_OK ? set_key(reader, reader->event, fact, err) : st;
}

static const struct source_shape shapes[] = {
        {.when = "type",
         .class_path = "type",
         SOURCE_CLASSES(classes),
         .otherwise = FACT_REJECT,
         .finish = finish},
        /* What `kubectl get pods -o json` prints. */
        {.when = "items", .each = "items", .otherwise = FACT_POD_CREATE, .finish = finish_pod},
        {.when = "metadata", .otherwise = FACT_POD_CREATE, .finish = finish_pod},
};

const struct source_kind kubernetes_kind = {
        .name = "kubernetes",
        .transport = "watch",
        .sender = "Kubernetes API: list and watch",
        .events = "Pods: every run of every container",
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_LINES,
        SOURCE_SHAPES(shapes),
};
