#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "match/vex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct vex_set *set;
    struct mu_error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->set = vex_set_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    vex_set_free(f->set);
    free(f);
    return 0;
}

static const struct image_package in_p = {.type = "npm", .name = "@s/p", .version = "1"};

static void read_ok(struct fixture *f, const char *json)
{
    if (vex_set_read(f->set, "test.json", json, strlen(json), &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
}

/* An OpenVEX document of one statement about CVE-1. */
static void state_of(struct fixture *f, const char *status, const char *time, const char *products)
{
    char json[2048];

    (void)snprintf(json, sizeof(json),
                   "{\"@context\":\"https://openvex.dev/ns/v0.2.0\",\"author\":\"a\",\"timestamp\":"
                   "\"%s\",\"statements\":[{\"vulnerability\":{\"name\":\"CVE-1\",\"aliases\":["
                   "\"GHSA-1\"]},\"status\":\"%s\",\"products\":[%s]}]}",
                   time, status, products);
    read_ok(f, json);
}

static const struct vex_statement *find(const struct fixture *f, const char *image)
{
    return vex_set_find(f->set, "CVE-1", &in_p, image);
}

#define THE_PACKAGE "{\"@id\":\"pkg:npm/%40s/p@1?vcs_url=x\"}"

static void a_statement_is_found_by_package_and_any_name(void **state)
{
    struct fixture *f = *state;

    state_of(f, "not_affected", "2024-01-01T00:00:00Z", THE_PACKAGE);
    assert_int_equal(find(f, NULL)->status, VEX_NOT_AFFECTED);
    assert_string_equal(find(f, NULL)->author, "a");
    assert_string_equal(find(f, NULL)->source, "test.json");
    assert_non_null(vex_set_find(f->set, "GHSA-1", &in_p, NULL));
    assert_null(vex_set_find(f->set, "CVE-2", &in_p, NULL));
}

static void a_written_version_must_be_the_same(void **state)
{
    struct fixture *f = *state;

    state_of(f, "fixed", "2024-01-01T00:00:00Z", "{\"@id\":\"pkg:npm/%40s/p@2\"}");
    assert_null(find(f, NULL));
    state_of(f, "fixed", "2024-01-01T00:00:00Z", "\"pkg:npm/%40s/p\"");
    assert_int_equal(find(f, NULL)->status, VEX_FIXED);
}

static void the_latest_statement_holds_whatever_the_order(void **state)
{
    struct fixture *f = *state;

    state_of(f, "affected", "2024-03-01T00:00:00Z", THE_PACKAGE);
    state_of(f, "not_affected", "2024-01-01T00:00:00Z", THE_PACKAGE);
    assert_int_equal(find(f, NULL)->status, VEX_AFFECTED);
    state_of(f, "fixed", "2024-03-01T00:00:00Z", THE_PACKAGE);
    assert_int_equal(find(f, NULL)->status, VEX_FIXED); /* of equals the last read */
}

static void a_statement_about_an_image_holds_in_that_image(void **state)
{
    struct fixture *f = *state;

    state_of(f, "not_affected", "2024-01-01T00:00:00Z",
             "{\"@id\":\"pkg:oci/web@sha256%3Aaa\",\"subcomponents\":[" THE_PACKAGE "]}");
    assert_null(find(f, NULL));
    assert_null(find(f, "sha256:bb"));
    assert_non_null(find(f, "sha256:aa"));
}

static void an_image_without_subcomponents_is_all_of_it(void **state)
{
    struct fixture *f = *state;

    state_of(f, "not_affected", "2024-01-01T00:00:00Z", "{\"@id\":\"pkg:oci/web@sha256%3Aaa\"}");
    assert_non_null(find(f, "sha256:aa"));
    assert_null(find(f, "sha256:bb"));
}

static void cyclonedx_resolves_references_and_states(void **state)
{
    static const struct {
        const char *state;
        enum vex_status status;
    } rows[] = {{"not_affected", VEX_NOT_AFFECTED},    {"false_positive", VEX_NOT_AFFECTED},
                {"exploitable", VEX_AFFECTED},         {"resolved", VEX_FIXED},
                {"resolved_with_pedigree", VEX_FIXED}, {"in_triage", VEX_UNDER_INVESTIGATION}};
    static const char *const references[] = {"r1", "urn:cdx:f08a6ccd/1#r1", "pkg:npm/%40s/p@1"};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture *f = *state;
        char json[1024];

        vex_set_free(f->set);
        f->set = vex_set_new();
        (void)snprintf(json, sizeof(json),
                       "{\"bomFormat\":\"CycloneDX\",\"components\":[{\"bom-ref\":\"r1\",\"purl\":"
                       "\"pkg:npm/%%40s/p@1\"}],\"vulnerabilities\":[{\"id\":\"CVE-1\","
                       "\"analysis\":{\"state\":\"%s\",\"justification\":\"code_not_reachable\","
                       "\"detail\":\"why\"},\"affects\":[{\"ref\":\"%s\"}]},{\"id\":\"CVE-2\"}]}",
                       rows[i].state, references[i % 3]);
        read_ok(f, json);
        assert_int_equal(vex_set_count(f->set), 1);
        assert_int_equal(find(f, NULL)->status, rows[i].status);
        assert_string_equal(find(f, NULL)->detail, "why");
    }
}

static void what_is_malformed_is_refused_whole(void **state)
{
    static const char *const wrong[] = {
            "{",
            "{}",
            "{\"statements\":[{\"status\":\"fixed\",\"products\":[]}]}",
            "{\"statements\":[{\"vulnerability\":\"CVE-1\",\"status\":\"maybe\"}]}",
            "{\"statements\":[{\"vulnerability\":\"CVE-1\",\"status\":\"fixed\",\"products\":["
            "\"pkg:npm/p\"]},{\"vulnerability\":\"CVE-1\",\"status\":\"fixed\",\"products\":["
            "\"pkg:npm\"]}]}",
            "{\"bomFormat\":\"CycloneDX\",\"vulnerabilities\":[{\"id\":\"CVE-1\",\"analysis\":{"
            "\"state\":\"x\"}}]}",
            "{\"bomFormat\":\"CycloneDX\",\"vulnerabilities\":[{\"analysis\":{\"state\":"
            "\"resolved\"}}]}"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (vex_set_read(f->set, "bad.json", wrong[i], strlen(wrong[i]), &f->err) != MU_E_INVALID)
            fail_msg("%s was not refused", wrong[i]);
        assert_non_null(strstr(f->err.message, "bad.json"));
        assert_int_equal(vex_set_count(f->set), 0);
    }
}

static void a_folder_gives_all_its_documents(void **state)
{
    static const char one[] = "{\"statements\":[{\"vulnerability\":\"CVE-1\",\"status\":\"fixed\","
                              "\"products\":[\"pkg:npm/%40s/p\"]}]}";
    struct fixture *f = *state;
    char folder[] = "/tmp/test-vex-XXXXXX", path[64];

    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/a.json", folder);
    assert_int_equal(mu_file_write_atomic(path, one, strlen(one), &f->err), MU_OK);
    assert_int_equal(vex_set_load(f->set, folder, &f->err), MU_OK);
    assert_int_equal(vex_set_load(f->set, path, &f->err), MU_OK);
    assert_int_equal(vex_set_count(f->set), 2);
    assert_string_equal(find(f, NULL)->source, "a.json");
    (void)unlink(path);
    (void)rmdir(folder);
    assert_int_equal(vex_set_load(f->set, folder, &f->err), MU_E_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_statement_is_found_by_package_and_any_name),
            TEST(a_written_version_must_be_the_same),
            TEST(the_latest_statement_holds_whatever_the_order),
            TEST(a_statement_about_an_image_holds_in_that_image),
            TEST(an_image_without_subcomponents_is_all_of_it),
            TEST(cyclonedx_resolves_references_and_states),
            TEST(what_is_malformed_is_refused_whole),
            TEST(a_folder_gives_all_its_documents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
