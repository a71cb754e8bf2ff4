/*
 * tar_walk: the entries of a tar archive, from bytes pushed in as they arrive.
 *
 * Reads ustar, old GNU and V7 headers; PAX path, linkpath, size, uid and gid; GNU long names (L,
 * K); base-256 sizes; GNU sparse files of every form (tar_sparse.h). Where
 * writers and runtimes disagree, it does as Go's archive/tar, which Docker, containerd and podman
 * unpack with: links and directories carry no data whatever their size says; a global PAX header
 * changes nothing; two zero blocks end the archive and what follows is not read; an archive may
 * also end without them, at the end of an entry.
 *
 * Memory: one header block and at most TAR_META_MAX_BYTES of PAX header or long name, grown as
 * the bytes arrive; a claimed size reserves nothing.
 * Threads: one thread at a time per walk; separate walks are independent.
 * Trust:   input is hostile. After any error only tar_walk_free.
 * Sources: POSIX.1-2017 pax "ustar Interchange Format", "pax Header Block"; GNU tar manual,
 *          "Basic Tar Format" and "Storing Sparse Files".
 */
#ifndef SCANNER_LAYER_TAR_WALK_H
#define SCANNER_LAYER_TAR_WALK_H

#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TAR_BLOCK_BYTES = 512,
    TAR_PATH_MAX_BYTES = 4096,       /* of a name and of a link target */
    TAR_META_MAX_BYTES = 1024 * 1024 /* of one PAX header or long name */
};

enum tar_kind {
    TAR_FILE,
    TAR_DIRECTORY,
    TAR_SYMLINK,
    TAR_HARDLINK,
    TAR_OTHER /* device, fifo, vendor's own */
};

/* Borrowed: valid during on_entry. */
struct tar_entry {
    enum tar_kind kind;
    const char *path; /* cleaned (tar_path.h), bytes without NUL, NUL-terminated; "" is the root */
    size_t path_len;
    const char *link; /* symlink: target as written; hardlink: cleaned path; else "" */
    size_t link_len;
    uint64_t size_bytes; /* of the content */
    uint64_t hole_bytes; /* of it that are not stored: zeros */
    uint32_t mode;       /* permission bits with setuid, setgid and sticky; 0: it says none */
    uint32_t uid, gid;   /* UINT32_MAX: none, or larger than that */
};

enum tar_want { TAR_SKIP, TAR_KEEP };

/* Any failure a callback returns ends the walk and is what tar_walk_write returns. */
struct tar_sink {
    void *opaque;
    /* `ret_want` TAR_KEEP (files only): the content goes to on_content, then on_end. */
    enum mu_status (*on_entry)(void *opaque, const struct tar_entry *entry, enum tar_want *ret_want,
                               struct mu_error *err);
    enum mu_status (*on_content)(void *opaque, const void *bytes, size_t len, struct mu_error *err);
    /* Whether zeros of a hole are to go to on_content, too; asked again and again. NULL: never. */
    bool (*wants_hole)(void *opaque);
    enum mu_status (*on_end)(void *opaque, struct mu_error *err);
};

struct tar_walk;

/* `sink` is copied. Aborts without memory: the object is small. */
struct tar_walk *tar_walk_new(const struct tar_sink *sink, uint64_t max_entries);
void tar_walk_free(struct tar_walk *walk); /* NULL is fine */

/*
 * The next bytes, in pieces of any size. Errors: MU_E_INVALID (not a tar, damaged), MU_E_LIMIT
 * (entries, name, PAX header), MU_E_NOMEM, or what a callback returned.
 */
enum mu_status tar_walk_write(struct tar_walk *walk, const void *bytes, size_t len,
                              struct mu_error *err) MU_MUST_CHECK;

/* No more bytes come. Errors: MU_E_INVALID when the archive stops inside an entry. */
enum mu_status tar_walk_finish(struct tar_walk *walk, struct mu_error *err) MU_MUST_CHECK;

uint64_t tar_walk_entries(const struct tar_walk *walk); /* so far */

MU_DEFINE_AUTO(tar_walk, struct tar_walk, tar_walk_free)

#endif
