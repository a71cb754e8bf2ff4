#include "store/month_store.h"

#include "bundle/manifest.h"
#include "snapshot/snapshot_file.h"
#include "store/chain.h"
#include "store/history.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STORE_MAX_CLOSES = 10 * 1000,
    STORE_ARENA_BYTES = 256 * 1024 * 1024,
    SYSTEM_ARENA_BYTES = 32 * 1024 * 1024 /* with the statements that it names */
};

struct month_store {
    char folder[STORE_PATH_SIZE];
    struct mu_arena *arena;
    struct month_close **closes; /* by serial */
    size_t count;
};

enum mu_status store_path(char ret_path[STORE_PATH_SIZE], struct mu_error *err, const char *fmt,
                          ...)
{
    va_list arguments;
    int len;

    va_start(arguments, fmt);
    len = vsnprintf(ret_path, STORE_PATH_SIZE, fmt, arguments);
    va_end(arguments);
    return len >= 0 && len < STORE_PATH_SIZE
                   ? MU_OK
                   : mu_fail(err, MU_E_LIMIT, "path '%.100s...' is too long", ret_path);
}

/* ---- opening ---- */

static enum mu_status read_record(struct month_store *store, const char *name,
                                  struct month_close *close, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    char path[STORE_PATH_SIZE], own[CLOSE_MONTH_SIZE + 16];
    enum mu_status st =
            store_path(close->folder, err, "%s/%s/%s", store->folder, STORE_MONTHS, name);

    mu_buf_init(&bytes, CLOSE_RECORD_MAX_BYTES);
    if (st == MU_OK)
        st = store_path(path, err, "%s/%s", close->folder, MONTH_CLOSE);
    if (st == MU_OK)
        st = mu_file_read(path, &bytes, err);
    if (st == MU_OK)
        st = close_record_parse(bytes.data, bytes.len, store->arena, &close->record, err);
    if (st != MU_OK) {
        (void)mu_wrap(err, "'%.200s/%s'", name, MONTH_CLOSE);
        return err->status = st == MU_E_NOT_FOUND ? MU_E_INVALID : st;
    }
    mu_sha256_text(bytes.data, bytes.len, close->sha256);
    (void)snprintf(own, sizeof(own), "%s-r%lld", close->record.month,
                   (long long)close->record.revision);
    return mu_text_equal(own, name)
                   ? MU_OK
                   : mu_fail(err, MU_E_INVALID, "'%.200s/%s' is of %s", name, MONTH_CLOSE, own);
}

static enum mu_status add_close(struct month_store *store, const char *name, struct mu_error *err)
{
    struct month_close *close = mu_arena_alloc(store->arena, sizeof(*close));
    enum mu_status st;

    if (!close || store->count == STORE_MAX_CLOSES)
        return mu_fail(err, MU_E_LIMIT, "'%s' holds more than %d closes", store->folder,
                       STORE_MAX_CLOSES);
    st = read_record(store, name, close, err);
    if (st == MU_OK)
        store->closes[store->count++] = close;
    return st;
}

static int by_serial(const void *left, const void *right)
{
    const struct close_record *a = &(*(struct month_close *const *)left)->record;
    const struct close_record *b = &(*(struct month_close *const *)right)->record;
    int months = strcmp(a->month, b->month);

    if (a->serial != b->serial)
        return a->serial < b->serial ? -1 : 1;
    return months != 0 ? months : (a->revision > b->revision) - (a->revision < b->revision);
}

static enum mu_status read_closes(struct month_store *store, DIR *months, struct mu_error *err)
{
    const struct dirent *entry;
    enum mu_status st = MU_OK;

    errno = 0;
    while (st == MU_OK && (entry = readdir(months)))
        if (entry->d_name[0] != '.')
            st = add_close(store, entry->d_name, err);
    if (st == MU_OK && errno != 0)
        st = mu_fail(err, MU_E_UNAVAILABLE, "'%s/%s': %s", store->folder, STORE_MONTHS,
                     strerror(errno));
    if (st == MU_OK && store->count > 1)
        qsort(store->closes, store->count, sizeof(struct month_close *), by_serial);
    return st;
}

