/*
 * finder: one kind of evidence in an image, and how it is read.
 *
 * A finder looks at one file of one layer, as bytes in memory, and tells what it learned: packages,
 * files that a package owns, issues of the image's configuration. It knows nothing of layers,
 * whiteouts or links: image/ asks for each file that is wanted and keeps what the finder told under
 * the file's path, so that a file hidden by a higher layer takes its packages with it, and a layer
 * shared by images is read once.
 *
 * Adding a kind: one file with a `const struct finder`, one row in image/finders.c, a fuzz target,
 * seeds.
 *
 * Threads:   finders have no state; any number run at once.
 * Ownership: everything handed to a sink is borrowed during the call; the sink copies.
 * Trust:     paths and bytes are hostile. Texts handed to a sink are checked by it: what is no
 * valid UTF-8 or longer than FINDER_TEXT_MAX_BYTES is refused with MU_E_INVALID.
 */
#ifndef SCANNER_PACKAGE_FINDER_H
#define SCANNER_PACKAGE_FINDER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FINDER_HEAD_BYTES = 512,      /* of a file's beginning that decide by content */
    FINDER_TEXT_MAX_BYTES = 4096, /* of any text handed to a sink */
    FINDER_NESTING_MAX = 4        /* archives within archives */
};

/* An entry of a layer, as the tar says. */
struct finder_entry {
    const char *path; /* cleaned, from the image's root without '/', NUL-terminated */
    size_t path_len;
    enum { FINDER_FILE, FINDER_DIRECTORY, FINDER_SYMLINK, FINDER_OTHER } kind;
    uint32_t mode; /* permission bits with setuid, setgid and sticky: 07777 */
    uint32_t uid, gid;
    uint64_t size_bytes;
};

/* A package as the evidence names it. Fields that do not apply are NULL. */
struct found_package {
    const char *type;    /* purl type: "deb" "apk" "rpm" "pypi" "npm" "maven" "golang" "cargo"
                            "gem" "composer" "nuget" "generic" */
    const char *name;    /* as the ecosystem writes it: "@scope/name", "group:artifact" */
    const char *version; /* whole: "1:2.3-4", rpm with its epoch when it has one */
    const char *source_name, *source_version; /* of the source package (deb, apk, rpm); golang:
                                                 "(devel)" where `version` is made up */
    const char *architecture;
    const char *vendor;     /* rpm VENDOR, dpkg Maintainer */
    const char *module;     /* rpm MODULARITYLABEL */
    const char *license;    /* as written; not judged */
    const char *inner_path; /* place inside the file: "BOOT-INF/lib/a.jar" */
};

/* Something wrong with the image itself, apart from vulnerabilities (check/). */
struct found_issue {
    const char *check;    /* id in the table of checks: "MUSTER-IMG-0004" */
    const char *evidence; /* what was seen, with secrets masked; NULL: the path says it */
    uint32_t line;        /* 1 is the first; 0: does not apply */
};

/* Any status but MU_OK ends the reading and is to be returned as it is. */
struct finder_sink {
    void *opaque;
    enum mu_status (*package)(void *opaque, const struct found_package *package,
                              struct mu_error *err);
    /* `path` (as struct finder_entry) belongs to the OS package of that name and type. */
    enum mu_status (*owns)(void *opaque, const char *type, const char *name, const char *path,
                           struct mu_error *err);
    enum mu_status (*issue)(void *opaque, const struct found_issue *issue, struct mu_error *err);
    /* A small text of the file that the image as a whole needs (os-release): handed over merged. */
    enum mu_status (*fact)(void *opaque, const char *name, const char *value, struct mu_error *err);
    /* So many bytes of the file are unpacked, or will be. MU_E_LIMIT: the layer's files together
     * have unpacked as much as they may; the finder goes on with what needs no unpacking. NULL:
     * only each file has its limit. */
    enum mu_status (*unpack)(void *opaque, uint64_t bytes, struct mu_error *err);
};

static inline enum mu_status finder_may_unpack(const struct finder_sink *sink, uint64_t bytes,
                                               struct mu_error *err)
{
    return sink->unpack ? sink->unpack(sink->opaque, bytes, err) : MU_OK;
}

struct finder_input {
    const char *path;     /* as struct finder_entry */
    const uint8_t *bytes; /* whole file; may be mapped: do not write */
    size_t len;
    const uint8_t *beside; /* of finders with `beside`; NULL: the layer did not have it before */
    size_t beside_len;
};

/* Told with any value by a finder with `beside`: what it tells of its file takes the place of all
 * that is told of the one beside, as long as both are of the same layer. */
#define FINDER_IN_PLACE_FACT "in-place"

struct finder {
    const char *name;   /* "dpkg-status": unique; in failures, logs and the cache's key */
    uint32_t version;   /* raised with each change of what it tells; in the cache's key */
    uint64_t max_bytes; /* a larger file is refused unread */
    const char *unless; /* NULL, or the ending of a file's name: what the finder tells counts only
                           where no such file is in the folder of its file or above */
    const char *beside; /* NULL, or what its file's name has behind that of another, whose bytes it
                           needs: "-wal" */
    bool required;      /* an unreadable file makes the scan incomplete; else it is noted */

    /* Whether a file is evidence, by its entry. NULL: never. Called for every file: be quick. */
    bool (*wants)(const struct finder_entry *entry);
    /* Whether it is, by its first bytes (at most FINDER_HEAD_BYTES). NULL: never. */
    bool (*wants_head)(const struct finder_entry *entry, const uint8_t *head, size_t len);
    /* Reads one wanted file. NULL: none is wanted. Errors: MU_E_INVALID (not what it seemed, or
     * damaged), MU_E_LIMIT, MU_E_NOMEM, or the sink's. What was told before an error counts. */
    enum mu_status (*read)(const struct finder_input *input, const struct finder_sink *sink,
                           struct mu_error *err);
    /* Looks at an entry, of any kind, without its content. NULL: not asked. */
    enum mu_status (*look)(const struct finder_entry *entry, const struct finder_sink *sink,
                           struct mu_error *err);
};

/* All of them: image/finders.c. */
extern const struct finder *const finders[];
extern const size_t finder_count;

#endif
