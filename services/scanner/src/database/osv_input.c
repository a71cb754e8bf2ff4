#include "database/osv_input.h"

#include "database/builder.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

static enum mu_status read_file(const char *path, osv_record_fn *each, void *opaque,
                                struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf json;
    enum mu_status st;

    mu_buf_init(&json, OSV_RECORD_MAX_BYTES);
    st = mu_file_read(path, &json, err);
    return st == MU_OK ? each(opaque, path, json.data, json.len, err) : st;
}

static int is_json(const struct dirent *entry)
{
    return mu_text_ends(entry->d_name, ".json");
}

static enum mu_status read_folder(const char *path, osv_record_fn *each, void *opaque,
                                  struct mu_error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_json, alphasort);
    enum mu_status st = MU_OK;

    if (count < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "folder '%s': %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        char file[PATH_MAX];

        if (st == MU_OK &&
            snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name) < (int)sizeof(file))
            st = read_file(file, each, opaque, err);
        free(entries[i]);
    }
    free(entries);
    return st;
}

static enum mu_status read_entry(zip_t *zip, zip_uint64_t index, const zip_stat_t *entry,
                                 struct mu_buf *json, struct mu_error *err)
{
    zip_file_t *file = zip_fopen_index(zip, index, 0);
    char bytes[64 * 1024];
    zip_int64_t len = 0;

    if (!file)
        return mu_fail(err, MU_E_INVALID, "'%s': %s", entry->name, zip_strerror(zip));
    while (!json->failed && (len = zip_fread(file, bytes, sizeof(bytes))) > 0)
        mu_buf_append(json, bytes, (size_t)len);
    (void)zip_fclose(file);
    if (len < 0)
        return mu_fail(err, MU_E_INVALID, "'%s' is damaged", entry->name);
    return mu_buf_status(json, entry->name, err);
}

static enum mu_status read_zip(const char *path, osv_record_fn *each, void *opaque,
                               struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf json;
    int code = 0;
    zip_t *zip = zip_open(path, ZIP_RDONLY, &code);
    enum mu_status st = MU_OK;

    mu_buf_init(&json, OSV_RECORD_MAX_BYTES);
    if (!zip)
        return mu_fail(err, MU_E_INVALID, "'%s' is no zip file", path);
    for (zip_int64_t i = 0; st == MU_OK && i < zip_get_num_entries(zip, 0); i++) {
        zip_stat_t entry;

        if (zip_stat_index(zip, (zip_uint64_t)i, 0, &entry) != 0 ||
            !mu_text_ends(entry.name, ".json"))
            continue;
        mu_buf_reset(&json);
        st = read_entry(zip, (zip_uint64_t)i, &entry, &json, err);
        if (st == MU_OK)
            st = each(opaque, entry.name, json.data, json.len, err);
    }
    zip_discard(zip);
    return st == MU_OK ? MU_OK : mu_wrap(err, "'%s'", path);
}

enum mu_status osv_input_read(const char *path, osv_record_fn *each, void *opaque,
                              struct mu_error *err)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE, "'%s': %s", path,
                       strerror(errno));
    if (S_ISDIR(status.st_mode))
        return read_folder(path, each, opaque, err);
    return mu_text_ends(path, ".json") ? read_file(path, each, opaque, err)
                                       : read_zip(path, each, opaque, err);
}
