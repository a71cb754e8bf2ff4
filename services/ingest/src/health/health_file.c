/* What a restart keeps: one JSON file, written whole. */
#include "health/health.h"

#include "health/health_row.h"

#include "base/file.h"
#include "base/text.h"
#include "json/json_doc.h"
#include "json/json_table.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1024 * 1024, FILE_DEPTH = 4 };

static const struct mu_json_limits file_limits = {FILE_MAX_BYTES, FILE_DEPTH};

struct health_file {
    int64_t saved_at_us;
    struct mu_json_array sources; /* of struct health_memory */
};

#define M struct health_memory
#define TIME(member, json)                                                  \
    {                                                                       \
        .name = (json), .type = MU_JSON_TIME, .offset = offsetof(M, member) \
    }
#define COUNT(member, json)                                             \
    {                                                                   \
        .name = (json), .type = MU_JSON_INT, .flags = MU_JSON_REQUIRED, \
        .offset = offsetof(M, member), .max = INT64_MAX                 \
    }
static const struct mu_json_field memory_fields[] = {
        COUNT(errors_total, "errors_total"),
        COUNT(events_total, "events_total"),
        TIME(heard_at_us, "heard_at"),
        TIME(known_since_us, "known_since"),
        TIME(last_event_at_us, "last_event_at"),
        COUNT(longest_interval_us, "longest_interval_us"),
        COUNT(mean_interval_us, "mean_interval_us"),
        {.name = "name",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED | MU_JSON_VISIBLE,
         .offset = offsetof(M, name),
         .min = 1,
         .max = HEALTH_NAME_SIZE - 1},
        {.name = "told_silent", .type = MU_JSON_BOOL, .offset = offsetof(M, told_silent)},
        TIME(visit_at_us, "visit_at"),
        COUNT(visits, "visits"),
};

static const struct mu_json_object memory_object = {.name = "source",
                                                    .fields = memory_fields,
                                                    .field_count = sizeof(memory_fields) /
                                                                   sizeof(memory_fields[0]),
                                                    .struct_size = sizeof(M)};

static const struct mu_json_field file_fields[] = {
        {.name = "saved_at",
         .type = MU_JSON_TIME,
         .flags = MU_JSON_REQUIRED,
         .offset = offsetof(struct health_file, saved_at_us)},
        {.name = "sources",
         .type = MU_JSON_ARRAY,
         .flags = MU_JSON_REQUIRED,
         .offset = offsetof(struct health_file, sources),
         .max = HEALTH_MAX_ROWS,
         .object = &memory_object},
};

static const struct mu_json_object file_object = {.name = "health of sources",
                                                  .fields = file_fields,
                                                  .field_count = sizeof(file_fields) /
                                                                 sizeof(file_fields[0]),
                                                  .struct_size = sizeof(struct health_file)};

/* ---- reading ---- */

/* Moves an instant by the time in which nobody could have heard the source. */
static int64_t moved(int64_t at_us, int64_t away_us, int64_t now_us)
{
    if (at_us == MU_TIME_NONE)
        return at_us;
    return at_us + away_us < now_us ? at_us + away_us : now_us;
}

static void remember(struct health *health, const struct health_memory *memory, int64_t away_us,
                     int64_t now_us)
{
    struct source_health *row = health_row_of(health, memory->name, now_us);

    if (!row)
        return;
    row->memory = *memory;
    row->memory.name = row->name;
    row->memory.known_since_us =
            moved(memory->known_since_us == MU_TIME_NONE ? now_us : memory->known_since_us, away_us,
                  now_us);
    row->memory.visit_at_us = moved(memory->visit_at_us, away_us, now_us);
    row->memory.heard_at_us = moved(memory->heard_at_us, away_us, now_us);
}

enum mu_status health_parse(struct health *health, const char *bytes, size_t len, int64_t now_us,
                            struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(8 * FILE_MAX_BYTES);
    json_auto_t *root = NULL;
    struct health_file file;
    enum mu_status st = mu_json_parse(bytes, len, &file_limits, &root, err);
    int64_t away_us;

    if (st == MU_OK)
        st = mu_json_decode(&file_object, root, arena, &file, err);
    if (st != MU_OK)
        return st;
    away_us = now_us > file.saved_at_us ? now_us - file.saved_at_us : 0;
    for (size_t i = 0; i < file.sources.count; i++)
        remember(health, (const struct health_memory *)file.sources.items + i, away_us, now_us);
    return MU_OK;
}

enum mu_status health_open(const char *path, int64_t now_us, struct health **ret_health,
                           struct mu_error *err)
{
    MU_AUTO(health) struct health *health = mu_xcalloc(1, sizeof(*health));
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st = MU_E_NOT_FOUND;

    mu_buf_init(&text, FILE_MAX_BYTES);
    (void)pthread_mutex_init(&health->lock, NULL);
    health->path = path ? mu_xstrdup(path) : NULL;
    if (path)
        st = mu_file_read(path, &text, err);
    if (st == MU_OK)
        st = health_parse(health, text.data, text.len, now_us, err);
    if (st != MU_OK && st != MU_E_NOT_FOUND)
        return mu_wrap(err, "'%s'", path);
    *ret_health = health;
    health = NULL;
    return MU_OK;
}

/* ---- writing ---- */

static void copy_memories(struct health *health, struct health_memory *ret_memories, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)pthread_mutex_lock(&health->rows[i]->lock);
        ret_memories[i] = health->rows[i]->memory;
        (void)pthread_mutex_unlock(&health->rows[i]->lock);
    }
}

enum mu_status health_save(struct health *health, int64_t now_us, struct mu_error *err)
{
    size_t count = health->count;
    MU_AUTO_FREE struct health_memory *memories = mu_xcalloc(count + 1, sizeof(*memories));
    struct health_file file = {now_us, {memories, count}};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st;

    mu_buf_init(&text, FILE_MAX_BYTES);
    if (!health->path)
        return MU_OK;
    copy_memories(health, memories, count);
    st = mu_json_encode(&file_object, &file, &text, err);
    return st == MU_OK ? mu_file_write_atomic(health->path, text.data, text.len, err) : st;
}
