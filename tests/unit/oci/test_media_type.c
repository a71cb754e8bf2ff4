/* media_type: what a media type says of the thing behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "oci/media_type.h"

#include <string.h>

static const struct {
    const char *media_type;
    enum mu_digest_kind kind;
} rows[] = {
        {"application/vnd.oci.image.index.v1+json", MU_DIGEST_KIND_INDEX},
        {"application/vnd.docker.distribution.manifest.list.v2+json", MU_DIGEST_KIND_INDEX},
        {"application/vnd.oci.image.manifest.v1+json", MU_DIGEST_KIND_MANIFEST},
        {"application/vnd.oci.image.manifest.v1+json; charset=utf-8", MU_DIGEST_KIND_MANIFEST},
        {"application/vnd.docker.distribution.manifest.v2+json", MU_DIGEST_KIND_MANIFEST},
        {"application/vnd.docker.distribution.manifest.v1+prettyjws", MU_DIGEST_KIND_MANIFEST},
        {"application/vnd.oci.image.config.v1+json", MU_DIGEST_KIND_CONFIG},
        {"application/vnd.docker.container.image.v1+json", MU_DIGEST_KIND_CONFIG},
        {"application/vnd.oci.image.layer.v1.tar+zstd", MU_DIGEST_KIND_BLOB},
        {"application/vnd.docker.image.rootfs.diff.tar.gzip", MU_DIGEST_KIND_BLOB},
        {"application/octet-stream", MU_DIGEST_KIND_BLOB},
        {"application/vnd.oci.image.manifest.v1+jso", MU_DIGEST_KIND_UNKNOWN},
        {"application/vnd.oci.image.manifest.v1+json5", MU_DIGEST_KIND_UNKNOWN},
        {"application/json", MU_DIGEST_KIND_UNKNOWN},
        {"", MU_DIGEST_KIND_UNKNOWN},
        {NULL, MU_DIGEST_KIND_UNKNOWN},
};

static void a_media_type_says_its_kind_and_parameters_do_not_matter(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (mu_media_type_kind(rows[i].media_type) != rows[i].kind)
            fail_msg("%s", rows[i].media_type);
}

static void every_kind_has_its_word(void **state)
{
    (void)state;
    for (int kind = MU_DIGEST_KIND_NONE; kind <= MU_DIGEST_KIND_BLOB; kind++)
        assert_non_null(mu_digest_kind_words[kind]);
    assert_string_equal(mu_digest_kind_words[MU_DIGEST_KIND_BLOB], "blob");
    assert_null(mu_digest_kind_words[MU_DIGEST_KIND_BLOB + 1]);
}

static void whatever_is_asked_for_is_understood(void **state)
{
    char accept[512], *rest = accept, *one;

    (void)state;
    assert_true(strlen(mu_media_type_accept_manifests) < sizeof(accept));
    memcpy(accept, mu_media_type_accept_manifests, strlen(mu_media_type_accept_manifests) + 1);
    while ((one = strsep(&rest, ",")) != NULL) {
        enum mu_digest_kind kind = mu_media_type_kind(one + strspn(one, " "));

        assert_true(kind == MU_DIGEST_KIND_INDEX || kind == MU_DIGEST_KIND_MANIFEST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_media_type_says_its_kind_and_parameters_do_not_matter),
            cmocka_unit_test(every_kind_has_its_word),
            cmocka_unit_test(whatever_is_asked_for_is_understood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
