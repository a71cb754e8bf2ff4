/* quarantine: what was not understood: list it, look at it, feed it again. */
#include "app/commands.h"
#include "app/feed.h"
#include "app/quarantine_log.h"
#include "app/quarantine_revive.h"

#include "base/table.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

enum { REPLAY_ARENA_MAX_BYTES = 256 * 1024 * 1024, SHOWN_MAX_BYTES = 512 * 1024 };

#define OPTION(member) offsetof(struct quarantine_config, member)

const struct mu_option quarantine_options[QUARANTINE_OPTION_COUNT] = {
        {"kafka-brokers", MU_OPTION_TEXT, OPTION(kafka_brokers), NULL, 0, 0, MU_OPTION_REQUIRED,
         "brokers to start from, host:port,host:port"},
        {"kafka-properties", MU_OPTION_TEXT, OPTION(kafka_properties), "", 0, 0, 0,
         "librdkafka settings, key=value,key=value"},
        {"source", MU_OPTION_TEXT, OPTION(source), NULL, 0, 0, 0,
         "only of this source (or topic, of what inventory and scanner refused)"},
        {"reason", MU_OPTION_TEXT, OPTION(reason), NULL, 0, 0, 0,
         "only with this code, or this text in the reason"},
        {"since", MU_OPTION_TEXT, OPTION(since), NULL, 0, 0, 0,
         "only what came since then: 2026-11-24T12:00:00Z, or a time ago such as 24h"},
        {"limit", MU_OPTION_INT, OPTION(limit), "100", 1, 10000, 0, "the newest so many"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text or json"},
        {"config", MU_OPTION_TEXT, OPTION(config), NULL, 0, 0, 0,
         "YAML file of sources, for replay"},
        {"dry-run", MU_OPTION_BOOL, OPTION(dry_run), NULL, 0, 0, 0,
         "replay: say what would be sent, and send nothing"},
};

static int told(int code, const struct mu_error *err)
{
    (void)fprintf(stderr, "muster-ingest quarantine: %s\n", err->message);
    return code;
}

/* ---- what is asked for ---- */

static enum mu_status read_since(const char *text, int64_t *ret_since_us, struct mu_error *err)
{
    int64_t ago_ms;

    if (!text)
        *ret_since_us = MU_TIME_NONE;
    else if (mu_option_number(MU_OPTION_DURATION_MS, text, &ago_ms) && ago_ms >= 0 &&
             ago_ms < mu_now_us() / 1000)
        *ret_since_us = mu_now_us() - ago_ms * 1000;
    else if (mu_time_parse(text, strlen(text), ret_since_us, err) != MU_OK)
        return mu_wrap(err, "--since: neither a time nor a duration");
    return MU_OK;
}

struct asked {
    const struct quarantine_config *config;
    enum mu_format format;
    struct quarantine_filter filter;
    struct quarantine_log log;
    struct ingest_config sources;
    struct mu_arena *arena; /* of `sources` */
};

static enum mu_status read_log(struct asked *asked, struct mu_error *err)
{
    struct mu_bus_config bus = {.brokers = asked->config->kafka_brokers,
                                .client_id = "muster-ingest",
                                .properties = asked->config->kafka_properties};

    return quarantine_read(&bus, &asked->filter, &asked->log, err);
}

/* ---- list ---- */

static const char *number_text(char text[24], int64_t number)
{
    (void)snprintf(text, 24, "%lld", (long long)number);
    return text;
}

static int list(struct asked *asked)
{
    static const char *const columns[] = {"id",    "received_at", "stage", "source", "reason_code",
                                          "times", "size_bytes",  "whole", "reason"};
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 9);

    for (size_t i = 0; i < asked->log.count; i++) {
        const struct quarantine_entry *entry = &asked->log.entries[i];
        const struct mu_quarantine_record *record = &entry->record;
        char at[MU_TIME_TEXT_SIZE], times[24], size[24];

        mu_time_format(record->received_at_us, at);
        mu_table_row(table, (const char *const[]){
                                    entry->id, at, record->stage, record->source,
                                    record->reason_code, number_text(times, (int64_t)entry->times),
                                    number_text(size, record->payload_size_bytes),
                                    record->payload_truncated ? "no" : "yes", record->reason});
    }
    mu_table_print(table, asked->format, 0, stdout);
    if (asked->log.unreadable > 0)
        (void)fprintf(stderr, "%zu messages of the topic are no quarantine records\n",
                      asked->log.unreadable);
    return MU_EXIT_OK;
}

