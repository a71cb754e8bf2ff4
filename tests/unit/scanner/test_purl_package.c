#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "match/purl_package.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct mu_arena *arena;
    struct purl purl;
    struct mu_error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->arena = mu_arena_new(1 << 20);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    mu_arena_free(f->arena);
    free(f);
    return 0;
}

static void parse(struct fixture *f, const char *text)
{
    if (purl_parse(text, strlen(text), f->arena, &f->purl, &f->err) != MU_OK)
        fail_msg("%s: %s", text, f->err.message);
}

static void expect_text(const char *found, const char *expected)
{
    if (!mu_text_equal(found, expected))
        fail_msg("'%s' is not '%s'", found ? found : "(none)", expected ? expected : "(none)");
}

static void every_part_is_read_and_decoded(void **state)
{
    struct fixture *f = *state;

    parse(f, "pkg:npm/%40angular/core@1.2%2B3?repository_url=https%3A%2F%2Fr.example&Arch=x#a/b");
    expect_text(f->purl.type, "npm");
    expect_text(f->purl.namespace, "@angular");
    expect_text(f->purl.name, "core");
    expect_text(f->purl.version, "1.2+3");
    expect_text(purl_qualifier(&f->purl, "repository_url"), "https://r.example");
    expect_text(purl_qualifier(&f->purl, "arch"), "x");
    expect_text(purl_qualifier(&f->purl, "none"), NULL);
    expect_text(f->purl.subpath, "a/b");
}

static void what_is_optional_may_be_missing(void **state)
{
    struct fixture *f = *state;

    parse(f, "PKG://Cargo/serde");
    expect_text(f->purl.type, "cargo");
    expect_text(f->purl.namespace, NULL);
    expect_text(f->purl.name, "serde");
    expect_text(f->purl.version, NULL);
    assert_int_equal(f->purl.qualifier_count, 0);
}

static void a_namespace_may_have_several_parts(void **state)
{
    struct fixture *f = *state;

    parse(f, "pkg:golang/example.org/a/b@v1.2.3");
    expect_text(f->purl.namespace, "example.org/a");
    expect_text(f->purl.name, "b");
    expect_text(purl_package_name(&f->purl, f->arena), "example.org/a/b");
}

/* Some tools leave the scope's '@' as it is. */
static void the_at_of_a_scope_is_no_version(void **state)
{
    struct fixture *f = *state;

    parse(f, "pkg:npm/@scope/name");
    expect_text(purl_package_name(&f->purl, f->arena), "@scope/name");
    expect_text(f->purl.version, NULL);
    parse(f, "pkg:npm/@scope/name@1");
    expect_text(f->purl.version, "1");
}

static void an_empty_qualifier_is_as_if_it_were_not_there(void **state)
{
    struct fixture *f = *state;

    parse(f, "pkg:deb/debian/a@1?arch=&&distro=debian-12");
    assert_int_equal(f->purl.qualifier_count, 1);
}

static void what_is_no_purl_is_refused_and_leaves_the_result(void **state)
{
    static const char *const wrong[] = {"",
                                        "npm/a@1",
                                        "pkg:",
                                        "pkg:npm",
                                        "pkg:npm/",
                                        "pkg:1npm/a",
                                        "pkg:n m/a",
                                        "pkg:npm/a%2",
                                        "pkg:npm/a%zz",
                                        "pkg:npm/a?x",
                                        "pkg:npm/a?=1",
                                        "pkg:npm/a%00b",
                                        "pkg:npm/%ff"};
    struct fixture *f = *state;

    f->purl.name = "untouched";
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (purl_parse(wrong[i], strlen(wrong[i]), f->arena, &f->purl, &f->err) != MU_E_INVALID)
            fail_msg("'%s' was not refused", wrong[i]);
        expect_text(f->purl.name, "untouched");
    }
}

