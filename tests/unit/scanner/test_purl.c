#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "result/purl.h"

#include "sbom/purl.h"

#include <string.h>

struct purl_case {
    const char *type, *name, *version, *architecture;
    const char *os_id, *os_version;
    const char *expected;
};

static void expect_purl(const struct image_package *package, const struct image_os *os,
                        const char *expected)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;

    mu_buf_init(&out, 1 << 16);
    purl_put(package, os, &out);
    if (strcmp(out.data, expected) != 0)
        fail_msg("'%s', not '%s'", out.data, expected);
}

static void expect(const struct purl_case *row)
{
    const struct image_package package = {.type = row->type,
                                          .name = row->name,
                                          .version = row->version,
                                          .architecture = row->architecture};
    const struct image_os os = {.id = row->os_id, .version_id = row->os_version};

    expect_purl(&package, &os, row->expected);
}

static void expect_all(const struct purl_case *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect(&rows[i]);
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void packages_of_distributions_name_them(void **state)
{
    static const struct purl_case rows[] = {
            {"deb", "curl", "7.88.1-10+deb12u8", "amd64", "debian", "12",
             "pkg:deb/debian/curl@7.88.1-10%2Bdeb12u8?arch=amd64&distro=debian-12"},
            {"deb", "passwd", "1:4.13+dfsg1-1", "amd64", "debian", "12",
             "pkg:deb/debian/passwd@1:4.13%2Bdfsg1-1?arch=amd64&distro=debian-12"},
            {"deb", "libc6", "2.40-1ubuntu3~24", "all", "ubuntu", "24.04",
             "pkg:deb/ubuntu/libc6@2.40-1ubuntu3~24?arch=all&distro=ubuntu-24.04"},
            {"deb", "g++", "4:12.2.0-3", NULL, "debian", NULL,
             "pkg:deb/debian/g%2B%2B@4:12.2.0-3?distro=debian"},
            {"deb", "a", "1", "amd64", NULL, NULL, "pkg:deb/a@1?arch=amd64"},
            {"apk", "Musl", "1.2.5-r0", "x86_64", "alpine", "3.20.3",
             "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.3"},
            {"rpm", "openssl-libs", "1:3.0.7-27.el9", "x86_64", "almalinux", "9.4",
             "pkg:rpm/almalinux/"
             "openssl-libs@3.0.7-27.el9?arch=x86_64&distro=almalinux-9.4&epoch=1"},
            {"rpm", "bash", "5.1.8-9.el9", "x86_64", "rhel", "9.4",
             "pkg:rpm/rhel/bash@5.1.8-9.el9?arch=x86_64&distro=rhel-9.4"},
            {"rpm", "NetworkManager", "0:1.0^git~1-1", NULL, "opensuse-leap", "15.6",
             "pkg:rpm/opensuse-leap/"
             "NetworkManager@1.0%5Egit~1-1?distro=opensuse-leap-15.6&epoch=0"},
    };

    (void)state;
    expect_all(rows, COUNT_OF(rows));
}

static void the_source_is_told_where_it_is_another(void **state)
{
    static const struct {
        const char *type, *name, *version, *source_name, *source_version, *module, *expected;
    } rows[] = {
            {"deb", "libssl3", "3.0.11-1+b1", "openssl", "3.0.11-1", NULL,
             "pkg:deb/x/libssl3@3.0.11-1%2Bb1?distro=x-1&upstream=openssl%403.0.11-1"},
            {"deb", "libssl3", "3.0.11-1", "openssl", "3.0.11-1", NULL,
             "pkg:deb/x/libssl3@3.0.11-1?distro=x-1&upstream=openssl"},
            {"deb", "gcc", "4:12.2.0-3", "gcc", "1:1.203", NULL,
             "pkg:deb/x/gcc@4:12.2.0-3?distro=x-1&upstream=gcc%401:1.203"},
            {"deb", "bash", "5.2-2", "bash", "5.2-2", NULL, "pkg:deb/x/bash@5.2-2?distro=x-1"},
            {"deb", "bash", "5.2-2", NULL, NULL, NULL, "pkg:deb/x/bash@5.2-2?distro=x-1"},
            {"apk", "musl-utils", "1.2.5-r0", "musl", "1.2.5-r0", NULL,
             "pkg:apk/x/musl-utils@1.2.5-r0?distro=x-1&upstream=musl"},
            {"rpm", "openssl-libs", "1:3.0-27.el9", "openssl", "3.0-27.el9", NULL,
             "pkg:rpm/x/openssl-libs@3.0-27.el9?distro=x-1&epoch=1&"
             "upstream=openssl-3.0-27.el9.src.rpm"},
            {"rpm", "nodejs", "1:16.1-1.module", "nodejs", "16.1-1.module", "nodejs:16:9020:rhel9",
             "pkg:rpm/x/nodejs@16.1-1.module?distro=x-1&epoch=1&rpmmod=nodejs:16:9020:rhel9"},
            /* no SOURCERPM: the package's own name and version stand in */
            {"rpm", "a", "1:1-1", "a", "1:1-1", NULL, "pkg:rpm/x/a@1-1?distro=x-1&epoch=1"},
            {"pypi", "flask", "1", "other", "2", NULL, "pkg:pypi/flask@1"},
    };
    const struct image_os os = {.id = "x", .version_id = "1"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct image_package package = {.type = rows[i].type,
                                              .name = rows[i].name,
                                              .version = rows[i].version,
                                              .source_name = rows[i].source_name,
                                              .source_version = rows[i].source_version,
                                              .module = rows[i].module};

        expect_purl(&package, &os, rows[i].expected);
    }
}

static void packages_of_languages_are_folded_as_their_type_asks(void **state)
{
    static const struct purl_case rows[] = {
            {"pypi", "Flask_SQLAlchemy", "3.0.5", NULL, "debian", "12",
             "pkg:pypi/flask-sqlalchemy@3.0.5"},
            {"pypi", "zope.interface", "5.0+local.1", NULL, NULL, NULL,
             "pkg:pypi/zope.interface@5.0%2Blocal.1"},
            {"npm", "@angular/core", "17.0.0-rc.1", NULL, "debian", "12",
             "pkg:npm/%40angular/core@17.0.0-rc.1"},
            {"npm", "left-pad", "1.3.0", "amd64", NULL, NULL, "pkg:npm/left-pad@1.3.0"},
            {"npm", "JSONStream", "1.0.0", NULL, NULL, NULL, "pkg:npm/jsonstream@1.0.0"},
            {"maven", "org.apache.commons:commons-lang3", "3.12.0", NULL, NULL, NULL,
             "pkg:maven/org.apache.commons/commons-lang3@3.12.0"},
            {"maven", "ojdbc8", "1.0", NULL, NULL, NULL, "pkg:maven/ojdbc8@1.0"},
            {"golang", "github.com/Azure/go-autorest", "v14.2.0+incompatible", NULL, NULL, NULL,
             "pkg:golang/github.com/azure/go-autorest@v14.2.0%2Bincompatible"},
            {"golang", "stdlib", "1.22.1", NULL, NULL, NULL, "pkg:golang/stdlib@1.22.1"},
            {"golang", "example.test/a/v2", "(devel)", NULL, NULL, NULL,
             "pkg:golang/example.test/a/v2@%28devel%29"},
            {"cargo", "serde_json", "1.0.0", NULL, NULL, NULL, "pkg:cargo/serde_json@1.0.0"},
            {"gem", "Ascii85", "1.1.0", NULL, NULL, NULL, "pkg:gem/Ascii85@1.1.0"},
            {"nuget", "Newtonsoft.Json", "13.0.1", NULL, NULL, NULL,
             "pkg:nuget/Newtonsoft.Json@13.0.1"},
            {"composer", "Symfony/Console", "v6.4.0", NULL, NULL, NULL,
             "pkg:composer/symfony/console@v6.4.0"},
            {"generic", "busybox", "1.36", NULL, "alpine", "3.20", "pkg:generic/busybox@1.36"},
            {"unheard-of", "x", "1", NULL, NULL, NULL, "pkg:generic/x@1"},
    };

    (void)state;
    expect_all(rows, COUNT_OF(rows));
}

static void what_is_odd_is_encoded_and_never_splits_the_url(void **state)
{
    static const struct purl_case rows[] = {
            {"generic", "a b/c?d#e@f%", "1 2", NULL, NULL, NULL,
             "pkg:generic/a%20b%2Fc%3Fd%23e%40f%25@1%202"},
            {"npm", "@scope/", "1", NULL, NULL, NULL, "pkg:npm/%40scope%2F@1"},
            {"npm", "/name", "1", NULL, NULL, NULL, "pkg:npm/%2Fname@1"},
            {"maven", "g:a:b", "1", NULL, NULL, NULL, "pkg:maven/g/a:b@1"},
            {"pypi", "caf\xc3\xa9", "", NULL, NULL, NULL, "pkg:pypi/caf%C3%A9"},
            {"rpm", "a", "1:", NULL, "x", "1", "pkg:rpm/x/a?distro=x-1&epoch=1"},
            {"rpm", "a", ":1", NULL, NULL, NULL, "pkg:rpm/a@:1"},
            {"cargo", "a", NULL, NULL, NULL, NULL, "pkg:cargo/a"},
    };

    (void)state;
    expect_all(rows, COUNT_OF(rows));
}

static void an_image_is_named_by_repository_and_digest(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;

    (void)state;
    mu_buf_init(&out, 1 << 10);
    mu_purl_put_image("registry.example:5000/Team/App", "sha256:ab", "linux/arm64/v8", &out);
    assert_string_equal(out.data, "pkg:oci/app@sha256:ab?arch=arm64&repository_url="
                                  "registry.example:5000%2FTeam%2FApp");
    mu_buf_reset(&out);
    mu_purl_put_image("app", "sha256:ab", NULL, &out);
    assert_string_equal(out.data, "pkg:oci/app@sha256:ab?repository_url=app");
}

static void names_are_parted_where_their_type_parts_them(void **state)
{
    (void)state;
    assert_int_equal(mu_purl_namespace_len("npm", "@a/b"), 2);
    assert_int_equal(mu_purl_namespace_len("maven", "g:a"), 1);
    assert_int_equal(mu_purl_namespace_len("golang", "a/b/c"), 3);
    assert_int_equal(mu_purl_namespace_len("deb", "a/b"), 0);
    assert_int_equal(mu_purl_namespace_len("npm", "a"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(packages_of_distributions_name_them),
            cmocka_unit_test(the_source_is_told_where_it_is_another),
            cmocka_unit_test(packages_of_languages_are_folded_as_their_type_asks),
            cmocka_unit_test(what_is_odd_is_encoded_and_never_splits_the_url),
            cmocka_unit_test(an_image_is_named_by_repository_and_digest),
            cmocka_unit_test(names_are_parted_where_their_type_parts_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