/* ---- show ---- */

/* The payload as text when it is text, beside the base64. */
static enum mu_status add_payload(json_t *shown, const struct mu_quarantine_record *record,
                                  struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf payload;
    const char *text = record->payload_base64 ? record->payload_base64 : "";
    enum mu_status st;

    mu_buf_init(&payload, MU_MSG_MAX_BYTES);
    st = mu_base64_decode(text, strlen(text), &payload, err);
    if (st != MU_OK)
        return mu_wrap(err, "payload_base64");
    if (memchr(payload.data, '\0', payload.len) || !mu_utf8_valid(payload.data, payload.len))
        return MU_OK;
    (void)json_object_del(shown, "payload_base64");
    (void)json_object_set_new(shown, "payload", json_string(payload.data));
    return MU_OK;
}

static enum mu_status print_record(const struct asked *asked, const struct quarantine_entry *entry,
                                   struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    json_auto_t *shown = NULL;
    const json_t *value;
    const char *key;
    enum mu_status st;

    mu_buf_init(&text, SHOWN_MAX_BYTES);
    st = mu_json_encode(&mu_quarantine_record_object, &entry->record, &text, err);
    if (st == MU_OK)
        st = mu_json_parse(text.data, text.len, &mu_json_message_limits, &shown, err);
    mu_buf_reset(&text);
    if (st == MU_OK)
        (void)json_object_set_new(shown, "id", json_string(entry->id));
    if (st == MU_OK)
        st = add_payload(shown, &entry->record, err);
    if (st != MU_OK)
        return st;
    if (asked->format == MU_FORMAT_JSON) {
        st = mu_json_print(shown, &text, err);
        (void)printf("%s\n", text.data);
        return st;
    }
    json_object_foreach (shown, key, value) {
        const char *word = json_string_value(value);

        mu_buf_reset(&text);
        if (!word && mu_json_print(value, &text, err) != MU_OK)
            return err->status;
        (void)printf("%-20s %s\n", key, word ? word : text.data);
    }
    return MU_OK;
}

static int show(struct asked *asked)
{
    struct mu_error err;

    if (asked->log.count == 0)
        return told(MU_EXIT_DIFFERENCE,
                    (mu_fail(&err, MU_E_NOT_FOUND, "there is no such record"), &err));
    for (size_t i = 0; i < asked->log.count; i++)
        if (print_record(asked, &asked->log.entries[i], &err) != MU_OK)
            return told(MU_EXIT_FAILURE, &err);
    return MU_EXIT_OK;
}

/* ---- replay ---- */

struct replayed {
    const char *outcome;
    size_t messages;
    struct mu_error why;
};

static void replay_one(const struct asked *asked, const struct quarantine_entry *entry,
                       struct feed *feed, struct replayed *ret_replayed)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(REPLAY_ARENA_MAX_BYTES);
    const struct ingest_config *sources = asked->config->config ? &asked->sources : NULL;
    struct revived revived;
    struct mu_error *why = &ret_replayed->why;

    *ret_replayed = (struct replayed){.outcome = "refused"};
    if (quarantine_revive(&entry->record, sources, arena, &revived, why) != MU_OK)
        return;
    ret_replayed->messages = revived.count;
    if (revived.count == 0) {
        ret_replayed->outcome = "ignored";
        return;
    }
    if (feed_send(feed, revived.messages, revived.count, why) != MU_OK)
        ret_replayed->outcome = "failed";
    else
        ret_replayed->outcome = feed->producer ? "delivered" : "would be delivered";
}