static void a_purl_too_long_or_with_too_many_qualifiers_is_a_limit(void **state)
{
    struct fixture *f = *state;
    char text[PURL_MAX_BYTES + 2];
    size_t len = 0;

    memset(text, 'a', sizeof(text));
    assert_int_equal(purl_parse(text, sizeof(text), f->arena, &f->purl, &f->err), MU_E_LIMIT);
    memcpy(text, "pkg:npm/a?", 10);
    for (len = 10; len < 10 + (PURL_QUALIFIERS_MAX + 1) * 4; len += 4)
        memcpy(text + len, "k=v&", 4);
    assert_int_equal(purl_parse(text, len, f->arena, &f->purl, &f->err), MU_E_LIMIT);
}

/* ---- the package it names ---- */

static void package(struct fixture *f, const char *text, struct image_package *ret_package,
                    struct image_os *ret_os)
{
    parse(f, text);
    if (purl_package(&f->purl, f->arena, ret_package, ret_os, &f->err) != MU_OK)
        fail_msg("%s: %s", text, f->err.message);
}

static void an_rpm_has_epoch_release_and_module(void **state)
{
    struct fixture *f = *state;
    struct image_package found;
    struct image_os os;

    package(f,
            "pkg:rpm/redhat/nodejs@16.1-1.module%2Bel9?epoch=1&arch=x86_64&distro=rhel-9.2&"
            "rpmmod=nodejs:16:90:x",
            &found, &os);
    expect_text(found.version, "1:16.1-1.module+el9");
    expect_text(found.architecture, "x86_64");
    expect_text(found.module, "nodejs:16:90:x");
    expect_text(os.id, "rhel");
    expect_text(os.version_id, "9.2");
}

static void upstream_names_the_source(void **state)
{
    struct fixture *f = *state;
    struct image_package found;
    struct image_os os;

    package(f, "pkg:deb/debian/libssl3@3.0.11-1%2Bb1?distro=bookworm&upstream=openssl%403.0.11-1",
            &found, &os);
    expect_text(found.source_name, "openssl");
    expect_text(found.source_version, "3.0.11-1");
    expect_text(os.version_codename, "bookworm");
    package(f, "pkg:apk/alpine/musl@1.2?distro=alpine-v3.20.3", &found, &os);
    expect_text(found.source_name, "musl");
    expect_text(os.version_id, "3.20.3");
}

static void upstream_of_an_rpm_is_its_source_package(void **state)
{
    struct fixture *f = *state;
    struct image_package found;
    struct image_os os;

    package(f,
            "pkg:rpm/almalinux/openssl-libs@3.0.7-27.el9?distro=almalinux-9.4&epoch=1&"
            "upstream=openssl-3.0.7-27.el9.src.rpm",
            &found, &os);
    expect_text(found.version, "1:3.0.7-27.el9");
    expect_text(found.source_name, "openssl");
    expect_text(found.source_version, "3.0.7-27.el9");
    package(f, "pkg:rpm/rhel/a@1-2?distro=rhel-9&upstream=.src.rpm", &found, &os);
    expect_text(found.source_name, ".src.rpm");
}

static void maven_joins_group_and_artifact(void **state)
{
    struct fixture *f = *state;
    struct image_package found;
    struct image_os os;

    package(f, "pkg:maven/org.example/lib@1.0", &found, &os);
    expect_text(found.name, "org.example:lib");
    assert_false(os.found);
}

static void without_version_there_is_nothing_to_judge(void **state)
{
    struct fixture *f = *state;
    struct image_package found;
    struct image_os os;

    parse(f, "pkg:npm/a");
    assert_int_equal(purl_package(&f->purl, f->arena, &found, &os, &f->err), MU_E_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(every_part_is_read_and_decoded),
            TEST(what_is_optional_may_be_missing),
            TEST(a_namespace_may_have_several_parts),
            TEST(the_at_of_a_scope_is_no_version),
            TEST(an_empty_qualifier_is_as_if_it_were_not_there),
            TEST(what_is_no_purl_is_refused_and_leaves_the_result),
            TEST(a_purl_too_long_or_with_too_many_qualifiers_is_a_limit),
            TEST(an_rpm_has_epoch_release_and_module),
            TEST(upstream_names_the_source),
            TEST(upstream_of_an_rpm_is_its_source_package),
            TEST(maven_joins_group_and_artifact),
            TEST(without_version_there_is_nothing_to_judge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
