/*
 * image_build: images in a registry_peer, whole or spoilt where a test wants it.
 * Aborts (assert) on misuse: it is fed by tests alone.
 */
#ifndef TESTS_SUPPORT_IMAGE_BUILD_H
#define TESTS_SUPPORT_IMAGE_BUILD_H

#include "layer_build.h"
#include "registry_peer.h"

#define IMAGE_BUILD_MANIFEST   "application/vnd.oci.image.manifest.v1+json"
#define IMAGE_BUILD_INDEX      "application/vnd.oci.image.index.v1+json"
#define IMAGE_BUILD_CONFIG     "application/vnd.oci.image.config.v1+json"
#define IMAGE_BUILD_TAR        "application/vnd.oci.image.layer.v1.tar"
#define IMAGE_BUILD_GZIP       IMAGE_BUILD_TAR "+gzip"
#define IMAGE_BUILD_REPOSITORY "reg.example/team/app"

static const char image_build_debian[] = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"
                                         "ID=debian\nVERSION_ID=\"12\"\n";
static const char image_build_status[] =
        "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\n"
        "Version: 3.0.11-1~deb12u1\n\n";

struct image_build {
    struct registry_peer *peer;
    struct mu_buf layers, diff_ids; /* JSON array members */
    const char *config_type;
};

static inline void image_build_begin(struct image_build *image, struct registry_peer *peer)
{
    image->peer = peer;
    image->config_type = IMAGE_BUILD_CONFIG;
    mu_buf_init(&image->layers, 1 << 20);
    mu_buf_init(&image->diff_ids, 1 << 20);
}

/* The blob's route, to be spoilt. `tar` are the unpacked bytes. */
static inline struct peer_route *image_build_layer(struct image_build *image,
                                                   const struct mu_buf *packed,
                                                   const struct mu_buf *tar, const char *media_type)
{
    char digest[MU_DIGEST_TEXT_SIZE], diff_id[MU_DIGEST_TEXT_SIZE];
    struct peer_route *route =
            registry_peer_add(image->peer, "blobs", packed->data, packed->len, digest);
    const char *comma = image->layers.len > 0 ? "," : "";

    mu_sha256_text(tar->data, tar->len, diff_id);
    mu_buf_printf(&image->layers, "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}", comma,
                  media_type, digest, packed->len);
    mu_buf_printf(&image->diff_ids, "%s\"%s\"", comma, diff_id);
    return route;
}

static inline struct peer_route *image_build_manifest_bytes(struct registry_peer *peer,
                                                            const char *json, size_t len,
                                                            const char *media_type,
                                                            char ret_digest[MU_DIGEST_TEXT_SIZE])
{
    struct peer_route *route = registry_peer_add(peer, "manifests", json, len, ret_digest);

    (void)snprintf(route->headers, sizeof(route->headers), "Content-Type: %s\r\n", media_type);
    return route;
}

/* Pushes config and manifest and releases the build. */
static inline struct peer_route *image_build_finish(struct image_build *image,
                                                    char ret_digest[MU_DIGEST_TEXT_SIZE])
{
    char config_digest[MU_DIGEST_TEXT_SIZE];
    struct mu_buf json;
    struct peer_route *route;
    size_t config_len;

    mu_buf_init(&json, 1 << 20);
    mu_buf_printf(&json,
                  "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\","
                  "\"diff_ids\":[%s]}}",
                  image->diff_ids.data);
    config_len = json.len;
    (void)registry_peer_add(image->peer, "blobs", json.data, json.len, config_digest);
    mu_buf_reset(&json);
    mu_buf_printf(&json,
                  "{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_BUILD_MANIFEST
                  "\",\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu},\"layers\":["
                  "%s]}",
                  image->config_type, config_digest, config_len, image->layers.data);
    assert(!json.failed);
    route = image_build_manifest_bytes(image->peer, json.data, json.len, IMAGE_BUILD_MANIFEST,
                                       ret_digest);
    mu_buf_done(&json);
    mu_buf_done(&image->layers);
    mu_buf_done(&image->diff_ids);
    return route;
}

/* One plain tar layer of the two evidence files (NULL: without) and its image. */
static inline struct peer_route *image_build_simple(struct registry_peer *peer,
                                                    const char *os_release, const char *status,
                                                    char ret_digest[MU_DIGEST_TEXT_SIZE])
{
    struct image_build image;
    struct peer_route *route;
    struct mu_buf tar;

    mu_buf_init(&tar, LAYER_BUILD_MAX);
    if (os_release)
        layer_build_file(&tar, "etc/os-release", os_release);
    if (status)
        layer_build_file(&tar, "var/lib/dpkg/status", status);
    layer_build_end(&tar);
    image_build_begin(&image, peer);
    route = image_build_layer(&image, &tar, &tar, IMAGE_BUILD_TAR);
    (void)image_build_finish(&image, ret_digest);
    mu_buf_done(&tar);
    return route;
}

/* The registries book under which the peer is reg.example. */
static inline void image_build_book(const struct registry_peer *peer, char *ret_json, size_t size)
{
    (void)snprintf(ret_json, size,
                   "{\"registries\":[{\"host\":\"reg.example\",\"url\":\"http://127.0.0.1:%d\"}]}",
                   peer->port);
}

#endif