static bool is_bad(const struct replayed *replayed)
{
    return mu_text_equal(replayed->outcome, "refused") ||
           mu_text_equal(replayed->outcome, "failed");
}

static int replay_all(const struct asked *asked, struct feed *feed)
{
    static const char *const columns[] = {"id", "source", "outcome", "messages", "why"};
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 5);
    int code = MU_EXIT_OK;

    for (size_t i = 0; i < asked->log.count; i++) {
        const struct quarantine_entry *entry = &asked->log.entries[i];
        struct replayed replayed;
        char messages[24];

        replay_one(asked, entry, feed, &replayed);
        if (is_bad(&replayed))
            code = mu_text_equal(replayed.outcome, "failed") ? MU_EXIT_FAILURE
                   : code == MU_EXIT_OK                      ? MU_EXIT_DIFFERENCE
                                                             : code;
        mu_table_row(table, (const char *const[]){entry->id, entry->record.source, replayed.outcome,
                                                  number_text(messages, (int64_t)replayed.messages),
                                                  is_bad(&replayed) ? replayed.why.message : NULL});
    }
    mu_table_print(table, asked->format, 0, stdout);
    return code;
}

static int replay(struct asked *asked)
{
    const struct quarantine_config *config = asked->config;
    struct feed feed;
    struct mu_error err;
    int code;

    if (config->config &&
        ingest_config_read(config->config, asked->arena, &asked->sources, &err) != MU_OK)
        return told(MU_EXIT_USAGE, &err);
    if (feed_open(&feed, config->dry_run ? NULL : config->kafka_brokers, config->kafka_properties,
                  &err) != MU_OK)
        return told(MU_EXIT_FAILURE, &err);
    code = replay_all(asked, &feed);
    feed_close(&feed);
    return code;
}

/* ---- the command ---- */

static const struct verb {
    const char *name;
    int (*run)(struct asked *asked);
    bool needs_choice;
} verbs[] = {{"list", list, false}, {"show", show, true}, {"replay", replay, true}};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (mu_text_equal(verbs[i].name, name))
            return &verbs[i];
    return NULL;
}

static enum mu_status read_asked(struct asked *asked, const struct verb *verb, struct mu_error *err)
{
    const struct quarantine_config *config = asked->config;

    if (!verb)
        return mu_fail(err, MU_E_INVALID, "say list, show ID or replay ID");
    if (verb->needs_choice && asked->filter.id_count == 0 && !config->source)
        return mu_fail(err, MU_E_INVALID, "%s which? give ids or --source", verb->name);
    if (mu_format_parse(config->format, &asked->format, err) != MU_OK)
        return err->status;
    return read_since(config->since, &asked->filter.since_us, err);
}

int quarantine_command(void *config_struct, int argc, char **argv)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(REPLAY_ARENA_MAX_BYTES);
    const struct quarantine_config *config = config_struct;
    const struct verb *verb = argc > 0 ? find_verb(argv[0]) : NULL;
    struct asked asked = {.config = config,
                          .arena = arena,
                          .filter = {.source = config->source,
                                     .reason = config->reason,
                                     .ids = (const char *const *)(argv + 1),
                                     .id_count = argc > 1 ? (size_t)argc - 1 : 0,
                                     .limit = (size_t)config->limit}};
    struct mu_error err;
    int code;

    if (read_asked(&asked, verb, &err) != MU_OK)
        return told(MU_EXIT_USAGE, &err);
    if (read_log(&asked, &err) != MU_OK)
        return told(MU_EXIT_FAILURE, &err);
    code = verb->run(&asked);
    quarantine_log_done(&asked.log);
    return code;
}
