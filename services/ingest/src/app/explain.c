/* explain: what a recorded request would become, fact by fact, without a broker. */
#include "app/commands.h"
#include "app/recorded.h"

#include "auth/key_ring.h"
#include "config/ingest_config.h"
#include "delivery/outbound.h"
#include "source/fact.h"
#include "source/source.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

enum {
    EXPLAIN_ARENA_MAX_BYTES = 256 * 1024 * 1024,
    LINE_MAX_BYTES = 16 * 1024 * 1024,
    KEY_WAIT_MS = 15000,
    KEY_POLL_MS = 50
};

const struct mu_option explain_options[EXPLAIN_OPTION_COUNT] = {
        {"config", MU_OPTION_TEXT, offsetof(struct explain_config, config), NULL, 0, 0, 0,
         "YAML file of sources, for --source; without it the request's path chooses"},
        {"source", MU_OPTION_TEXT, offsetof(struct explain_config, source), NULL, 0, 0, 0,
         "name of a source in the file: its kind and aliases apply"},
        {"kind", MU_OPTION_TEXT, offsetof(struct explain_config, kind), NULL, 0, 0, 0,
         "kind of source, when there is no file yet"},
        {"content-type", MU_OPTION_TEXT, offsetof(struct explain_config, content_type), NULL, 0, 0,
         0, "Content-Type the sender gives, when no header says it"},
        {"registry", MU_OPTION_TEXT, offsetof(struct explain_config, registry), "registry.invalid",
         0, 0, 0, "with --kind: host of a registry whose events do not name it"},
};

static int usage(const struct mu_error *err)
{
    (void)fprintf(stderr, "muster-ingest: %s\n", err->message);
    return MU_EXIT_USAGE;
}

/* ---- which source ---- */

static enum mu_status source_of_kind(const struct explain_config *config,
                                     struct source_config *ret_source, struct mu_error *err)
{
    *ret_source = (struct source_config){
            .name = "explain", .cluster = "explain", .registry = config->registry};
    ret_source->kind = source_kind_find(config->kind);
    return ret_source->kind ? MU_OK
                            : mu_fail(err, MU_E_INVALID,
                                      "there is no kind '%s'; 'muster-ingest sources' lists them",
                                      config->kind);
}

static const struct source_config *source_of_path(const struct ingest_config *sources,
                                                  const struct recorded *recorded)
{
    char path[1024];

    if (!recorded_path(recorded, path, sizeof(path)))
        return NULL;
    for (size_t i = 0; i < sources->source_count; i++)
        if (mu_text_equal(sources->sources[i].path, path))
            return &sources->sources[i];
    return NULL;
}

static enum mu_status choose_source(const struct explain_config *config,
                                    const struct recorded *recorded, struct mu_arena *arena,
                                    struct source_config *ret_source, struct mu_error *err)
{
    const struct source_config *found;
    struct ingest_config sources;
    enum mu_status st;

    if (config->kind && !config->source)
        return source_of_kind(config, ret_source, err);
    if (!config->config)
        return mu_fail(err, MU_E_INVALID,
                       "give --kind, or --config and --source; 'muster-ingest sources' lists the "
                       "kinds");
    st = ingest_config_read(config->config, arena, &sources, err);
    if (st != MU_OK)
        return st;
    found = config->source ? ingest_config_find(&sources, config->source)
                           : source_of_path(&sources, recorded);
    if (!found)
        return mu_fail(err, MU_E_INVALID, "%s: no source '%s'", config->config,
                       config->source ? config->source : "with the path of the request");
    *ret_source = *found;
    return MU_OK;
}

/* ---- what it becomes ---- */

static enum mu_status add_message(json_t *list, const struct mu_outgoing *message,
                                  struct mu_error *err)
{
    json_t *data = NULL;
    enum mu_status st =
            mu_json_parse(message->value, message->value_len, &mu_json_message_limits, &data, err);

    if (st == MU_OK)
        (void)json_array_append_new(
                list, json_pack("{s:s, s:s, s:s, s:o}", "topic", mu_topic_name(message->topic),
                                "ce_type", mu_msg_descriptor(message->envelope.type)->ce_type,
                                "ce_id", message->envelope.id, "data", data));
    return st;
}

/* The messages of one fact, as they would go to Kafka. */
static enum mu_status add_messages(const struct source_input *input,
                                   const struct source_events *events, struct fact *fact,
                                   json_t *list, struct mu_error *err)
{
    struct source_events part = {.arena = events->arena,
                                 .items = events->items + fact->first_event,
                                 .count = fact->event_count,
                                 .capacity = fact->event_count};
    struct mu_outgoing *messages = NULL;
    enum mu_status st = MU_OK;

    if (fact->event_count > 0)
        st = outbound_make(input, &part, NULL, &messages, err);
    for (size_t i = 0; st == MU_OK && i < part.count; i++) {
        fact->quarantined |= messages[i].topic == MU_TOPIC_QUARANTINE;
        st = add_message(list, &messages[i], err);
    }
    return st;
}

/* One line: outcome, what was said, and the messages that leave. */
static enum mu_status print_fact(const struct source_input *input,
                                 const struct source_events *events, struct fact *fact,
                                 struct mu_error *err)
{
    json_auto_t *line = fact_json(fact);
    json_t *messages = json_array();
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st = add_messages(input, events, fact, messages, err);

