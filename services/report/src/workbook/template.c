#include "workbook/template.h"

#include "workbook/template_layout.h"
#include "workbook/template_sheet.h"
#include "workbook/template_styles.h"
#include "workbook/xlsx_part.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <zip.h>

enum {
    MAX_PARTS = 4096,
    MAX_SHEET_BYTES = 64 * 1024 * 1024, /* of a sheet to be filled, unpacked */
    READ_BYTES = 64 * 1024,
    FOLDER_SIZE = 4096,
    DOS_DATE = 33 /* 1980-01-01, the first that zip knows */
};
static const uint64_t max_unpacked_bytes = UINT64_C(8) * TEMPLATE_MAX_BYTES;
static const char styles_part[] = "xl/styles.xml";

struct template
{
    const void *bytes;
    size_t len;
    zip_t *zip;                /* what the filled one is written from */
    struct zip_reader *reader; /* what its parts are read through */
    struct mu_buf styles_xml;
    struct template_styles *styles;
};

/* ---- what is refused ---- */

/* Encrypted workbooks and .xls files are OLE containers. */
static enum mu_status check_kind(const void *bytes, size_t len, struct mu_error *err)
{
    static const unsigned char ole[] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};

    if (len >= sizeof(ole) && memcmp(bytes, ole, sizeof(ole)) == 0)
        return mu_fail(err, MU_E_INVALID,
                       "it is encrypted or an old .xls: save it as .xlsx without a password");
    if (len < 4 || memcmp(bytes, "PK", 2) != 0)
        return mu_fail(err, MU_E_INVALID, "it is no .xlsx workbook");
    return MU_OK;
}

static enum mu_status check_entry(const zip_stat_t *entry, uint64_t *total, struct mu_error *err)
{
    const char *base = strrchr(entry->name, '/') ? strrchr(entry->name, '/') + 1 : entry->name;

    if (strncasecmp(base, "vbaProject", strlen("vbaProject")) == 0)
        return mu_fail(err, MU_E_INVALID, "it holds macros: save it as .xlsx");
    if (strstr(entry->name, "..") || entry->name[0] == '/')
        return mu_fail(err, MU_E_INVALID, "part '%.100s' lies outside of the file", entry->name);
    if (entry->encryption_method != ZIP_EM_NONE)
        return mu_fail(err, MU_E_INVALID, "part '%.100s' is encrypted", entry->name);
    *total += entry->size;
    if (entry->size > max_unpacked_bytes || *total > max_unpacked_bytes)
        return mu_fail(err, MU_E_LIMIT, "it unpacks to more than %llu bytes",
                       (unsigned long long)max_unpacked_bytes);
    return MU_OK;
}

/* Reads the part to its end: what the archive says of its size and checksum is true. */
static enum mu_status check_content(zip_t *zip, const zip_stat_t *entry, struct mu_error *err)
{
    char bytes[READ_BYTES];
    zip_file_t *file = zip_fopen_index(zip, entry->index, 0);
    uint64_t total = 0;
    zip_int64_t len = -1;

    while (file && total <= entry->size && (len = zip_fread(file, bytes, sizeof(bytes))) > 0)
        total += (uint64_t)len;
    if (file)
        (void)zip_fclose(file);
    if (len != 0 || total != entry->size)
        return mu_fail(err, MU_E_INVALID, "part '%.100s' is not what the archive says of it",
                       entry->name);
    return MU_OK;
}

static enum mu_status check_parts(zip_t *zip, struct mu_error *err)
{
    const zip_int64_t count = zip_get_num_entries(zip, 0);
    const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_ENCRYPTION_METHOD;
    uint64_t total = 0;
    enum mu_status st = MU_OK;

    if (count > MAX_PARTS)
        return mu_fail(err, MU_E_LIMIT, "it has more than %d parts", MAX_PARTS);
    for (zip_int64_t i = 0; st == MU_OK && i < count; i++) {
        zip_stat_t entry;

        if (zip_stat_index(zip, (zip_uint64_t)i, 0, &entry) != 0 ||
            (entry.valid & needed) != needed)
            return mu_fail(err, MU_E_INVALID, "its directory is damaged");
        st = check_entry(&entry, &total, err);
        if (st == MU_OK)
            st = check_content(zip, &entry, err);
    }
    return st;
}

/* ---- opening ---- */

static zip_t *open_memory(const void *bytes, size_t len)
{
    zip_source_t *source = zip_source_buffer_create(bytes, len, 0, NULL);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, NULL) : NULL;

    if (!zip)
        zip_source_free(source);
    return zip;
}

static enum mu_status read_styles(struct template *template, struct mu_error *err)
{
    enum mu_status st = xlsx_part_load(template->reader, styles_part, &template->styles_xml, err);

    return st == MU_OK ? template_styles_new(template->styles_xml.data, template->styles_xml.len,
                                             &template->styles, err)
                       : st;
}

enum mu_status template_open(const void *bytes, size_t len, struct template **ret_template,
                             struct mu_error *err)
{
    MU_AUTO(template) struct template *template = NULL;
    enum mu_status st = check_kind(bytes, len, err);

    if (st != MU_OK)
        return st;
    template = mu_xcalloc(1, sizeof(*template));
    mu_buf_init(&template->styles_xml, XLSX_MAX_SMALL_PART_BYTES);
    template->bytes = bytes;
    template->len = len;
    template->zip = open_memory(bytes, len);
    if (!template->zip)
        return mu_fail(err, MU_E_INVALID, "it is no .xlsx workbook, or damaged");
    st = check_parts(template->zip, err);
    if (st == MU_OK)
        st = zip_reader_open_memory(bytes, len, &template->reader, err);
    if (st == MU_OK)
        st = read_styles(template, err);
    if (st != MU_OK)
        return st;
    *ret_template = template;
    template = NULL;
    return MU_OK;
}

