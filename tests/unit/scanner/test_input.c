#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "database/input.h"
#include "database_build.h"
#include "layer_build.h"

#include <unistd.h>

struct fixture {
    struct builder *builder;
    struct mu_buf bytes;
    struct database *database;
    struct document_tally tally;
    char folder[64], path[128];
    struct mu_error err;
};

static const char record[] =
        "{\"id\":\"X-1\",\"modified\":\"2026-01-02T03:04:05Z\",\"affected\":[{\"package\":{"
        "\"ecosystem\":\"npm\",\"name\":\"p\"},\"versions\":[\"1\"]}]}";
static const char epss[] = "cve,epss,percentile\nCVE-2024-1,0.5,0.9\n";

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->builder = builder_new();
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/test-input-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[160];
    static const char *const names[] = {"a.json", "b.csv", "c.csv.gz", "note.txt", "sub/d.json"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(command, sizeof(command), "%s/%s", f->folder, names[i]);
        (void)unlink(command);
    }
    (void)snprintf(command, sizeof(command), "%s/sub", f->folder);
    (void)rmdir(command);
    (void)rmdir(f->folder);
    database_close(f->database);
    builder_free(f->builder);
    mu_buf_done(&f->bytes);
    free(f);
    return 0;
}

static const char *put(struct fixture *f, const char *name, const void *bytes, size_t len)
{
    (void)snprintf(f->path, sizeof(f->path), "%s/%s", f->folder, name);
    assert_int_equal(mu_file_write_atomic(f->path, bytes, len, &f->err), MU_OK);
    return f->path;
}

static void add_ok(struct fixture *f, const char *spec)
{
    if (input_add(f->builder, spec, &f->tally, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
}

static struct database_source only_source(struct fixture *f)
{
    struct database_source source;

    f->database = database_build_open(f->builder, &f->bytes);
    f->builder = NULL;
    assert_int_equal(database_source_count(f->database), 1);
    database_source_at(f->database, 0, &source);
    return source;
}

static void a_file_becomes_a_source_with_its_hash_and_time(void **state)
{
    struct fixture *f = *state;
    struct database_source source;
    char digest[MU_DIGEST_TEXT_SIZE];

    add_ok(f, put(f, "a.json", record, strlen(record)));
    source = only_source(f);
    mu_sha256_text(record, strlen(record), digest);
    assert_string_equal(source.name, "a.json"); /* no path of this machine */
    assert_string_equal(source.kind, "osv");
    assert_string_equal(source.digest, digest);
    assert_int_equal(source.records, 1);
    assert_int_equal(source.newest_at_us, 1767323045000000);
}

static void a_folder_is_one_source_of_all_below_it(void **state)
{
    struct fixture *f = *state;
    struct database_source source;
    char sub[128];

    (void)put(f, "a.json", record, strlen(record));
    (void)put(f, "b.csv", epss, strlen(epss));
    (void)put(f, "note.txt", "x", 1);
    (void)snprintf(sub, sizeof(sub), "%s/sub", f->folder);
    assert_int_equal(mu_dir_make(sub, &f->err), MU_OK);
    (void)put(f, "sub/d.json", record, strlen(record));
    add_ok(f, f->folder);
    source = only_source(f);
    assert_int_equal(source.records, 3);
}

static void packed_files_are_read_as_they_are(void **state)
{
    struct fixture *f = *state;
    struct mu_buf packed;

    mu_buf_init(&packed, 1 << 20);
    layer_build_gzip(epss, strlen(epss), &packed);
    add_ok(f, put(f, "c.csv.gz", packed.data, packed.len));
    assert_int_equal(f->tally.records, 1);
    assert_string_equal(document_kind_name(f->tally.kind), "epss");
    packed.len -= 4; /* cut */
    assert_int_equal(
            input_add(f->builder, put(f, "c.csv.gz", packed.data, packed.len), &f->tally, &f->err),
            MU_E_INVALID);
    mu_buf_done(&packed);
}

static void a_kind_may_be_named(void **state)
{
    struct fixture *f = *state;
    static const char bare[] = "CVE-2024-1,0.5,0.9\n";
    char spec[160];

    (void)put(f, "b.csv", bare, strlen(bare));
    assert_int_equal(input_add(f->builder, f->path, &f->tally, &f->err), MU_E_INVALID);
    (void)snprintf(spec, sizeof(spec), "epss:%s", f->path);
    add_ok(f, spec);
    assert_int_equal(f->tally.records, 1);
}

static void what_has_no_record_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(input_add(f->builder, f->folder, &f->tally, &f->err), MU_E_INVALID);
    assert_non_null(strstr(f->err.message, f->folder));
    assert_int_equal(input_add(f->builder, "/no/such/file", &f->tally, &f->err), MU_E_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_file_becomes_a_source_with_its_hash_and_time),
            TEST(a_folder_is_one_source_of_all_below_it),
            TEST(packed_files_are_read_as_they_are),
            TEST(a_kind_may_be_named),
            TEST(what_has_no_record_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
