#include "verify/foreign.h"

#include "verify/checks.h"
#include "verify/foreign_state.h"
#include "verify/place.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool is_json(const char *name)
{
    size_t len = strlen(name);

    return len > 5 && strcasecmp(name + len - 5, ".json") == 0;
}

static void read_folder(struct verify_state *state, const char *prefix, int depth);

static void read_one(struct verify_state *state, const char *name, int depth)
{
    char path[VERIFY_PATH_SIZE];
    struct stat status;

    if (snprintf(path, sizeof(path), "%s/%s", state->folder, name) >= (int)sizeof(path) ||
        lstat(path, &status) != 0) {
        verify_difference(state, "scans", name, "cannot be read");
    } else if (S_ISDIR(status.st_mode)) {
        read_folder(state, name, depth + 1);
    } else if (!is_json(name)) {
        verify_difference(state, "scans", name, "is no JSON file: scans are read from .json");
    } else {
        MU_AUTO_FILE FILE *in = verify_open(state, name);

        state->summary.files++;
        if (in)
            foreign_read_scan(state, name, in);
    }
}

static void read_folder(struct verify_state *state, const char *prefix, int depth)
{
    char path[VERIFY_PATH_SIZE], name[VERIFY_PATH_SIZE];
    struct dirent *entry;
    DIR *dir = NULL;

    if (depth > FOREIGN_MAX_DEPTH)
        verify_difference(state, "scans", prefix, "lies deeper than %d folders", FOREIGN_MAX_DEPTH);
    else if (snprintf(path, sizeof(path), "%s/%s", state->folder, prefix) < (int)sizeof(path))
        dir = opendir(path);
    if (!dir && depth <= FOREIGN_MAX_DEPTH)
        verify_difference(state, "scans", *prefix ? prefix : ".", "cannot be read: %s",
                          strerror(errno));
    while (dir && !mu_stop_requested() && (entry = readdir(dir))) {
        if (mu_text_equal(entry->d_name, ".") || mu_text_equal(entry->d_name, ".."))
            continue;
        if (snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "/" : "", entry->d_name) <
            (int)sizeof(name))
            read_one(state, name, depth);
    }
    if (dir)
        (void)closedir(dir);
}

static enum mu_status compare(const struct foreign_request *request, const char *folder,
                              const struct verify_tables *tables,
                              struct verify_summary *ret_summary, struct mu_error *err)
{
    struct verify_state state;
    enum mu_status st = verify_state_init(&state, folder, tables, err);

    if (st != MU_OK)
        return st;
    verify_set_oldest(&state, request->as_of_us);
    foreign_read_workbook(&state, request->inventory);
    read_folder(&state, "", 0);
    verify_run_checks(&state, VERIFY_FOREIGN);
    return verify_state_finish(&state, MU_OK, ret_summary, err);
}

enum mu_status verify_foreign(const struct foreign_request *request,
                              const struct verify_tables *tables,
                              struct verify_summary *ret_summary, struct mu_error *err)
{
    MU_AUTO_DONE(verify_place_close) struct verify_place place = {.folder = ""};
    char entry[ARCHIVE_NAME_MAX + 1];
    struct stat status;
    enum mu_status st;

    if (stat(request->inventory, &status) != 0)
        return mu_fail(err, MU_E_NOT_FOUND, "--inventory: '%s': %s", request->inventory,
                       strerror(errno));
    st = verify_place_open(request->scans, NULL, request->max_bytes, &place, entry, err);
    if (st == MU_OK)
        return compare(request, place.folder, tables, ret_summary, err);
    if (st != MU_E_INVALID && st != MU_E_LIMIT)
        return mu_wrap(err, "--scans");
    *ret_summary = (struct verify_summary){.differences = 1};
    mu_table_row(tables->differences,
                 (const char *const[]){"archive", *entry ? entry : request->scans, err->message});
    return MU_OK;
}
