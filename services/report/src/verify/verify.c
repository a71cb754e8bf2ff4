#include "verify/verify.h"

#include "verify/state.h"

#include "bundle/layout.h"

#include "base/file.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
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
    mu_table_row(state->differences, (const char *const[]){check, subject, text});
    state->summary.differences++;
}

json_t *verify_read_json(struct verify_state *state, const char *name)
{
    static const struct mu_json_limits limits = {BUNDLE_MAX_JSON_BYTES, BUNDLE_MAX_JSON_DEPTH};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    char path[VERIFY_PATH_SIZE];
    struct mu_error err;
    json_t *root = NULL;

    mu_buf_init(&bytes, BUNDLE_MAX_JSON_BYTES);
    if (snprintf(path, sizeof(path), "%s/%s", state->folder, name) >= (int)sizeof(path)) {
        verify_difference(state, "files", name, "the path is too long");
        return NULL;
    }
    if (mu_file_read(path, &bytes, &err) != MU_OK ||
        mu_json_parse(bytes.data, bytes.len, &limits, &root, &err) != MU_OK) {
        verify_difference(state, "files", name, "cannot be read: %s", err.message);
        return NULL;
    }
    return root;
}

void verify_key(const char *uai, const char *digest, struct mu_buf *out)
{
    mu_buf_reset(out);
    mu_buf_printf(out, "%s %s", uai, digest);
}

static void release(struct verify_state *state)
{
    json_decref(state->manifest);
    json_decref(state->rows);
    json_decref(state->targets);
    json_decref(state->gaps);
    json_decref(state->not_running);
}

enum mu_status verify_bundle(const char *folder, struct mu_table *differences,
                             struct mu_table *gaps, struct verify_summary *ret_summary,
                             struct mu_error *err)
{
    struct verify_state state = {.folder = folder,
                                 .differences = differences,
                                 .gap_table = gaps,
                                 .rows = json_object(),
                                 .targets = json_object(),
                                 .gaps = json_object(),
                                 .not_running = json_object()};
    struct stat status;

    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode)) {
        release(&state);
        return mu_fail(err, MU_E_NOT_FOUND, "'%s' is no folder", folder);
    }
    verify_files(&state);
    verify_declared(&state);
    verify_workbook(&state);
    verify_raw_scans(&state);
    verify_match(&state);
    *ret_summary = state.summary;
    release(&state);
    return MU_OK;
}
