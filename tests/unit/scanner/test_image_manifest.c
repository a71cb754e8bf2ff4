#include "image/image_manifest.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OCI        "application/vnd.oci.image."
#define CONFIG     OCI "config.v1+json"
#define LAYER      OCI "layer.v1.tar+gzip"
#define DIGEST     "sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
#define BLOB(type) "{\"mediaType\":\"" type "\",\"digest\":\"" DIGEST "\",\"size\":1}"

struct kind_case {
    const char *name, *config_type, *layers, *more;
    enum mu_digest_kind kind;
};

static const struct kind_case kind_cases[] = {
        {"an image", CONFIG, BLOB(LAYER), "", MU_DIGEST_KIND_MANIFEST},
        {"an image without layers", CONFIG, "", "", MU_DIGEST_KIND_MANIFEST},
        {"a cosign signature", CONFIG, BLOB("application/vnd.dev.cosign.simplesigning.v1+json"), "",
         MU_DIGEST_KIND_ATTESTATION},
        {"buildkit's statements", CONFIG,
         BLOB("application/vnd.in-toto+json") "," BLOB("application/vnd.in-toto+json"), "",
         MU_DIGEST_KIND_ATTESTATION},
        {"a chart", "application/vnd.cncf.helm.config.v1+json",
         BLOB("application/vnd.cncf.helm.chart.content.v1.tar+gzip"), "",
         MU_DIGEST_KIND_ATTESTATION},
        {"an artifact without content", CONFIG, "", ",\"artifactType\":\"application/x-odd\"",
         MU_DIGEST_KIND_ATTESTATION},
        {"a statement before layers", CONFIG, BLOB("application/vnd.in-toto+json") "," BLOB(LAYER),
         "", MU_DIGEST_KIND_MANIFEST},
        {"layers of an odd type", CONFIG, BLOB("application/x-odd"), "", MU_DIGEST_KIND_MANIFEST},
        {"layers of an image's type that speak of an SBOM", CONFIG, BLOB(LAYER "; spdx"), "",
         MU_DIGEST_KIND_MANIFEST},
        {"an image that calls itself an artifact", CONFIG, BLOB(LAYER),
         ",\"artifactType\":\"application/vnd.in-toto+json\"", MU_DIGEST_KIND_MANIFEST},
};

static void what_may_run_is_an_image_whatever_it_calls_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(kind_cases) / sizeof(kind_cases[0]); i++) {
        const struct kind_case *row = &kind_cases[i];
        MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
        struct image_manifest manifest;
        struct mu_error err;
        char json[2048];
        int len =
                snprintf(json, sizeof(json),
                         "{\"schemaVersion\":2,\"mediaType\":\"" OCI
                         "manifest.v1+json\",\"config\":{\"mediaType\":\"%s\",\"digest\":\"" DIGEST
                         "\",\"size\":2},\"layers\":[%s]%s}",
                         row->config_type, row->layers, row->more);

        if (image_manifest_parse(json, (size_t)len, "", arena, &manifest, &err) != MU_OK)
            fail_msg("%s: %s", row->name, err.message);
        if (manifest.kind != row->kind)
            fail_msg("%s: is of kind %d", row->name, (int)manifest.kind);
    }
}

static void a_child_with_a_platform_is_an_image_whatever_it_calls_itself(void **state)
{
    struct image_descriptor child = {.media_type = OCI "manifest.v1+json",
                                     .artifact_type = "application/x-odd",
                                     .annotations = {.reference_type = "attestation-manifest"}};

    (void)state;
    assert_int_equal(image_child_kind(&child), MU_DIGEST_KIND_ATTESTATION);
    child.platform = (struct image_platform){.os = "linux", .architecture = "amd64"};
    assert_int_equal(image_child_kind(&child), MU_DIGEST_KIND_MANIFEST);
    child.platform = (struct image_platform){.os = "unknown", .architecture = "unknown"};
    assert_int_equal(image_child_kind(&child), MU_DIGEST_KIND_ATTESTATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_may_run_is_an_image_whatever_it_calls_itself),
            cmocka_unit_test(a_child_with_a_platform_is_an_image_whatever_it_calls_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
