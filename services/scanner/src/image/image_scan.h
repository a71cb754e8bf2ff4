/*
 * image_scan: what one digest of a repository is, and the packages in it.
 *
 * Pulls the manifest, its config and its layers from the source, checks every digest, has each
 * layer read (layer_engine.h: several at once, in sandboxes, from the cache), and merges what the
 * finders told of the layers' files as a runtime merges layers (merge_layer.h).
 *
 * A fault is not an error of image_analyze but a row of `failures`: the analysis keeps all
 * that could be learned and checked, and is complete only when there is no failure.
 *
 * Threads: one image per arena and thread; calls are independent. The book may be
 * shared. Layers are read by further threads of the call's own.
 * Trust:   registry and image are hostile. Every size is checked against `limits` before memory
 *          is reserved; only bytes whose digest was right are counted. Texts are valid UTF-8
 *          (labels and os-release values with other bytes are left out; such packages are skipped
 *          and make the analysis incomplete).
 */
#ifndef SCANNER_IMAGE_IMAGE_SCAN_H
#define SCANNER_IMAGE_IMAGE_SCAN_H

#include "base/error.h"
#include "base/memory.h"
#include "image/layer_engine.h"
#include "oci/media_type.h"
#include "source/image_source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image_limits {
    uint64_t max_layer_unpacked_bytes; /* one layer after decompression */
    uint64_t max_image_unpacked_bytes; /* all layers together */
    uint64_t max_layer_bytes;          /* one blob as transferred */
    uint64_t max_layer_entries;        /* files in one layer */
    uint32_t max_layers;
    uint32_t max_packages;
    int64_t deadline_ms; /* wall clock for the whole image */
};

struct image_child {
    const char *digest;
    enum mu_digest_kind
            kind; /* INDEX, MANIFEST or ATTESTATION; UNKNOWN: a media type we do not know */
    const char *media_type;
    int64_t size_bytes;
    const char *platform; /* "linux/arm64/v8"; NULL: not said */
};

struct image_layer {
    const char *digest;
    const char *media_type; /* as the manifest says; the content decides */
    int64_t size_bytes;     /* as the manifest says; checked when scanned */
    const char *diff_id;    /* of the unpacked tar, as the config says; NULL: not known */
    bool scanned;           /* read whole, size, digest and diff_id right */
};

struct image_os {
    bool found;                   /* the image has an os-release */
    const char *id;               /* "debian"; each NULL when absent */
    const char *version_id;       /* "12" */
    const char *version_codename; /* "bookworm" */
    const char *pretty_name;
    const char *id_like;  /* "rhel centos fedora" */
    const char *cpe_name; /* "cpe:/o:redhat:enterprise_linux:9::baseos" */
};

struct image_package {
    const char *type; /* purl type: "deb" */
    const char *name; /* binary package; as the ecosystem writes it */
    const char *version;
    const char *source_name;    /* the source package; its own name where none is given or known */
    const char *source_version; /* likewise */
    const char *architecture;   /* "amd64"; NULL: not said */
    uint32_t
            layer_index; /* of the layer whose file at `path` is the visible one; 0 is the lowest */
    const char *path;    /* "var/lib/dpkg/status", from the image's root without '/' */
    /* As struct found_package in package/finder.h; NULL: does not apply. */
    const char *vendor, *module, *license, *inner_path;
    const char *owner_type, *owner; /* the OS package that owns the file at `path`; NULL: none */
};

/* Something wrong with the image itself, apart from vulnerabilities (check/). */
struct image_issue {
    const char *check;          /* id in the table of checks */
    const char *path;           /* where; NULL: in the image's config */
    const char *evidence;       /* what was seen, secrets masked; NULL: the path says it */
    uint32_t layer_index, line; /* line 0: does not apply */
};

/* Evidence that could not be read, where that does not make the scan incomplete. */
struct image_note {
    const char *path, *message;
};

struct image_failure {
    const char *code; /* as struct mu_scan_failure in msg/msg.h */
    const char *
            component; /* "manifest", "config", "layer sha256:..", "evidence var/lib/dpkg/status" */
    const char *message; /* the error chain */
    bool retryable;
};

struct image_analysis {
    enum mu_digest_kind kind;   /* INDEX, MANIFEST, ATTESTATION (any artifact that is no image), or
                                   NONE   when the manifest could not be read */
    const char *media_type;     /* of the manifest; NULL with kind NONE */
    const char *authentication; /* "anonymous" "basic" "bearer": what the registry accepted */

    const struct image_child *children; /* of an index; order of the index */
    size_t child_count;

    /* Of a manifest. NULL: not said, or the config could not be read. */
    const char *config_digest;
    const char *platform;                 /* "linux/amd64", with "/variant" where there is one */
    const char *title, *version, *vendor; /* org.opencontainers.image.*, else org.label-schema.* */
    int64_t created_at_us;                /* MU_TIME_NONE: not said */
    const struct image_layer *layers;     /* lowest first */
    size_t layer_count;
    struct image_os os;
    const struct image_package *packages; /* sorted by type, name, version, architecture,
                                             path, inner_path; each once */
    size_t package_count;

    const struct image_referrer *referrers; /* what says it is about this manifest */
    size_t referrer_count;
    const char *referrers_error; /* why they are not known; NULL: they are */

    const struct image_issue *issues; /* by check, path, line */
    size_t issue_count;
    const struct image_note *notes; /* by path */
    size_t note_count;

    const struct image_failure *failures; /* in order of discovery; empty: complete */
    size_t failure_count;
};

/* Bytes an arena for image_analyze should allow. */
enum { IMAGE_ARENA_MAX_BYTES = 256 * 1024 * 1024 };

/*
 * `repository` is canonical "host/path", `digest` "sha256:<hex>". `engine` may be shared; NULL:
 * what the image is, without reading its layers. Text of
 * the analysis lives in `arena`. Stops early, with a retryable failure, when mu_stop_requested().
 * Errors: MU_E_INVALID (repository or digest are not well-formed), MU_E_NOMEM (arena or memory
 * exhausted).
 */
enum mu_status image_analyze(const struct registry_book *book, const char *repository,
                             const char *digest, const struct image_limits *limits,
                             struct layer_engine *engine, struct mu_arena *arena,
                             struct image_analysis *ret_analysis,
                             struct mu_error *err) MU_MUST_CHECK;

/* The same from a source that is open already. */
enum mu_status image_analyze_from(struct image_source *source, const char *repository,
                                  const char *digest, const struct image_limits *limits,
                                  struct layer_engine *engine, struct mu_arena *arena,
                                  struct image_analysis *ret_analysis,
                                  struct mu_error *err) MU_MUST_CHECK;

#endif
