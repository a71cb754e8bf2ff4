/* replay: recorded requests into Kafka, as if they came now. */
#include "app/commands.h"
#include "app/feed.h"
#include "app/recorded.h"

#include "config/ingest_config.h"
#include "delivery/outbound.h"
#include "source/fact.h"
#include "source/source.h"

#include "base/table.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { FILE_ARENA_MAX_BYTES = 256 * 1024 * 1024 };

#define OPTION(member) offsetof(struct replay_config, member)

const struct mu_option replay_options[REPLAY_OPTION_COUNT] = {
        {"config", MU_OPTION_TEXT, OPTION(config), NULL, 0, 0, MU_OPTION_REQUIRED,
         "YAML file of sources"},
        {"source", MU_OPTION_TEXT, OPTION(source), NULL, 0, 0, MU_OPTION_REQUIRED,
         "whose requests they are"},
        {"content-type", MU_OPTION_TEXT, OPTION(content_type), NULL, 0, 0, 0,
         "Content-Type the sender gives, when no header says it"},
        {"kafka-brokers", MU_OPTION_TEXT, OPTION(kafka_brokers), NULL, 0, 0, 0,
         "brokers to start from, host:port,host:port"},
        {"kafka-properties", MU_OPTION_TEXT, OPTION(kafka_properties), "", 0, 0, 0,
         "librdkafka settings, key=value,key=value"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text or json"},
        {"dry-run", MU_OPTION_BOOL, OPTION(dry_run), NULL, 0, 0, 0,
         "count what would be sent, and send nothing; needs no broker"},
};

struct tally {
    size_t requests, events, ignored, quarantined, messages;
};

struct replaying {
    const struct replay_config *config;
    const struct source_config *source;
    struct feed feed;
};

static int told(int code, const struct mu_error *err)
{
    (void)fprintf(stderr, "muster-ingest replay: %s\n", err->message);
    return code;
}

/* ---- one request ---- */

static void count(const struct source_events *events, struct tally *tally)
{
    for (size_t i = 0; i < events->count; i++)
        tally->quarantined += events->items[i].type == MU_MSG_QUARANTINE_RECORD;
    for (size_t i = 0; i < events->fact_count; i++)
        tally->events += events->facts[i]->event_count > 0 && !events->facts[i]->quarantined;
    tally->ignored += events->ignored;
    tally->messages += events->count;
    tally->requests++;
}

static enum mu_status send_request(struct replaying *replaying, struct recorded *recorded,
                                   const char *body, size_t len, struct tally *tally,
                                   struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(FILE_ARENA_MAX_BYTES);
    const char *told_type = recorded_header(recorded, "Content-Type");
    struct source_input input = {.source = replaying->source,
                                 .content_type =
                                         told_type ? told_type : replaying->config->content_type,
                                 .header = recorded_header,
                                 .opaque = recorded,
                                 .body = mu_arena_strndup(arena, body, len),
                                 .len = len,
                                 .received_at_us = mu_now_us(),
                                 .arena = arena};
    struct source_events events = {.arena = arena};
    struct mu_outgoing *messages = NULL;
    enum mu_status st = input.body ? source_decode(&input, &events, err)
                                   : mu_fail(err, MU_E_NOMEM, "out of memory");

    if (st == MU_OK)
        st = outbound_make(&input, &events, NULL, &messages, err);
    if (st == MU_OK)
        st = feed_send(&replaying->feed, messages, events.count, err);
    if (st == MU_OK)
        count(&events, tally);
    return st;
}

/* ---- one file ---- */

/* Each line a body; a watched source's stream is one. */
static enum mu_status send_lines(struct replaying *replaying, struct recorded *recorded,
                                 struct tally *tally, struct mu_error *err)
{
    const char *at = recorded->body.data, *end = at + recorded->body.len;
    enum mu_status st = MU_OK;

    while (st == MU_OK && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = newline ? (size_t)(newline - at) : (size_t)(end - at);

        if (len > 0 && strspn(at, " \t\r") < len)
            st = send_request(replaying, recorded, at, len, tally, err);
        at += len + (newline != NULL);
    }
    return st;
}

static enum mu_status send_file(struct replaying *replaying, const char *path, struct tally *tally,
                                struct mu_error *err)
{
    MU_AUTO_DONE(recorded_done) struct recorded recorded;
    bool lines = mu_text_ends(path, ".ndjson") &&
                 mu_text_equal(replaying->source->kind->transport, "webhook");
    enum mu_status st;

    recorded_init(&recorded);
    st = recorded_read(path, &recorded, err);
    if (st != MU_OK)
        return st;
    if (lines)
        return send_lines(replaying, &recorded, tally, err);
    return send_request(replaying, &recorded, recorded.body.data, recorded.body.len, tally, err);
}

static void add_row(struct mu_table *table, const char *file, const struct tally *tally)
{
    const size_t numbers[] = {tally->requests, tally->events, tally->ignored, tally->quarantined,
                              tally->messages};
    char texts[5][24];

    for (size_t i = 0; i < 5; i++)
        (void)snprintf(texts[i], sizeof(texts[i]), "%zu", numbers[i]);
    mu_table_row(table,
                 (const char *const[]){file, texts[0], texts[1], texts[2], texts[3], texts[4]});
}

static void add_up(struct tally *sum, const struct tally *tally)
{
    sum->requests += tally->requests;
    sum->events += tally->events;
    sum->ignored += tally->ignored;
    sum->quarantined += tally->quarantined;
    sum->messages += tally->messages;
}

static int send_files(struct replaying *replaying, enum mu_format format, int argc, char **argv)
{
    static const char *const columns[] = {"file",    "requests",    "events",
                                          "ignored", "quarantined", "messages"};
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 6);
    struct tally sum = {0};
    int code = MU_EXIT_OK;

    for (int i = 0; i < argc && code == MU_EXIT_OK; i++) {
        struct tally tally = {0};
        struct mu_error err;

        if (send_file(replaying, argv[i], &tally, &err) != MU_OK) {
            (void)mu_wrap(&err, "'%s'", argv[i]);
            code = told(MU_EXIT_FAILURE, &err);
        }
        add_row(table, argv[i], &tally);
        add_up(&sum, &tally);
    }
    if (format == MU_FORMAT_TEXT)
        add_row(table, "all", &sum);
    mu_table_print(table, format, 0, stdout);
    return code != MU_EXIT_OK || sum.quarantined == 0 ? code : MU_EXIT_DIFFERENCE;
}

