/* list: what a listing of a registry would tell. Reads what is known; sends and writes nothing. */
#include "app/commands.h"

#include "config/ingest_config.h"
#include "listing/listing_run.h"
#include "source/source.h"

#include "base/memory.h"
#include "base/stop.h"
#include "base/table.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LIST_ARENA_MAX_BYTES = 64 * 1024 * 1024, LIST_ROWS_MAX = 100000 };

#define OPTION(member) offsetof(struct list_config, member)

const struct mu_option list_options[LIST_OPTION_COUNT] = {
        {"config", MU_OPTION_TEXT, OPTION(config), NULL, 0, 0, MU_OPTION_REQUIRED,
         "YAML file of sources"},
        {"source", MU_OPTION_TEXT, OPTION(source), NULL, 0, 0, MU_OPTION_REQUIRED,
         "name of a source of kind registry"},
        {"spool-dir", MU_OPTION_TEXT, OPTION(spool_dir), NULL, 0, 0, 0,
         "folder of the running ingest, which holds what is known; without it every tag is new"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text or json"},
};

static int fail(int code, const struct mu_error *err)
{
    (void)fprintf(stderr, "muster-ingest: %s\n", err->message);
    return code;
}

static enum mu_status add_row(void *opaque, const struct tag_change *change, struct mu_error *err)
{
    static const char *const words[] = {
            [TAG_NEW] = "new", [TAG_MOVED] = "moved", [TAG_GONE] = "gone"};
    struct mu_table *table = opaque;

    (void)err;
    if (mu_table_row_count(table) == LIST_ROWS_MAX)
        return MU_OK; /* the counts tell of the rest */
    mu_table_row(table, (const char *const[]){
                                words[change->kind], change->line->repository, change->line->tag,
                                change->kind == TAG_GONE ? NULL : change->line->digest,
                                change->previous[0] ? change->previous : NULL});
    return MU_OK;
}

/* A file of its own to sort in: the running ingest may be listing too. */
static enum mu_status spill_path(char *ret_path, size_t size, struct mu_error *err)
{
    MU_AUTO_FD int fd = -1;

    (void)snprintf(ret_path, size, "%s/muster-list-XXXXXX", P_tmpdir);
    fd = mkstemp(ret_path);
    return fd >= 0 ? MU_OK : mu_fail(err, MU_E_UNAVAILABLE, "no file in %s", P_tmpdir);
}

static int list(const struct list_config *config, const struct source_config *source,
                struct mu_table *table, enum mu_format format)
{
    static const atomic_bool never = false;
    char spill[64];
    struct listing_run run = {.source = source,
                              .folder = config->spool_dir ? config->spool_dir : "/nonexistent",
                              .spill = spill,
                              .stopping = &never,
                              .on_change = add_row,
                              .opaque = table};
    struct listing_result result;
    struct mu_error err;
    enum mu_status st = spill_path(spill, sizeof(spill), &err);

    if (st != MU_OK)
        return fail(MU_EXIT_FAILURE, &err);
    st = listing_run(&run, &result, &err);
    mu_table_print(table, format, 0, stdout);
    (void)fprintf(stderr, "%zu repositories, %zu tags: %zu new, %zu moved, %zu gone\n",
                  result.walk.repositories, result.walk.tags, result.new_tags, result.moved,
                  result.gone);
    if (result.walk.failed > 0)
        (void)fprintf(stderr, "muster-ingest: %zu repositories could not be listed, first %s\n",
                      result.walk.failed, result.walk.failure);
    if (st != MU_OK)
        return fail(MU_EXIT_FAILURE, &err);
    return result.walk.failed > 0 ? MU_EXIT_FAILURE : MU_EXIT_OK;
}

int list_command(void *config_struct, int argc, char **argv)
{
    static const char *const columns[] = {"change", "repository", "tag", "digest", "previous"};
    const struct list_config *config = config_struct;
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(LIST_ARENA_MAX_BYTES);
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 5);
    const struct source_config *source;
    struct ingest_config sources;
    enum mu_format format;
    struct mu_error err;

    (void)argc, (void)argv;
    if (mu_format_parse(config->format, &format, &err) != MU_OK ||
        ingest_config_read(config->config, arena, &sources, &err) != MU_OK)
        return fail(MU_EXIT_USAGE, &err);
    source = ingest_config_find(&sources, config->source);
    if (!source || !mu_text_equal(source->kind->transport, "listing")) {
        (void)mu_fail(&err, MU_E_INVALID, "%s: no source '%s' of kind registry", config->config,
                      config->source);
        return fail(MU_EXIT_USAGE, &err);
    }
    mu_stop_install();
    return list(config, source, table, format);
}
