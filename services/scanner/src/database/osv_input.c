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
    if (count == 0)
        st = mu_fail(err, MU_E_INVALID, "folder '%s': no .json record is in it", path);
    for (int i = 0; i < count; i++) {
        char file[PATH_MAX];

        if (st == MU_OK &&
            snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name) >= (int)sizeof(file))
            st = mu_fail(err, MU_E_LIMIT, "folder '%s': a path of too many bytes", path);
        if (st == MU_OK)
            st = read_file(file, each, opaque, err);
        free(entries[i]);
    }
    free(entries);
    return st;
}

/* A record of a zip: its name is borrowed from the zip. */
struct zip_record {
    const char *name;
    zip_uint64_t index;
};

static enum mu_status read_entry(zip_t *zip, const struct zip_record *entry, struct mu_buf *json,
                                 struct mu_error *err)
{
    zip_file_t *file = zip_fopen_index(zip, entry->index, 0);
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

static int compare_records(const void *a, const void *b)
{
    const struct zip_record *left = a, *right = b;

    return strcmp(left->name, right->name);
}

/* By name, so that the same records give the same database however the zip was packed. */
static struct zip_record *list_records(zip_t *zip, size_t *ret_count)
{
    zip_int64_t total = zip_get_num_entries(zip, 0);
    struct zip_record *records = calloc((size_t)total + 1, sizeof(*records));
    size_t count = 0;

    for (zip_int64_t i = 0; records && i < total; i++) {
        const char *name = zip_get_name(zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);

        if (name && mu_text_ends(name, ".json"))
            records[count++] = (struct zip_record){name, (zip_uint64_t)i};
    }
    if (records)
        qsort(records, count, sizeof(*records), compare_records);
    *ret_count = count;
    return records;
}

static enum mu_status read_records(zip_t *zip, osv_record_fn *each, void *opaque,
                                   struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf json;
    size_t count = 0;
    MU_AUTO_FREE struct zip_record *records = list_records(zip, &count);
    enum mu_status st = records ? MU_OK : mu_fail(err, MU_E_NOMEM, "no memory for its entries");

    mu_buf_init(&json, OSV_RECORD_MAX_BYTES);
    if (st == MU_OK && count == 0)
        st = mu_fail(err, MU_E_INVALID, "no .json record is in it"); /* an empty download */
    for (size_t i = 0; st == MU_OK && i < count; i++) {
        mu_buf_reset(&json);
        st = read_entry(zip, &records[i], &json, err);
        if (st == MU_OK)
            st = each(opaque, records[i].name, json.data, json.len, err);
    }
    return st;
}

static enum mu_status read_zip(const char *path, osv_record_fn *each, void *opaque,
                               struct mu_error *err)
{
    int code = 0;
    zip_t *zip = zip_open(path, ZIP_RDONLY, &code);
    enum mu_status st;

    if (!zip)
        return mu_fail(err, MU_E_INVALID, "'%s' is no zip file", path);
    st = read_records(zip, each, opaque, err);
    zip_discard(zip);
    return st == MU_OK ? MU_OK : mu_wrap(err, "'%s'", path);
}

/* `bytes` stay the caller's. */
enum mu_status osv_input_read_zip_memory(const void *bytes, size_t len, osv_record_fn *each,
                                         void *opaque, struct mu_error *err)
{
    zip_error_t fault;
    zip_source_t *source;
    zip_t *zip;
    enum mu_status st;

    zip_error_init(&fault);
    source = zip_source_buffer_create(bytes, len, 0, &fault);
    zip = source ? zip_open_from_source(source, ZIP_RDONLY, &fault) : NULL;
    if (!zip) {
        zip_source_free(source);
        zip_error_fini(&fault);
        return mu_fail(err, MU_E_INVALID, "no zip file");
    }
    zip_error_fini(&fault);
    st = read_records(zip, each, opaque, err);
    zip_discard(zip);
    return st;
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
