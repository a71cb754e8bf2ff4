#include "verify/verify.h"

#include "verify/state.h"

#include "bundle/layout.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *const verify_columns[] = {"check", "subject", "difference"};
const char *const verify_gap_columns[] = {"asset", "state", "pod", "container", "reason"};

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
        mu_table_row(state->differences, (const char *const[]){check, subject, text});
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

json_t *verify_parse_json(struct verify_state *state, const char *name, const char *bytes,
                          size_t len)
{
    static const struct mu_json_limits limits = {BUNDLE_MAX_JSON_BYTES, BUNDLE_MAX_JSON_DEPTH};
    struct mu_error err;
    json_t *root = NULL;

    if (mu_json_parse(bytes, len, &limits, &root, &err) != MU_OK)
        verify_difference(state, "files", name, "cannot be read: %s", err.message);
    return root;
}

json_t *verify_read_json(struct verify_state *state, const char *name)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    char path[VERIFY_PATH_SIZE];
    struct mu_error err;

    mu_buf_init(&bytes, BUNDLE_MAX_JSON_BYTES);
    if (!verify_path(state, name, path))
        return NULL;
    if (mu_file_read(path, &bytes, &err) != MU_OK) {
        verify_difference(state, "files", name, "cannot be read: %s", err.message);
        return NULL;
    }
    return verify_parse_json(state, name, bytes.data, bytes.len);
}

json_t *verify_read_array(struct verify_state *state, const char *name)
{
    json_t *root = verify_read_json(state, name);

    if (root && !json_is_array(root)) {
        verify_difference(state, "files", name, "is no array");
        json_decref(root);
        return NULL;
    }
    return root;
}

bool verify_key(const char *uai, const char *digest, struct mu_buf *out)
{
    mu_buf_reset(out);
    mu_buf_puts(out, uai);
    mu_buf_puts(out, " ");
    mu_buf_puts(out, digest);
    return !out->failed;
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

void verify_state_init(struct verify_state *state, const char *folder, struct mu_table *differences,
                       struct mu_table *gap_table)
{
    *state = (struct verify_state){.folder = folder,
                                   .differences = differences,
                                   .gap_table = gap_table,
                                   .rows = json_object(),
                                   .targets = json_object(),
                                   .gaps = json_object(),
                                   .others = json_object(),
                                   .not_running = json_object(),
                                   .reports = json_object()};
}

void verify_state_done(struct verify_state *state)
{
    json_decref(state->manifest);
    json_decref(state->rows);
    json_decref(state->targets);
    json_decref(state->gaps);
    json_decref(state->others);
    json_decref(state->not_running);
    json_decref(state->reports);
}

enum mu_status verify_bundle(const char *folder, struct mu_table *differences,
                             struct mu_table *gaps, struct verify_summary *ret_summary,
                             struct mu_error *err)
{
    struct verify_state state;
    struct stat status;

    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        return mu_fail(err, MU_E_NOT_FOUND, "'%s' is no folder", folder);
    verify_state_init(&state, folder, differences, gaps);
    verify_files(&state);
    verify_declared(&state);
    verify_workbook(&state);
    verify_raw_scans(&state);
    verify_reports(&state);
    verify_match(&state);
    verify_containers(&state);
    verify_count(&state, "rows", state.summary.rows);
    verify_count(&state, "raw_scans", state.summary.raw_scans);
    verify_count(&state, "gaps", state.summary.gaps);
    *ret_summary = state.summary;
    verify_state_done(&state);
    return MU_OK;
}
