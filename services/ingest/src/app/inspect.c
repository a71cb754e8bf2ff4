/* The verbs that need no broker: check-config, explain, sources. */
#include "app/commands.h"

#include "config/ingest_config.h"
#include "delivery/outbound.h"
#include "source/source.h"

#include "base/file.h"
#include "base/table.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { INSPECT_ARENA_MAX_BYTES = 256 * 1024 * 1024 };

const struct mu_option check_options[CHECK_OPTION_COUNT] = {
        {"config", MU_OPTION_TEXT, offsetof(struct check_config, config), NULL, 0, 0,
         MU_OPTION_REQUIRED, "YAML file of sources"},
};

const struct mu_option explain_options[EXPLAIN_OPTION_COUNT] = {
        {"config", MU_OPTION_TEXT, offsetof(struct explain_config, config), NULL, 0, 0, 0,
         "YAML file of sources, for --source"},
        {"source", MU_OPTION_TEXT, offsetof(struct explain_config, source), NULL, 0, 0, 0,
         "name of a source in the file: its kind and aliases apply"},
        {"kind", MU_OPTION_TEXT, offsetof(struct explain_config, kind), NULL, 0, 0, 0,
         "kind of source, when there is no file yet"},
        {"content-type", MU_OPTION_TEXT, offsetof(struct explain_config, content_type), NULL, 0, 0,
         0, "Content-Type the sender gives"},
};

const struct mu_option sources_options[SOURCES_OPTION_COUNT] = {
        {"format", MU_OPTION_TEXT, offsetof(struct sources_config, format), "text", 0, 0, 0,
         "text or json"},
};

static int usage(const struct mu_error *err)
{
    (void)fprintf(stderr, "muster-ingest: %s\n", err->message);
    return MU_EXIT_USAGE;
}

int sources_command(void *config_struct, int argc, char **argv)
{
    static const char *const columns[] = {"kind", "transport", "content_types", "events"};
    const struct sources_config *config = config_struct;
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 4);
    enum mu_format format;
    struct mu_error err;

    (void)argc, (void)argv;
    if (mu_format_parse(config->format, &format, &err) != MU_OK)
        return usage(&err);
    for (size_t i = 0; i < source_kind_count; i++)
        mu_table_row(table,
                     (const char *const[]){source_kinds[i].name, source_kinds[i].transport,
                                           source_kinds[i].content_types, source_kinds[i].events});
    mu_table_print(table, format, 0, stdout);
    return MU_EXIT_OK;
}

int check_command(void *config_struct, int argc, char **argv)
{
    static const char *const columns[] = {"name", "kind", "path_or_url", "credentials", "aliases"};
    const struct check_config *config = config_struct;
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(INSPECT_ARENA_MAX_BYTES);
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 5);
    struct ingest_config sources;
    struct mu_error err;

    (void)argc, (void)argv;
    if (ingest_config_read(config->config, arena, &sources, &err) != MU_OK)
        return usage(&err);
    for (size_t i = 0; i < sources.source_count; i++) {
        const struct source_config *source = &sources.sources[i];

        mu_table_row(table, (const char *const[]){
                                    source->name, source->kind->name,
                                    source->url ? source->url : source->path,
                                    source->secret_count || source->token_file ? "set" : "none",
                                    mu_arena_printf(arena, "%zu", source->alias_count)});
    }
    mu_table_print(table, MU_FORMAT_TEXT, 0, stdout);
    return MU_EXIT_OK;
}

/* ---- explain ---- */

static enum mu_status choose_source(const struct explain_config *config, struct mu_arena *arena,
                                    struct source_config *ret_source, struct mu_error *err)
{
    const struct source_config *found;
    struct ingest_config sources;
    enum mu_status st;

    if (!config->source) {
        *ret_source = (struct source_config){.name = "explain", .cluster = "explain"};
        ret_source->kind = source_kind_find(config->kind ? config->kind : "");
        return ret_source->kind ? MU_OK
                                : mu_fail(err, MU_E_INVALID,
                                          "give --kind, or --config and --source; 'muster-ingest "
                                          "sources' lists the kinds");
    }
    if (!config->config)
        return mu_fail(err, MU_E_INVALID, "--source needs --config");
    st = ingest_config_read(config->config, arena, &sources, err);
    if (st != MU_OK)
        return st;
    found = ingest_config_find(&sources, config->source);
    if (!found)
        return mu_fail(err, MU_E_INVALID, "%s: no source '%s'", config->config, config->source);
    *ret_source = *found;
    return MU_OK;
}

/* One JSON line per message as it would go to Kafka; {"ignored":n} for what is of no interest. */
static int print_messages(const struct source_events *events, const struct mu_outgoing *messages)
{
    int code = MU_EXIT_OK;

    for (size_t i = 0; i < events->count; i++) {
        const struct mu_outgoing *message = &messages[i];

        (void)printf("{\"topic\":\"%s\",\"ce_type\":\"%s\",\"ce_id\":\"%s\",\"data\":%.*s}\n",
                     mu_topic_name(message->topic),
                     mu_msg_descriptor(message->envelope.type)->ce_type, message->envelope.id,
                     (int)message->value_len, (const char *)message->value);
        if (message->topic == MU_TOPIC_QUARANTINE) {
            const struct mu_quarantine_record *record = events->items[i].message;

            (void)fprintf(stderr, "not understood: %s\n", record->reason);
            code = MU_EXIT_DIFFERENCE;
        }
    }
    if (events->ignored > 0)
        (void)printf("{\"ignored\":%zu}\n", events->ignored);
    return code;
}

int explain_command(void *config_struct, int argc, char **argv)
{
    const struct explain_config *config = config_struct;
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(INSPECT_ARENA_MAX_BYTES);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    struct source_config source = {0};
    struct source_events events = {.arena = arena};
    struct source_input input = {.source = &source,
                                 .content_type = config->content_type,
                                 .received_at_us = mu_now_us(),
                                 .arena = arena};
    struct mu_outgoing *messages = NULL;
    struct mu_error err;

    mu_buf_init(&body, SOURCE_MAX_BODY_BYTES);
    if (argc != 1)
        return usage((mu_fail(&err, MU_E_INVALID, "explain takes one file"), &err));
    if (choose_source(config, arena, &source, &err) != MU_OK ||
        mu_file_read(argv[0], &body, &err) != MU_OK)
        return usage(&err);
    input.body = body.data;
    input.len = body.len;
    if (source_decode(&input, &events, &err) != MU_OK ||
        outbound_make(&input, &events, NULL, &messages, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-ingest: %s\n", err.message);
        return MU_EXIT_FAILURE;
    }
    return print_messages(&events, messages);
}