enum mu_status month_store_open(const char *folder, struct month_store **ret_store,
                                struct mu_error *err)
{
    MU_AUTO(month_store) struct month_store *store = mu_xcalloc(1, sizeof(*store));
    char path[STORE_PATH_SIZE];
    DIR *months;
    enum mu_status st = store_path(store->folder, err, "%s", folder);

    store->arena = mu_arena_new(STORE_ARENA_BYTES);
    store->closes = mu_xcalloc(STORE_MAX_CLOSES, sizeof(struct month_close *));
    if (st == MU_OK)
        st = store_path(path, err, "%s/%s", folder, STORE_MONTHS);
    if (st != MU_OK)
        return st;
    if (access(folder, F_OK) != 0)
        return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE, "store '%s': %s",
                       folder, strerror(errno));
    months = opendir(path);
    if (!months && errno != ENOENT)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    if (months) {
        st = read_closes(store, months, err);
        (void)closedir(months);
    }
    if (st != MU_OK)
        return mu_wrap(err, "store");
    *ret_store = store;
    store = NULL;
    return MU_OK;
}

void month_store_free(struct month_store *store)
{
    if (!store)
        return;
    free(store->closes);
    mu_arena_free(store->arena);
    free(store);
}

/* ---- what is there ---- */

const char *month_store_folder(const struct month_store *store)
{
    return store->folder;
}

size_t month_store_count(const struct month_store *store)
{
    return store->count;
}

const struct month_close *month_store_at(const struct month_store *store, size_t index)
{
    return store->closes[index];
}

const struct month_close *month_store_find(const struct month_store *store, const char *month,
                                           int64_t revision)
{
    const struct month_close *found = NULL;

    for (size_t i = 0; i < store->count; i++) {
        const struct close_record *record = &store->closes[i]->record;

        if (mu_text_equal(record->month, month) &&
            (revision == 0 ? !found || record->revision > found->record.revision
                           : record->revision == revision))
            found = store->closes[i];
    }
    return found;
}

const struct month_close *month_store_newest(const struct month_store *store)
{
    const struct month_close *newest = NULL;

    for (size_t i = 0; i < store->count; i++)
        if (!newest || strcmp(store->closes[i]->record.month, newest->record.month) >= 0)
            newest = store->closes[i];
    return newest ? month_store_find(store, newest->record.month, 0) : NULL;
}

/* ---- loading ---- */

enum mu_status month_close_file(const struct month_close *close, const char *name,
                                const struct close_file *expected, char ret_path[STORE_PATH_SIZE],
                                struct mu_error *err)
{
    char digest[MU_DIGEST_TEXT_SIZE];
    uint64_t size_bytes;
    enum mu_status st = store_path(ret_path, err, "%s/%s", close->folder, name);

    if (st == MU_OK)
        st = manifest_hash_file(ret_path, digest, &size_bytes, err);
    if (st == MU_E_NOT_FOUND)
        return mu_fail(err, MU_E_CONFLICT, "'%s' is missing: restore the store from its backup",
                       ret_path);
    if (st == MU_OK && !mu_text_equal(digest, expected->sha256))
        st = mu_fail(err, MU_E_CONFLICT,
                     "'%s' is not what was closed (%s, closed as %s): restore the store from its "
                     "backup",
                     ret_path, digest, expected->sha256);
    return st;
}

static const struct close_companion *companion_of(const struct close_record *record,
                                                  enum system_companion key)
{
    const struct close_companion *companions = record->companions.items;

    for (size_t i = 0; i < record->companions.count; i++)
        if (mu_text_equal(companions[i].key, system_companion_keys[key]))
            return &companions[i];
    return NULL;
}