    mu_buf_init(&text, LINE_MAX_BYTES);
    (void)json_object_set_new(line, "outcome", json_string(fact_outcome(fact)));
    (void)json_object_set_new(line, "messages", messages);
    if (st == MU_OK)
        st = mu_json_print(line, &text, err);
    if (st == MU_OK)
        (void)printf("%s\n", text.data);
    return st;
}

static int print_facts(const struct source_input *input, const struct source_events *events,
                       struct mu_error *err)
{
    int code = MU_EXIT_OK;

    for (size_t i = 0; i < events->fact_count; i++) {
        if (print_fact(input, events, events->facts[i], err) != MU_OK)
            return usage(err);
        if (events->facts[i]->quarantined)
            code = MU_EXIT_DIFFERENCE;
    }
    return code;
}

/* CloudEvents webhooks ask with OPTIONS before they send (HTTP 1.1 Web Hooks for Event Delivery,
 * section 4). */
static int print_handshake(const struct source_input *input, const struct source_events *events,
                           struct mu_error *err)
{
    struct fact fact;

    fact_init(&fact);
    fact.class_ = FACT_HANDSHAKE;
    return print_fact(input, events, &fact, err) == MU_OK ? MU_EXIT_OK : usage(err);
}

/* ---- whether it would be let in ---- */

/* A key that must be fetched first is waited for, as a sender would by coming again. */
static enum auth_verdict check_patiently(const struct source_config *source,
                                         const struct auth_request *request, const char **ret_why)
{
    uint64_t deadline_ms = mu_monotonic_ms() + KEY_WAIT_MS;
    enum auth_verdict verdict;

    do
        verdict = auth_check(source->rules, source->rule_count, request, ret_why);
    while (verdict == AUTH_LATER && mu_monotonic_ms() < deadline_ms && !mu_stop_wait(KEY_POLL_MS));
    return verdict;
}

static bool asks_for_certificate(const struct source_config *source)
{
    for (size_t i = 0; i < source->rule_count; i++)
        if (source->rules[i].kind == SOURCE_AUTH_MTLS)
            return true;
    return false;
}

/* NULL when the request would be let in; a recording without headers, or of a connection with a
 * client certificate, does not say. */
static const char *denied(const struct source_config *source, struct recorded *recorded)
{
    const struct auth_request request = {.header = recorded_header,
                                         .query = recorded_query,
                                         .opaque = recorded,
                                         .body = recorded->body.data,
                                         .len = recorded->body.len,
                                         .now_us = mu_now_us()};
    const char *why;

    if (source->rule_count == 0)
        return NULL;
    if (recorded->head.len > 0 && check_patiently(source, &request, &why) == AUTH_ALLOWED)
        return NULL;
    if (recorded->head.len > 0 && !asks_for_certificate(source))
        return why;
    (void)fprintf(stderr, "muster-ingest: the credentials are not in the recording: not checked\n");
    return NULL;
}

static int print_denied(const struct source_input *input, const struct source_events *events,
                        const char *why, struct mu_error *err)
{
    struct fact fact;

    fact_init(&fact);
    fact.class_ = FACT_REJECT;
    fact.why = why;
    return print_fact(input, events, &fact, err) == MU_OK ? MU_EXIT_DIFFERENCE : usage(err);
}

/* ---- the whole ---- */

static int explain_body(const struct source_input *input, struct source_events *events,
                        const struct recorded *recorded)
{
    struct mu_error err;

    if (mu_text_starts(recorded->head.data, "OPTIONS "))
        return print_handshake(input, events, &err);
    if (source_decode(input, events, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-ingest: %s\n", err.message);
        return MU_EXIT_FAILURE;
    }
    return print_facts(input, events, &err);
}

static int explain(const struct explain_config *config, struct recorded *recorded,
                   struct mu_arena *arena)
{
    struct source_config source;
    struct source_events events = {.arena = arena};
    struct source_input input = {.source = &source,
                                 .content_type = recorded_header(recorded, "Content-Type"),
                                 .header = recorded_header,
                                 .opaque = recorded,
                                 .body = recorded->body.data,
                                 .len = recorded->body.len,
                                 .received_at_us = mu_now_us(),
                                 .arena = arena};
    struct key_ring *keys = NULL;
    const char *why;
    struct mu_error err;
    int code;

    if (!input.content_type)
        input.content_type = config->content_type;
    if (choose_source(config, recorded, arena, &source, &err) != MU_OK ||
        key_ring_open(&source, 1, NULL, &keys, &err) != MU_OK)
        return usage(&err);
    why = denied(&source, recorded);
    code = why ? print_denied(&input, &events, why, &err) : explain_body(&input, &events, recorded);
    key_ring_close(keys);
    return code;
}

int explain_command(void *config_struct, int argc, char **argv)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(EXPLAIN_ARENA_MAX_BYTES);
    MU_AUTO_DONE(recorded_done) struct recorded recorded;
    struct mu_error err;

    recorded_init(&recorded);
    if (argc != 1)
        return usage((mu_fail(&err, MU_E_INVALID, "explain takes one file"), &err));
    if (recorded_read(argv[0], &recorded, &err) != MU_OK)
        return usage(&err);
    return explain(config_struct, &recorded, arena);
}
