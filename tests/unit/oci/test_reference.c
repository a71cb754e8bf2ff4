/* reference: image names as people and runtimes write them; the cases are in
 * tests/data/oci/references.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "oci/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 4096 };

/* Exactly as long as the text, so that reading behind it is found by a sanitizer. */
static enum mu_status parse(const char *text, struct mu_oci_reference *ret, struct mu_error *err)
{
    size_t len = strlen(text);
    char *exact = malloc(len ? len : 1);
    enum mu_status st;

    assert_non_null(exact);
    memcpy(exact, text, len);
    st = mu_oci_reference_parse(exact, len, ret, err);
    free(exact);
    return st;
}

static void check_good(const char *text, const char *repository, const char *tag,
                       const char *digest)
{
    struct mu_oci_reference reference;
    struct mu_error err;

    if (parse(text, &reference, &err) != MU_OK)
        fail_msg("'%s' is refused: %s", text, err.message);
    assert_string_equal(reference.repository, repository);
    assert_string_equal(reference.tag, tag);
    assert_string_equal(reference.digest, digest);
}

static void check_bad(const char *text, const char *status)
{
    struct mu_oci_reference reference, before;
    struct mu_error err;

    memset(&reference, 0xa5, sizeof(reference));
    memcpy(&before, &reference, sizeof(reference));
    if (parse(text, &reference, &err) == MU_OK || strcmp(mu_status_name(err.status), status) != 0)
        fail_msg("'%s' is not refused as %s", text, status);
    assert_non_null(strstr(err.message, "re")); /* "image reference" or "repository name" */
    assert_memory_equal(&reference, &before, sizeof(reference));
}

static void every_reference_of_the_table_is_read_or_refused_as_it_says(void **state)
{
    FILE *file = fopen(MU_TEST_DATA "/oci/references.txt", "re");
    char line[LINE_SIZE];
    size_t cases = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        char *rest = line, *text, *repository, *tag;

        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#')
            continue;
        text = strsep(&rest, "|");
        repository = strsep(&rest, "|");
        tag = strsep(&rest, "|");
        if (repository[0] == '-')
            check_bad(text, repository + 1);
        else
            check_good(text, repository, tag, rest);
        cases++;
    }
    (void)fclose(file);
    assert_true(cases >= 60);
}

static void a_canonical_name_stays_what_it_is(void **state)
{
    static const char *const texts[] = {"nginx", "Registry.Example:5000/a/b", "[::1]:5000/app",
                                        "localhost/app"};
    struct mu_oci_reference once, twice;
    struct mu_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(parse(texts[i], &once, &err), MU_OK);
        assert_int_equal(parse(once.repository, &twice, &err), MU_OK);
        assert_string_equal(once.repository, twice.repository);
    }
}

static void a_nul_inside_is_refused(void **state)
{
    struct mu_oci_reference reference;
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_oci_reference_parse("r.io/app\0x", 10, &reference, &err), MU_E_INVALID);
}

static void host_and_path_join_into_the_canonical_name_and_split_again(void **state)
{
    char repository[MU_OCI_REPOSITORY_SIZE];
    struct mu_error err;
    const char *path;
    size_t host_len;

    (void)state;
    assert_int_equal(mu_oci_repository_join("Registry.Example:5000", "a/b", repository, &err),
                     MU_OK);
    assert_string_equal(repository, "registry.example:5000/a/b");
    mu_oci_repository_split(repository, &host_len, &path);
    assert_int_equal(host_len, 21);
    assert_string_equal(path, "a/b");
    mu_oci_repository_split("alone", &host_len, &path);
    assert_int_equal(host_len, 5);
    assert_string_equal(path, "");
}

static void what_cannot_be_joined_is_refused_and_nothing_written(void **state)
{
    static const char *const rows[][2] = {{"", "a"},  {"h", ""},   {"h/x", "a"},
                                          {"h", "A"}, {"h", "/a"}, {"h h", "a"}};
    char repository[MU_OCI_REPOSITORY_SIZE] = "before", endless[600];
    struct mu_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(mu_oci_repository_join(rows[i][0], rows[i][1], repository, &err),
                         MU_E_INVALID);
    memset(endless, 'a', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    assert_int_equal(mu_oci_repository_join("h", endless, repository, &err), MU_E_LIMIT);
    assert_string_equal(repository, "before");
}

static void an_asset_is_named_by_its_tag_else_by_its_digest(void **state)
{
    char uai[MU_OCI_UAI_SIZE];

    (void)state;
    mu_oci_uai_format("r.io/app", "1.0", "sha256:x", uai);
    assert_string_equal(uai, "r.io/app:1.0");
    mu_oci_uai_format("r.io/app", "", "sha256:x", uai);
    assert_string_equal(uai, "r.io/app@sha256:x");
    mu_oci_uai_format("r.io/app", NULL, "sha256:x", uai);
    assert_string_equal(uai, "r.io/app@sha256:x");
}

static void the_longest_names_fit_an_asset_identifier(void **state)
{
    char repository[MU_OCI_REPOSITORY_SIZE], tag[MU_OCI_TAG_SIZE], digest[MU_OCI_DIGEST_SIZE],
            uai[MU_OCI_UAI_SIZE];

    (void)state;
    memset(repository, 'r', sizeof(repository));
    memset(tag, 't', sizeof(tag));
    memset(digest, 'd', sizeof(digest));
    repository[sizeof(repository) - 1] = tag[sizeof(tag) - 1] = digest[sizeof(digest) - 1] = '\0';
    mu_oci_uai_format(repository, tag, NULL, uai);
    assert_int_equal(strlen(uai), strlen(repository) + 1 + strlen(tag));
    mu_oci_uai_format(repository, NULL, digest, uai);
    assert_int_equal(strlen(uai), strlen(repository) + 1 + strlen(digest));
}

static void tags_that_are_meant_to_move_are_known(void **state)
{
    static const char *const floating[] = {"latest",  "edge", "main", "master", "stable",
                                           "nightly", "dev",  "head", ""};

    (void)state;
    for (size_t i = 0; i < sizeof(floating) / sizeof(floating[0]); i++)
        assert_true(mu_oci_tag_floating(floating[i]));
    assert_false(mu_oci_tag_floating("1.0"));
    assert_false(mu_oci_tag_floating("latest-1"));
    assert_false(mu_oci_tag_floating(NULL));
}

static void tags_and_digests_are_told_from_what_is_neither(void **state)
{
    (void)state;
    assert_true(mu_oci_tag_valid("_1.0-x", 6));
    assert_false(mu_oci_tag_valid("", 0));
    assert_false(mu_oci_tag_valid("a\0", 2));
    assert_false(mu_oci_tag_valid("a/b", 3));
    assert_false(mu_oci_digest_valid("sha256:", 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_reference_of_the_table_is_read_or_refused_as_it_says),
            cmocka_unit_test(a_canonical_name_stays_what_it_is),
            cmocka_unit_test(a_nul_inside_is_refused),
            cmocka_unit_test(host_and_path_join_into_the_canonical_name_and_split_again),
            cmocka_unit_test(what_cannot_be_joined_is_refused_and_nothing_written),
            cmocka_unit_test(an_asset_is_named_by_its_tag_else_by_its_digest),
            cmocka_unit_test(the_longest_names_fit_an_asset_identifier),
            cmocka_unit_test(tags_that_are_meant_to_move_are_known),
            cmocka_unit_test(tags_and_digests_are_told_from_what_is_neither),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