/* The system file names the store's copies from here on, and nothing else. */
static enum mu_status load_companion(struct closed_month *month, enum system_companion key,
                                     struct mu_error *err)
{
    const struct close_companion *companion = companion_of(&month->close->record, key);
    const bool named = *system_file_companion(&month->system, key);
    char path[STORE_PATH_SIZE];
    const char *kept;
    enum mu_status st;

    if (named != (companion != NULL))
        return mu_fail(err, MU_E_CONFLICT, "%s and %s differ on '%s'", MONTH_CLOSE, MONTH_SYSTEM,
                       system_companion_keys[key]);
    if (!named)
        return MU_OK;
    st = month_close_file(month->close, companion->name, &companion->file, path, err);
    if (st != MU_OK)
        return st;
    kept = mu_arena_strdup(month->arena, path);
    if (!kept)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    system_file_set_companion(&month->system, key, kept);
    return MU_OK;
}

static enum mu_status load_system(struct closed_month *month, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    char path[STORE_PATH_SIZE];
    enum mu_status st =
            month_close_file(month->close, MONTH_SYSTEM, &month->close->record.system, path, err);

    mu_buf_init(&bytes, SYSTEM_FILE_MAX_BYTES);
    if (st == MU_OK)
        st = mu_file_read(path, &bytes, err);
    if (st == MU_OK)
        st = system_file_parse(path, bytes.data, bytes.len, month->arena, &month->system, err);
    for (int key = 0; st == MU_OK && key < SYSTEM_COMPANIONS; key++)
        st = load_companion(month, (enum system_companion)key, err);
    return st == MU_OK ? system_file_read_statements(month->arena, &month->system, err) : st;
}

static enum mu_status load_files(const struct month_store *store, struct closed_month *month,
                                 struct mu_error *err)
{
    const struct close_record *record = &month->close->record;
    char path[STORE_PATH_SIZE];
    MU_AUTO_FILE FILE *in = NULL;
    enum mu_status st = store_path(month->evidence, err, "%s/%s", store->folder, STORE_EVIDENCE);

    if (st == MU_OK)
        st = load_system(month, err);
    if (st == MU_OK)
        st = store_history(store, record, month->arena, &month->history, err);
    if (st == MU_OK)
        st = month_close_file(month->close, MONTH_SNAPSHOT, &record->snapshot, path, err);
    if (st != MU_OK)
        return st;
    in = fopen(path, "re");
    if (!in)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    st = snapshot_load(in, &month->snapshot, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "'%s'", path);
}

enum mu_status month_store_load(const struct month_store *store, const char *month,
                                int64_t revision, struct closed_month **ret_month,
                                struct mu_error *err)
{
    MU_AUTO(closed_month) struct closed_month *closed = mu_xcalloc(1, sizeof(*closed));
    char problem[CHAIN_PROBLEM_SIZE];
    enum mu_status st;

    closed->arena = mu_arena_new(SYSTEM_ARENA_BYTES);
    closed->close = month_store_find(store, month, revision);
    if (!closed->close && revision > 0 && month_store_find(store, month, 0))
        return mu_fail(err, MU_E_NOT_FOUND,
                       "%s has no revision %lld in '%s': muster-report months lists them", month,
                       (long long)revision, store->folder);
    if (!closed->close)
        return mu_fail(err, MU_E_NOT_FOUND,
                       "%s is not closed in '%s': close it with muster-report close", month,
                       store->folder);
    if (!chain_links_hold(store, closed->close, problem))
        return mu_fail(err, MU_E_CONFLICT,
                       "%s: the chain is broken: %.300s: restore the store from its backup", month,
                       problem);
    st = load_files(store, closed, err);
    if (st != MU_OK)
        return st;
    *ret_month = closed;
    closed = NULL;
    return MU_OK;
}

void closed_month_free(struct closed_month *month)
{
    if (!month)
        return;
    snapshot_free(month->snapshot);
    mu_arena_free(month->arena);
    free(month);
}
