#include "app/scan_progress.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SHOWN_EVERY_MS = 100 };

struct progress {
    struct image_source base;
    struct image_source *inner;
    uint64_t all_bytes, shown_at_ms;
};

struct blob_progress {
    struct progress *progress;
    const struct mu_registry_blob *blob;
    uint64_t bytes;
    mu_registry_blob_fn *on_bytes;
    void *opaque;
};

static bool has_terminal(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && term && !mu_text_equal(term, "dumb");
}

void scan_progress_clear(void)
{
    if (has_terminal())
        (void)fputs("\r\033[K", stderr);
}

static void show(struct blob_progress *blob)
{
    struct progress *progress = blob->progress;
    uint64_t now_ms = mu_monotonic_ms(), size = blob->blob->size_bytes;

    if (now_ms - progress->shown_at_ms < SHOWN_EVERY_MS)
        return;
    progress->shown_at_ms = now_ms;
    (void)fprintf(stderr, "\r\033[K%.19s  %llu of %llu MiB (%u%%), %llu MiB in all",
                  blob->blob->digest, (unsigned long long)(blob->bytes >> 20),
                  (unsigned long long)(size >> 20),
                  size > 0 ? (unsigned)(blob->bytes * 100 / size) : 100U,
                  (unsigned long long)(progress->all_bytes >> 20));
}

static enum mu_status bytes_take(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct blob_progress *blob = opaque;

    blob->bytes += len;
    blob->progress->all_bytes += len;
    show(blob);
    return blob->on_bytes(blob->opaque, bytes, len, err);
}

static struct progress *progress_of(struct image_source *source)
{
    return (struct progress *)source;
}

static enum mu_status fetch_blob(struct image_source *source, const struct mu_registry_blob *blob,
                                 mu_registry_blob_fn *on_bytes, void *opaque, struct mu_error *err)
{
    struct blob_progress watched = {
            .progress = progress_of(source), .blob = blob, .on_bytes = on_bytes, .opaque = opaque};

    return image_source_fetch_blob(watched.progress->inner, blob, bytes_take, &watched, err);
}

static enum mu_status fetch_manifest(struct image_source *source, const char *digest,
                                     struct mu_buf *out, struct mu_registry_manifest *ret_manifest,
                                     struct mu_error *err)
{
    return image_source_fetch_manifest(progress_of(source)->inner, digest, out, ret_manifest, err);
}

static enum mu_status resolve(struct image_source *source, const char *name,
                              char ret_digest[MU_DIGEST_TEXT_SIZE], struct mu_error *err)
{
    return image_source_resolve(progress_of(source)->inner, name, ret_digest, err);
}

static enum mu_status referrers(struct image_source *source, const char *digest,
                                struct mu_arena *arena, const struct image_referrer **ret_referrers,
                                size_t *ret_count, struct mu_error *err)
{
    return image_source_referrers(progress_of(source)->inner, digest, arena, ret_referrers,
                                  ret_count, err);
}

static const char *authentication(const struct image_source *source)
{
    return image_source_authentication(((const struct progress *)source)->inner);
}

/* What comes by another way is not shown. */
static enum mu_status another(const struct image_source *source, int64_t deadline_ms,
                              struct image_source **ret_source, struct mu_error *err)
{
    return image_source_another(((const struct progress *)source)->inner, deadline_ms, ret_source,
                                err);
}

static void progress_free(struct image_source *source)
{
    image_source_free(progress_of(source)->inner);
    free(source);
}

static const struct image_source_kind kind = {.fetch_manifest = fetch_manifest,
                                              .fetch_blob = fetch_blob,
                                              .resolve = resolve,
                                              .referrers = referrers,
                                              .authentication = authentication,
                                              .another = another,
                                              .free = progress_free};

struct image_source *scan_progress_over(struct image_source *source)
{
    struct progress *progress;

    if (!has_terminal())
        return source;
    progress = mu_xcalloc(1, sizeof(*progress));
    progress->base.kind = &kind;
    progress->inner = source;
    return &progress->base;
}
