#include "verify/verify.h"

#include "verify/checks.h"
#include "verify/documents.h"
#include "verify/place.h"
#include "verify/state.h"

#include "bundle/layout.h"

#include "base/clock.h"
#include "base/stop.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *const verify_columns[] = {"check", "subject", "difference"};
const char *const verify_gap_columns[] = {"asset", "state", "pod", "container", "reason"};
const char *const verify_signature_columns[] = {"file", "kind", "by", "result"};

void verify_difference(struct verify_state *state, const char *check, const char *subject,
                       const char *fmt, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, arguments);
    va_end(arguments);
    state->summary.differences++;
    if (state->summary.differences <= VERIFY_MAX_REPORTED)
        mu_table_row(state->tables.differences, (const char *const[]){check, subject, text});
}

bool verify_path(struct verify_state *state, const char *name, char ret_path[VERIFY_PATH_SIZE])
{
    struct stat status;

    if (snprintf(ret_path, VERIFY_PATH_SIZE, "%s/%s", state->folder, name) >= VERIFY_PATH_SIZE) {
        verify_difference(state, "files", name, "the path is too long");
        return false;
    }
    if (lstat(ret_path, &status) != 0) {
        verify_difference(state, "files", name, "cannot be read: %s", strerror(errno));
        return false;
    }
    if (!S_ISREG(status.st_mode)) {
        verify_difference(state, "files", name, "is no plain file");
        return false;
    }
    return true;
}

FILE *verify_open(struct verify_state *state, const char *name)
{
    char path[VERIFY_PATH_SIZE];
    FILE *in;

    if (!verify_path(state, name, path))
        return NULL;
    in = fopen(path, "re");
    if (!in)
        verify_difference(state, "files", name, "cannot be read: %s", strerror(errno));
    return in;
}

bool verify_lists(struct verify_state *state, const char *name)
{
    return verify_ask_number(state->store, "SELECT count(*) FROM files WHERE name = ?",
                             (const char *const[]){name, NULL}) > 0;
}

bool verify_read_pieces(struct verify_state *state, const char *name, FILE *in,
                        const struct verify_pieces *pieces)
{
    bool is_array = false;
    struct mu_error err;
    enum mu_status st =
            json_stream_read(in, pieces->wish, pieces->each, pieces->opaque, &is_array, &err);

    if (st == MU_OK && is_array != pieces->wants_array)
        verify_difference(state, "files", name, "is no %s",
                          pieces->wants_array ? "array" : "object");
    else if (st != MU_OK)
        verify_difference(state, "files", name, "cannot be read: %s", err.message);
    return st == MU_OK && is_array == pieces->wants_array;
}

bool verify_key_fits(const char *uai, const char *digest)
{
    return strlen(uai) + strlen(digest) < VERIFY_KEY_BYTES;
}

void verify_set_oldest(struct verify_state *state, int64_t as_of_us)
{
    const int64_t day_us = INT64_C(86400) * 1000000;
    char oldest[MU_TIME_TEXT_SIZE];

    if (as_of_us <= VERIFY_SCAN_DAYS * day_us)
        return;
    mu_time_format(as_of_us - VERIFY_SCAN_DAYS * day_us, oldest);
    (void)verify_put(state->store, VERIFY_LIMITS, (const char *const[]){oldest});
}

void verify_count(struct verify_state *state, const char *name, size_t found)
{
    const json_t *counts = json_object_get(state->manifest, "counts");
    const json_t *count = json_object_get(counts, name);

    if (state->manifest &&
        (!json_is_integer(count) || json_integer_value(count) != (json_int_t)found))
        verify_difference(state, "files", BUNDLE_MANIFEST, "counts %lld %s, found %zu",
                          (long long)json_integer_value(count), name, found);
}

enum mu_status verify_state_init(struct verify_state *state, const char *folder,
                                 const struct verify_tables *tables, struct mu_error *err)
{
    *state = (struct verify_state){.folder = folder, .tables = *tables};
    return verify_store_new(&state->store, err);
}

void verify_state_done(struct verify_state *state)
{
    json_decref(state->manifest);
    verify_store_free(state->store);
}

enum mu_status verify_state_finish(struct verify_state *state, enum mu_status st,
                                   struct verify_summary *ret_summary, struct mu_error *err)
{
    if (st == MU_OK)
        st = verify_store_status(state->store, err);
    if (st == MU_OK && mu_stop_requested())
        st = mu_fail(err, MU_E_UNAVAILABLE, "stopping");
    if (st == MU_OK)
        *ret_summary = state->summary;
    verify_state_done(state);
    return st;
}

static void check_all(struct verify_state *state)
{
    const char *as_of;
    struct mu_error err;
    int64_t as_of_us = 0;

    verify_files(state);
    as_of = mu_json_text_at(state->manifest, "as_of");
    if (as_of && mu_time_parse(as_of, strlen(as_of), &as_of_us, &err) == MU_OK)
        verify_set_oldest(state, as_of_us);
    verify_declared(state);
    verify_workbook(state);
    verify_raw_scans(state);
    verify_containers(state);
    verify_documents(state);
    verify_run_checks(state, state->groups);
    verify_count(state, "rows", state->summary.rows);
    verify_count(state, "raw_scans", state->summary.raw_scans);
    verify_count(state, "gaps", state->summary.gaps);
}

static enum mu_status verify_folder(const struct verify_request *request, const char *folder,
                                    const struct verify_tables *tables,
                                    struct verify_summary *ret_summary, struct mu_error *err)
{
    struct verify_state state;
    enum mu_status st = verify_state_init(&state, folder, tables, err);

    if (st != MU_OK)
        return st;
    st = verify_signatures(&state, request, err);
    if (st == MU_OK)
        check_all(&state);
    if (st == MU_OK)
        st = verify_chain(&state, request, err);
    return verify_state_finish(&state, st, ret_summary, err);
}

enum mu_status verify_package(const struct verify_request *request,
                              const struct verify_tables *tables,
                              struct verify_summary *ret_summary, struct mu_error *err)
{
    MU_AUTO_DONE(verify_place_close) struct verify_place place = {.folder = ""};
    char entry[ARCHIVE_NAME_MAX + 1];
    enum mu_status st =
            verify_place_open(request->path, NULL, request->max_bytes, &place, entry, err);

    if (st == MU_OK)
        return verify_folder(request, place.folder, tables, ret_summary, err);
    if (st != MU_E_INVALID && st != MU_E_LIMIT)
        return st;
    *ret_summary = (struct verify_summary){.differences = 1};
    mu_table_row(tables->differences,
                 (const char *const[]){"archive", *entry ? entry : request->path, err->message});
    return MU_OK;
}
