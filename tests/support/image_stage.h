/*
 * image_stage: an image in a registry of the test's own, and its analysis. Include cmocka.h first.
 */
#ifndef TESTS_SUPPORT_IMAGE_STAGE_H
#define TESTS_SUPPORT_IMAGE_STAGE_H

#include "base/text.h"
#include "image/image_scan.h"
#include "image_build.h"
#include "image_limits.h"

#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define MEMORY_IS_OURS 0 /* a sanitizer's own memory would be counted */
#else
#    define MEMORY_IS_OURS 1
#endif

struct fixture {
    struct registry_peer peer;
    struct image_build build;
    struct mu_buf tar, packed;
    struct image_limits limits;
    uint64_t later_max_entries; /* limit of all times but the first; 0: the same */
    struct layer_engine *engine;
    struct mu_arena *arena;
    struct image_analysis image;
    struct mu_error err;
    char digest[MU_DIGEST_TEXT_SIZE];
    long grown_kib; /* peak memory of the analysis above what there was */
};

static inline int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    registry_peer_listen(&f->peer);
    image_build_begin(&f->build, &f->peer);
    mu_buf_init(&f->tar, LAYER_BUILD_MAX);
    mu_buf_init(&f->packed, LAYER_BUILD_MAX);
    f->limits = image_limits_default;
    f->engine = image_limits_engine();
    f->arena = mu_arena_new(IMAGE_ARENA_MAX_BYTES);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;

    registry_peer_clear(&f->peer);
    mu_buf_done(&f->build.layers);
    mu_buf_done(&f->build.diff_ids);
    mu_buf_done(&f->tar);
    mu_buf_done(&f->packed);
    mu_arena_free(f->arena);
    layer_engine_free(f->engine);
    free(f);
    return 0;
}

static inline long peak_kib(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static inline void analyze_times(struct fixture *f, unsigned times)
{
    MU_AUTO(registry_book) struct registry_book *book = NULL;
    char json[256];
    long before;
    enum mu_status st = MU_OK;

    image_build_book(&f->peer, json, sizeof(json));
    assert_int_equal(registry_book_parse(json, strlen(json), &book, &f->err), MU_OK);
    registry_peer_start(&f->peer);
    before = peak_kib();
    for (unsigned i = 0; i < times && st == MU_OK; i++) {
        if (i > 0 && f->later_max_entries > 0)
            f->limits.max_layer_entries = f->later_max_entries;
        st = image_analyze(book, IMAGE_BUILD_REPOSITORY, f->digest, &f->limits, f->engine, f->arena,
                           &f->image, &f->err);
    }
    f->grown_kib = peak_kib() - before;
    registry_peer_stop(&f->peer);
    if (st != MU_OK)
        fail_msg("%s", f->err.message);
}

static inline void analyze(struct fixture *f)
{
    analyze_times(f, 1);
}

static inline void expect_memory_below(const struct fixture *f, long mib)
{
    if (MEMORY_IS_OURS && f->grown_kib > mib * 1024)
        fail_msg("%ld MiB more memory than before", f->grown_kib / 1024);
}

static inline void expect_failure(const struct fixture *f, const char *code, const char *word)
{
    const struct image_failure *failure = f->image.failures;

    if (f->image.failure_count == 0)
        fail_msg("no failure");
    if (!mu_text_equal(failure->code, code) || !strstr(failure->message, word))
        fail_msg("'%s: %s' is not '%s' with '%s'", failure->code, failure->message, code, word);
}

static inline void expect_complete(const struct fixture *f, size_t packages)
{
    if (f->image.failure_count > 0)
        fail_msg("%s", f->image.failures[0].message);
    assert_int_equal(f->image.package_count, packages);
}

/* The tar as one plain layer of an image. */
static inline struct peer_route *push_tar(struct fixture *f)
{
    struct peer_route *route;

    layer_build_end(&f->tar);
    route = image_build_layer(&f->build, &f->tar, &f->tar, IMAGE_BUILD_TAR);
    (void)image_build_finish(&f->build, f->digest);
    return route;
}

static inline void push_manifest(struct fixture *f, const char *json, const char *media_type)
{
    (void)image_build_manifest_bytes(&f->peer, json, strlen(json), media_type, f->digest);
}

static inline void evidence(struct fixture *f)
{
    layer_build_file(&f->tar, "etc/os-release", image_build_debian);
    layer_build_file(&f->tar, "var/lib/dpkg/status", image_build_status);
}

#endif