/* ---- the command ---- */

static enum mu_status check_arguments(const struct replay_config *config, int argc,
                                      struct mu_error *err)
{
    if (argc == 0)
        return mu_fail(err, MU_E_INVALID, "replay takes files");
    if (!config->dry_run && !config->kafka_brokers)
        return mu_fail(err, MU_E_INVALID, "give --kafka-brokers, or --dry-run");
    return MU_OK;
}

int replay_command(void *config_struct, int argc, char **argv)
{
    const struct replay_config *config = config_struct;
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(FILE_ARENA_MAX_BYTES);
    struct replaying replaying = {.config = config};
    struct ingest_config sources;
    enum mu_format format;
    struct mu_error err;
    int code;

    if (check_arguments(config, argc, &err) != MU_OK ||
        mu_format_parse(config->format, &format, &err) != MU_OK ||
        ingest_config_read(config->config, arena, &sources, &err) != MU_OK)
        return told(MU_EXIT_USAGE, &err);
    replaying.source = ingest_config_find(&sources, config->source);
    if (!replaying.source)
        return told(MU_EXIT_USAGE, (mu_fail(&err, MU_E_INVALID, "%s: no source '%s'",
                                            config->config, config->source),
                                    &err));
    if (feed_open(&replaying.feed, config->dry_run ? NULL : config->kafka_brokers,
                  config->kafka_properties, &err) != MU_OK)
        return told(MU_EXIT_FAILURE, &err);
    code = send_files(&replaying, format, argc, argv);
    feed_close(&replaying.feed);
    return code;
}
