/* The verbs that only look: check-config and sources. */
#include "app/commands.h"

#include "auth/auth.h"
#include "config/ingest_config.h"
#include "source/source.h"

#include "base/table.h"
#include "base/text.h"

#include <stdio.h>

enum { INSPECT_ARENA_MAX_BYTES = 256 * 1024 * 1024 };

const struct mu_option check_options[CHECK_OPTION_COUNT] = {
        {"config", MU_OPTION_TEXT, offsetof(struct check_config, config), NULL, 0, 0,
         MU_OPTION_REQUIRED, "YAML file of sources"},
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

static const char *id_words(const struct source_kind *kind)
{
    static const char *const words[] = {[SOURCE_ID_TOLD] = "the sender's id",
                                        [SOURCE_ID_CONTENT] = "content",
                                        [SOURCE_ID_CONTENT_AND_TIME] = "content within 10 minutes"};

    return words[kind->id];
}

int sources_command(void *config_struct, int argc, char **argv)
{
    static const char *const columns[] = {"kind", "transport", "sender", "auth", "same_event_by"};
    const struct sources_config *config = config_struct;
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 5);
    enum mu_format format;
    struct mu_error err;

    (void)argc, (void)argv;
    if (mu_format_parse(config->format, &format, &err) != MU_OK)
        return usage(&err);
    for (size_t i = 0; i < source_kind_count; i++) {
        const struct source_kind *kind = source_kinds[i];
        MU_AUTO_DONE(mu_buf_done) struct mu_buf auth;

        mu_buf_init(&auth, 256);
        auth_words(kind->auth, &auth);
        mu_table_row(table, (const char *const[]){kind->name, kind->transport, kind->sender,
                                                  kind->auth ? auth.data : "ours", id_words(kind)});
    }
    mu_table_print(table, format, 0, stdout);
    return MU_EXIT_OK;
}

/* The ways a source's senders prove themselves; what we prove ourselves with where we ask. */
static const char *ways_of(const struct source_config *source, struct mu_buf *text)
{
    unsigned kinds = 0;

    for (size_t i = 0; i < source->rule_count; i++)
        kinds |= source->rules[i].kind;
    auth_words(kinds, text);
    if (source->token_file)
        return "our token";
    return text->len > 0 ? text->data : "none";
}

static bool takes_everybody(const struct source_config *source)
{
    return mu_text_equal(source->kind->transport, "webhook") && source->rule_count == 0;
}

static void print_warnings(const struct ingest_config *sources)
{
    for (size_t i = 0; i < sources->source_count; i++)
        if (takes_everybody(&sources->sources[i]))
            (void)fprintf(stderr,
                          "muster-ingest: warning: source '%s' has no 'auth': whoever reaches %s "
                          "may send events\n",
                          sources->sources[i].name, sources->sources[i].path);
}

int check_command(void *config_struct, int argc, char **argv)
{
    static const char *const columns[] = {"name", "kind", "path_or_url", "auth", "aliases"};
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
        MU_AUTO_DONE(mu_buf_done) struct mu_buf auth;

        mu_buf_init(&auth, 256);
        mu_table_row(table,
                     (const char *const[]){source->name, source->kind->name,
                                           source->url ? source->url : source->path,
                                           ways_of(source, &auth),
                                           mu_arena_printf(arena, "%zu", source->alias_count)});
    }
    mu_table_print(table, MU_FORMAT_TEXT, 0, stdout);
    print_warnings(&sources);
    return MU_EXIT_OK;
}
