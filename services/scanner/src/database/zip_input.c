#include "database/zip_input.h"

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

/* A document of a zip: its name is borrowed from the zip. */
struct document {
    const char *name;
    zip_uint64_t index;
};

static enum mu_status read_entry(zip_t *zip, const struct document *entry, struct mu_buf *out,
                                 struct mu_error *err)
{
    zip_file_t *file = zip_fopen_index(zip, entry->index, 0);
    char bytes[64 * 1024];
    zip_int64_t len = 0;

    if (!file)
        return mu_fail(err, MU_E_INVALID, "'%s': %s", entry->name, zip_strerror(zip));
    while (!out->failed && (len = zip_fread(file, bytes, sizeof(bytes))) > 0)
        mu_buf_append(out, bytes, (size_t)len);
    (void)zip_fclose(file);
    if (len < 0)
        return mu_fail(err, MU_E_INVALID, "'%s' is damaged", entry->name);
    return mu_buf_status(out, entry->name, err);
}

static int compare_documents(const void *a, const void *b)
{
    const struct document *left = a, *right = b;

    return strcmp(left->name, right->name);
}

static bool is_document(const char *name)
{
    return mu_text_ends(name, ".json") || mu_text_ends(name, ".yaml") || mu_text_ends(name, ".yml");
}

/* By name, so that the same records give the same database however the zip was packed. */
static struct document *list_documents(zip_t *zip, size_t *ret_count)
{
    zip_int64_t total = zip_get_num_entries(zip, 0);
    struct document *documents = calloc((size_t)total + 1, sizeof(*documents));
    size_t count = 0;

    for (zip_int64_t i = 0; documents && i < total; i++) {
        const char *name = zip_get_name(zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);

        if (name && is_document(name))
            documents[count++] = (struct document){name, (zip_uint64_t)i};
    }
    if (documents)
        qsort(documents, count, sizeof(*documents), compare_documents);
    *ret_count = count;
    return documents;
}

static enum mu_status read_documents(zip_t *zip, zip_document_fn *each, void *opaque,
                                     struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    size_t count = 0;
    MU_AUTO_FREE struct document *documents = list_documents(zip, &count);
    enum mu_status st = documents ? MU_OK : mu_fail(err, MU_E_NOMEM, "no memory for its entries");

    mu_buf_init(&bytes, ZIP_DOCUMENT_MAX_BYTES);
    if (st == MU_OK && count == 0)
        st = mu_fail(err, MU_E_INVALID, "no .json record is in it"); /* an empty download */
    for (size_t i = 0; st == MU_OK && i < count; i++) {
        mu_buf_reset(&bytes);
        st = read_entry(zip, &documents[i], &bytes, err);
        if (st == MU_OK)
            st = each(opaque, documents[i].name, bytes.data, bytes.len, err);
    }
    return st;
}

enum mu_status zip_input_read(const char *path, zip_document_fn *each, void *opaque,
                              struct mu_error *err)
{
    int code = 0;
    zip_t *zip = zip_open(path, ZIP_RDONLY, &code);
    enum mu_status st;

    if (!zip)
        return mu_fail(err, MU_E_INVALID, "'%s' is no zip file", path);
    st = read_documents(zip, each, opaque, err);
    zip_discard(zip);
    return st == MU_OK ? MU_OK : mu_wrap(err, "'%s'", path);
}

enum mu_status zip_input_read_memory(const void *bytes, size_t len, zip_document_fn *each,
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
    st = read_documents(zip, each, opaque, err);
    zip_discard(zip);
    return st;
}