void template_free(struct template *template)
{
    if (!template)
        return;
    template_styles_free(template->styles);
    mu_buf_done(&template->styles_xml);
    zip_reader_free(template->reader);
    if (template->zip)
        zip_discard(template->zip);
    free(template);
}

enum mu_status template_render(struct template *template, const struct form_sheet *sheet, FILE *out,
                               struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf xml;
    struct template_layout layout;
    char name[XLSX_NAME_BYTES];
    enum mu_status st = template_layout_read(template->bytes, template->len, sheet, &layout, err);

    mu_buf_init(&xml, MAX_SHEET_BYTES);
    if (st == MU_OK)
        st = xlsx_find_sheet(template->reader, sheet->name, name, err);
    if (st == MU_OK)
        st = xlsx_part_load(template->reader, name, &xml, err);
    if (st == MU_OK)
        st = template_sheet_write(xml.data, xml.len, sheet, &layout, template->styles, out, err);
    return st;
}

/* ---- the filled file ---- */

/* What stands in place of a part: a temporary file, or the bytes of the styles. */
struct replacing {
    struct template *template;
    const struct form *form;
    const char *path;
    zip_t *zip; /* the new file */
    struct mu_buf styles;
};

static enum mu_status replace(struct replacing *to, const char *part, zip_source_t *source,
                              struct mu_error *err)
{
    zip_int64_t index = zip_name_locate(to->zip, part, 0);

    if (source && index >= 0 && zip_file_replace(to->zip, (zip_uint64_t)index, source, 0) == 0 &&
        zip_file_set_dostime(to->zip, (zip_uint64_t)index, 0, DOS_DATE, 0) == 0)
        return MU_OK;
    return mu_fail(err, MU_E_UNAVAILABLE, "'%s': part '%s': %s", to->path, part,
                   zip_strerror(to->zip));
}

/* A file without a name beside the new one, which goes once the archive is written. */
static enum mu_status open_temporary(const char *path, FILE **ret_file, struct mu_error *err)
{
    char folder[FOLDER_SIZE];
    const char *slash = strrchr(path, '/');
    int fd = -1;
    enum mu_status st;

    (void)snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 1,
                   slash ? path : ".");
    st = mu_file_open_nameless(folder, &fd, err);
    if (st != MU_OK)
        return st;
    *ret_file = fdopen(fd, "w+");
    if (*ret_file)
        return MU_OK;
    (void)close(fd);
    return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", folder, strerror(errno));
}

static enum mu_status replace_sheet(struct replacing *to, const struct form_sheet *sheet,
                                    struct mu_error *err)
{
    char name[XLSX_NAME_BYTES];
    FILE *file = NULL;
    zip_source_t *source;
    enum mu_status st = open_temporary(to->path, &file, err);

    if (st != MU_OK)
        return st;
    st = template_render(to->template, sheet, file, err);
    if (st == MU_OK)
        st = xlsx_find_sheet(to->template->reader, sheet->name, name, err);
    if (st != MU_OK) {
        (void)fclose(file);
        return st;
    }
    rewind(file);
    source = zip_source_filep(to->zip, file, 0, -1);
    if (!source)
        (void)fclose(file);
    return replace(to, name, source, err);
}

static enum mu_status replace_parts(struct replacing *to, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < to->form->sheet_count; i++)
        if (to->form->sheets[i].next && !to->form->sheets[i].is_own)
            st = replace_sheet(to, &to->form->sheets[i], err);
    if (st == MU_OK)
        st = template_styles_write(to->template->styles, &to->styles, err);
    if (st != MU_OK)
        return st;
    return replace(to, styles_part, zip_source_buffer(to->zip, to->styles.data, to->styles.len, 0),
                   err);
}

static enum mu_status write_filled(struct replacing *to, struct mu_error *err)
{
    int code = 0;
    enum mu_status st;

    to->zip = zip_open(to->path, 0, &code);
    if (!to->zip)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s' cannot be opened", to->path);
    st = replace_parts(to, err);
    if (st == MU_OK && zip_close(to->zip) == 0)
        return MU_OK;
    if (st == MU_OK)
        st = mu_fail(err, MU_E_UNAVAILABLE, "write '%s': %s", to->path, zip_strerror(to->zip));
    zip_discard(to->zip);
    return st;
}

static enum mu_status copy_template(const struct template *template, const char *path,
                                    struct mu_error *err)
{
    return mu_file_write_atomic(path, template->bytes, template->len, err);
}

static enum mu_status fill(struct template *template, const struct form *form, const char *path,
                           struct mu_error *err)
{
    struct replacing to = {.template = template, .form = form, .path = path};
    enum mu_status st = copy_template(template, path, err);

    if (st != MU_OK)
        return st;
    mu_buf_init(&to.styles, 2 * XLSX_MAX_SMALL_PART_BYTES);
    st = write_filled(&to, err);
    mu_buf_done(&to.styles);
    if (st != MU_OK)
        (void)unlink(path);
    return st;
}

enum mu_status template_fill(const char *template_path, const struct form *form, const char *path,
                             struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    MU_AUTO(template) struct template *template = NULL;
    enum mu_status st;

    mu_buf_init(&bytes, TEMPLATE_MAX_BYTES);
    st = mu_file_read(template_path, &bytes, err);
    if (st == MU_OK)
        st = template_open(bytes.data, bytes.len, &template, err);
    if (st == MU_OK)
        st = fill(template, form, path, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "template '%s'", template_path);
}
