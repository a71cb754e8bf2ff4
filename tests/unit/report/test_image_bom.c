#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scans/image_bom.h"

#include "base/buf.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIXTEEN "aaaaaaaaaaaaaaaa"
#define DIGEST  "sha256:" SIXTEEN SIXTEEN SIXTEEN SIXTEEN

static void read_file(const char *path, struct mu_buf *ret_text)
{
    struct mu_error err;

    mu_buf_init(ret_text, 1 << 20);
    if (mu_file_read(path, ret_text, &err) != MU_OK)
        fail_msg("%s", err.message);
}

/* The document of a scan. */
static void write_bom(const json_t *scan, struct mu_buf *ret_text)
{
    const struct image_bom bom = {.scan = scan,
                                  .evidence_digest = "sha256:evidence",
                                  .digest = DIGEST,
                                  .repository = "r.example/apps/other"};
    char folder[] = "/tmp/muster-bom-XXXXXX", path[64];
    struct mu_error err;

    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/bom.json", folder);
    if (image_bom_write(&bom, path, &err) != MU_OK)
        fail_msg("%s", err.message);
    read_file(path, ret_text);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static json_t *document_of(const char *scan_text)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    json_t *scan = json_loads(scan_text, 0, NULL), *document;

    assert_non_null(scan);
    write_bom(scan, &text);
    document = json_loads(text.data, 0, NULL);
    assert_non_null(document);
    json_decref(scan);
    return document;
}

/* MUSTER_WRITE_EXAMPLES=1 writes the example anew, for a look at the difference. */
static void a_scan_gives_the_example_byte_for_byte(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text, expected;
    json_t *scan = json_load_file(MU_TEST_DATA "/sbom/scan.json", 0, NULL);
    const char *example = MU_TEST_DATA "/sbom/scan.cyclonedx.json";
    struct mu_error err;

    (void)state;
    assert_non_null(scan);
    write_bom(scan, &text);
    json_decref(scan);
    if (getenv("MUSTER_WRITE_EXAMPLES"))
        assert_int_equal(mu_file_write_atomic(example, text.data, text.len, &err), MU_OK);
    read_file(example, &expected);
    assert_string_equal(text.data, expected.data);
}

static void a_package_that_only_a_finding_names_is_there_and_the_list_is_incomplete(void **state)
{
    json_t *document = document_of(
            "{\"schema\":\"muster.imported-scan.v1\",\"findings\":[{\"id\":\"CVE-1\",\"package\":"
            "\"p\","
            "\"package_version\":\"1\",\"type\":\"npm\",\"purl\":\"pkg:npm/"
            "p@1\",\"severity\":\"low\","
            "\"scores\":[]},{\"id\":\"CVE-2\",\"package\":\"p\",\"package_version\":\"1\","
            "\"type\":\"npm\",\"purl\":\"pkg:npm/p@1\",\"status\":\"suppressed\","
            "\"status_reason\":\"ignored\"}]}");

    (void)state;
    assert_int_equal(json_array_size(json_object_get(document, "components")), 1);
    assert_string_equal(mu_json_text_at(document, "components.0.purl"), "pkg:npm/p@1");
    assert_string_equal(mu_json_text_at(document, "compositions.0.aggregate"), "incomplete");
    assert_int_equal(json_array_size(json_object_get(document, "vulnerabilities")), 2);
    assert_string_equal(mu_json_text_at(document, "vulnerabilities.1.affects.0.ref"),
                        mu_json_text_at(document, "components.0.bom-ref"));
    assert_null(mu_json_at(document, "vulnerabilities.0.analysis"));
    assert_string_equal(mu_json_text_at(document, "vulnerabilities.1.analysis.detail"), "ignored");
    assert_string_equal(mu_json_text_at(document, "metadata.component.name"),
                        "r.example/apps/other");
    json_decref(document);
}

static void a_finding_that_names_nothing_is_of_the_image(void **state)
{
    json_t *document = document_of("{\"packages\":[],\"findings\":[{\"id\":\"CVE-1\"},{}]}");

    (void)state;
    assert_int_equal(json_array_size(json_object_get(document, "vulnerabilities")), 1);
    assert_string_equal(mu_json_text_at(document, "vulnerabilities.0.affects.0.ref"), DIGEST);
    json_decref(document);
}

static void values_of_another_kind_are_no_harm(void **state)
{
    json_t *document = document_of(
            "{\"packages\":[1,null,{\"name\":7},{\"name\":\"\"},{\"name\":\"a\",\"layer\":-1}],"
            "\"findings\":{\"id\":1},\"suppressed\":[[]],\"image\":[],\"scanner\":3,"
            "\"finished_at\":\"never\"}");

    (void)state;
    assert_int_equal(json_array_size(json_object_get(document, "components")), 1);
    assert_string_equal(mu_json_text_at(document, "components.0.purl"), "pkg:generic/a");
    assert_null(mu_json_at(document, "metadata.timestamp"));
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_scan_gives_the_example_byte_for_byte),
            cmocka_unit_test(
                    a_package_that_only_a_finding_names_is_there_and_the_list_is_incomplete),
            cmocka_unit_test(a_finding_that_names_nothing_is_of_the_image),
            cmocka_unit_test(values_of_another_kind_are_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
