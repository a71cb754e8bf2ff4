#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "database/zip_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

struct fixture {
    char folder[64], path[128];
    struct mu_buf seen; /* "name=content " of each record */
    struct mu_error err;
    const char *refuse; /* name of the record that `each` refuses */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/test-osv-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/osv.zip", f->folder);
    mu_buf_init(&f->seen, 1 << 20);
    *state = f;
    return 0;
}

static void remove_file(const struct fixture *f, const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", f->folder, name);
    (void)unlink(path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"osv.zip", "a.json", "b.json", "c.json", "note.txt"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove_file(f, names[i]);
    (void)rmdir(f->folder);
    mu_buf_done(&f->seen);
    free(f);
    return 0;
}

static enum mu_status each(void *opaque, const char *name, const char *json, size_t len,
                           struct mu_error *err)
{
    struct fixture *f = opaque;
    const char *slash = strrchr(name, '/');

    name = slash ? slash + 1 : name;
    if (f->refuse && mu_text_equal(name, f->refuse))
        return mu_fail(err, MU_E_UNAVAILABLE, "no more");
    mu_buf_printf(&f->seen, "%s=%.*s ", name, (int)(len < 20 ? len : 20), json);
    return MU_OK;
}

static void write_file(struct fixture *f, const char *name, const void *bytes, size_t len)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", f->folder, name);
    assert_int_equal(mu_file_write_atomic(path, bytes, len, &f->err), MU_OK);
}

static void write_text(struct fixture *f, const char *name, const char *text)
{
    write_file(f, name, text, strlen(text));
}

static void zip_put(zip_t *zip, const char *name, const void *bytes, size_t len)
{
    zip_source_t *source = zip_source_buffer(zip, bytes, len, 0);

    assert_non_null(source);
    assert_true(zip_file_add(zip, name, source, 0) >= 0);
}

static zip_t *zip_begin(const struct fixture *f)
{
    int code;
    zip_t *zip = zip_open(f->path, ZIP_CREATE | ZIP_TRUNCATE, &code);

    assert_non_null(zip);
    return zip;
}

static void zip_two(const struct fixture *f)
{
    zip_t *zip = zip_begin(f);

    zip_put(zip, "b.json", "2", 1);
    zip_put(zip, "readme.txt", "x", 1);
    zip_put(zip, "a.json", "1", 1);
    assert_int_equal(zip_close(zip), 0);
}

static enum mu_status read_path(struct fixture *f, const char *path)
{
    return zip_input_read(path, each, f, &f->err);
}

static void expect_says(const struct fixture *f, const char *word)
{
    if (!strstr(f->err.message, word))
        fail_msg("'%s' does not say '%s'", f->err.message, word);
}

static void records_of_a_zip_come_by_name(void **state)
{
    struct fixture *f = *state;

    zip_two(f);
    assert_int_equal(read_path(f, f->path), MU_OK);
    assert_string_equal(f->seen.data, "a.json=1 b.json=2 ");
}

static void what_is_not_there_is_named(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_path(f, f->path), MU_E_INVALID);
    expect_says(f, f->path);
}

static void what_is_no_zip_is_named(void **state)
{
    struct fixture *f = *state;

    write_text(f, "osv.zip", "not a zip at all");
    assert_int_equal(read_path(f, f->path), MU_E_INVALID);
    expect_says(f, f->path);
}

static void read_zip_bytes(struct fixture *f, struct mu_buf *bytes)
{
    zip_two(f);
    mu_buf_init(bytes, 1 << 20);
    assert_int_equal(mu_file_read(f->path, bytes, &f->err), MU_OK);
}

static void a_zip_cut_anywhere_is_refused(void **state)
{
    struct fixture *f = *state;
    struct mu_buf bytes;

    read_zip_bytes(f, &bytes);
    for (size_t len = 0; len < bytes.len; len++)
        if (zip_input_read_memory(bytes.data, len, each, f, &f->err) != MU_E_INVALID)
            fail_msg("cut at %zu was not refused", len);
    assert_int_equal(zip_input_read_memory(bytes.data, bytes.len, each, f, &f->err), MU_OK);
    mu_buf_done(&bytes);
}

static void a_zip_without_records_is_refused(void **state)
{
    struct fixture *f = *state;
    zip_t *zip = zip_begin(f);

    zip_put(zip, "readme.txt", "x", 1);
    assert_int_equal(zip_close(zip), 0);
    assert_int_equal(read_path(f, f->path), MU_E_INVALID);
    expect_says(f, "no .json record");
}

static void a_record_with_a_wrong_crc_is_named(void **state)
{
    struct fixture *f = *state;
    struct mu_buf bytes;
    char *content;

    read_zip_bytes(f, &bytes);
    content = memmem(bytes.data, bytes.len, "b.json2", 7);
    assert_non_null(content); /* one byte is stored as it is */
    content[6] = '3';
    write_file(f, "osv.zip", bytes.data, bytes.len);
    assert_int_equal(read_path(f, f->path), MU_E_INVALID);
    expect_says(f, "b.json");
    expect_says(f, f->path);
    mu_buf_done(&bytes);
}

/* A few kilobytes that unpack to far more than a record may have. */
static void a_zip_bomb_ends_at_the_record_limit(void **state)
{
    struct fixture *f = *state;
    size_t size = (size_t)ZIP_DOCUMENT_MAX_BYTES + 1;
    char *zeros = calloc(1, size);
    zip_t *zip = zip_begin(f);

    zip_put(zip, "bomb.json", zeros, size);
    assert_int_equal(zip_close(zip), 0);
    free(zeros);
    assert_int_equal(read_path(f, f->path), MU_E_LIMIT);
    expect_says(f, "bomb.json");
    assert_int_equal(f->seen.len, 0);
}

static void a_refusal_ends_the_reading(void **state)
{
    struct fixture *f = *state;

    zip_two(f);
    f->refuse = "b.json";
    assert_int_equal(read_path(f, f->path), MU_E_UNAVAILABLE);
    assert_string_equal(f->seen.data, "a.json=1 ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(records_of_a_zip_come_by_name),
            TEST(what_is_not_there_is_named),
            TEST(what_is_no_zip_is_named),
            TEST(a_zip_cut_anywhere_is_refused),
            TEST(a_zip_without_records_is_refused),
            TEST(a_record_with_a_wrong_crc_is_named),
            TEST(a_zip_bomb_ends_at_the_record_limit),
            TEST(a_refusal_ends_the_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
