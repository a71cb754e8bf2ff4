/* `muster-scanner db update`: refreshes the sources, then builds the database from what is kept. */
#include "app/db.h"

#include "database/feed_store.h"
#include "json/json_doc.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_MAX_BYTES = 1024 * 1024, SOURCES_MAX = 1024, DEADLINE_MS = 1800000, SPEC_EXTRA = 64 };

struct update {
    const char *out, *folder;
    struct mu_http_client *client;
    const json_t *sources;
    int64_t now_us;
    int64_t oldest_us; /* of the times at which publishers confirmed what is kept */
    char **specs;      /* inputs of the build; owned */
    int count;
    bool failed; /* a source keeps what it had */
};

static enum mu_status load_config(const char *path, json_t **ret_root, struct mu_error *err)
{
    static const struct mu_json_limits limits = {CONFIG_MAX_BYTES, 8};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, CONFIG_MAX_BYTES);
    st = mu_file_read(path, &bytes, err);
    if (st == MU_OK)
        st = mu_json_parse(bytes.data, bytes.len, &limits, ret_root, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "sources '%s'", path);
}

static enum mu_status read_source(const json_t *entry, struct feed_source *source,
                                  struct mu_error *err)
{
    *source = (struct feed_source){.name = json_string_value(json_object_get(entry, "name")),
                                   .url = json_string_value(json_object_get(entry, "url")),
                                   .kind = json_string_value(json_object_get(entry, "kind"))};
    if (!source->name || !source->url)
        return mu_fail(err, MU_E_INVALID, "sources: name and url are needed of each");
    return MU_OK;
}

static void keep_spec(struct update *update, const struct feed_source *source,
                      const struct feed_copy *copy)
{
    size_t size = strlen(copy->path) + SPEC_EXTRA;
    char *spec = mu_xcalloc(1, size);

    (void)snprintf(spec, size, "%s%s%s", source->kind ? source->kind : "", source->kind ? ":" : "",
                   copy->path);
    update->specs[update->count++] = spec;
    if (copy->checked_at_us < update->oldest_us)
        update->oldest_us = copy->checked_at_us;
}

/* A source that fails keeps its copy; one that never had any stops the update: a database without
 * it would look as if it had been asked. */
static enum mu_status refresh_one(struct update *update, const json_t *entry, struct mu_error *err)
{
    struct feed_source source;
    struct feed_copy copy;
    char time[MU_TIME_TEXT_SIZE];
    enum mu_status st = read_source(entry, &source, err);

    if (st != MU_OK)
        return st;
    st = feed_refresh(update->client, update->folder, &source, update->now_us, &copy, err);
    if (st != MU_OK && (!copy.there || copy.checked_at_us == MU_TIME_NONE))
        return st;
    keep_spec(update, &source, &copy);
    if (st == MU_OK) {
        (void)printf("%s: %s\n", source.name, copy.changed ? "new" : "unchanged");
        return MU_OK;
    }
    update->failed = true;
    mu_time_format(copy.checked_at_us, time);
    (void)fprintf(stderr, "muster-scanner: %s; what was kept of %s is used\n", err->message, time);
    return MU_OK;
}

static enum mu_status refresh_all(struct update *update, struct mu_error *err)
{
    const json_t *entry;
    enum mu_status st = MU_OK;
    size_t index;

    json_array_foreach (update->sources, index, entry) {
        if (st == MU_OK)
            st = refresh_one(update, entry, err);
    }
    return st;
}

static enum mu_status prepare(struct update *update, const json_t *root, struct mu_error *err)
{
    const struct mu_http_client_config config = {
            .user_agent = "muster-scanner/" MU_VERSION,
            .deadline_ms = DEADLINE_MS,
            .ca_file = json_string_value(json_object_get(root, "ca_file"))};
    size_t count;

    update->folder = json_string_value(json_object_get(root, "folder"));
    update->sources = json_object_get(root, "sources");
    count = json_array_size(update->sources);
    if (!update->folder || count == 0 || count > SOURCES_MAX)
        return mu_fail(err, MU_E_INVALID, "sources: 'folder' and up to %d 'sources' are needed",
                       SOURCES_MAX);
    update->specs = mu_xcalloc(count, sizeof(char *));
    if (feed_store_prepare(update->folder, err) != MU_OK)
        return err->status;
    return mu_http_client_new(&config, &update->client, err);
}

static void release(struct update *update)
{
    for (int i = 0; i < update->count; i++)
        free(update->specs[i]);
    free(update->specs);
    mu_http_client_free(update->client);
}

/* The database is as old as its oldest source: built just now of data that nobody confirms any
 * more, it is not fresh. */
int db_update(const struct db_config *config, int count, char **arguments)
{
    MU_AUTO_DONE(release)
    struct update update = {.out = config->out, .now_us = mu_now_us(), .oldest_us = INT64_MAX};
    json_auto_t *root = NULL;
    struct mu_error err;
    char *written = (char *)(uintptr_t)config->out;
    int code;

    (void)count, (void)arguments;
    mu_stop_install();
    if (load_config(config->sources, &root, &err) != MU_OK || prepare(&update, root, &err) != MU_OK)
        return db_fail(&err, MU_EXIT_USAGE);
    if (refresh_all(&update, &err) != MU_OK ||
        db_build_file(config->out, update.oldest_us, update.count,
                      (const char *const *)update.specs, &err) != MU_OK)
        return db_fail(&err, MU_EXIT_FAILURE);
    code = db_info(config, 1, &written);
    return code == MU_EXIT_OK && update.failed ? MU_EXIT_DIFFERENCE : code;
}
