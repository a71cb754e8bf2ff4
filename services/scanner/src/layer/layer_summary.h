/*
 * layer_summary: what one layer holds for a scanner, in a few bytes: made once for a layer, kept,
 * and merged with those of the other layers of each image that has it.
 *
 *   head       digests, totals, what made it
 *   paths      every path of the layer as a keyed hash with flags (path_set.h), ascending: says
 *              which paths of lower layers this one replaces
 *   entries    those of the layer's entries that must be known by name, in the tar's order:
 *              whiteouts, links, and whatever bears evidence
 *   evidence   what finders told of one entry, group by group
 *   checksum   SHA-256 of all before
 *
 * Threads: a summary is constant; a cursor belongs to one thread.
 * Ownership: everything is borrowed from the bytes, which must be aligned to 8 and outlive it.
 * Trust:   the bytes are hostile also when the checksum is right, since what wrote them had read a
 *          hostile layer: layer_summary_open looks at all of it. After that every path is clean,
 *          every text valid UTF-8 and every number within its limit.
 */
#ifndef SCANNER_LAYER_LAYER_SUMMARY_H
#define SCANNER_LAYER_LAYER_SUMMARY_H

#include "base/error.h"
#include "base/sha256.h"
#include "layer/path_hash.h"
#include "layer/path_set.h"
#include "layer/summary_bytes.h"
#include "layer/tar_walk.h"
#include "package/finder.h"

enum {
    SUMMARY_PATHS_MAX = 11 * 1024 * 1024, /* with the directories that no entry names */
    SUMMARY_ENTRIES_MAX = 750000,
    SUMMARY_ENTRY_BYTES_MAX = 32 * 1024 * 1024,
    SUMMARY_EVIDENCE_BYTES_MAX = 32 * 1024 * 1024,
    /* What finders may unpack of a layer's files, all together. */
    SUMMARY_UNPACK_MIN_BYTES = 256 * 1024 * 1024,
    SUMMARY_UNPACK_FACTOR = 4, /* of its bytes so far, and the minimum */
    SUMMARY_FINDERS_MAX = 64   /* a set of finders is a word */
};

/* Which finders, in which versions, and whose hashes: summaries of another make are not read. */
struct summary_make {
    const struct finder *const *finders;
    size_t finder_count;
    struct path_key key;
    uint8_t id[MU_SHA256_BYTES]; /* summary_make_id */
};

/* Fills `id` from the rest. */
void summary_make_id(struct summary_make *make);

struct summary_head {
    char magic[8];
    uint8_t make_id[MU_SHA256_BYTES];
    char diff_id[MU_DIGEST_TEXT_SIZE]; /* "sha256:<hex>" of the unpacked tar */
    uint64_t packed_bytes, unpacked_bytes, tar_entries;
    uint64_t unpack_refused; /* what finders would have unpacked beyond the layer's budget: times */
    uint64_t path_count, entry_count, entry_bytes, evidence_bytes;
};

extern const char summary_magic[8];

/* The longest that a summary can be. */
#define SUMMARY_MAX_BYTES                                                                      \
    (sizeof(struct summary_head) + (uint64_t)SUMMARY_PATHS_MAX * 8 + SUMMARY_ENTRY_BYTES_MAX + \
     SUMMARY_EVIDENCE_BYTES_MAX + MU_SHA256_BYTES)

struct layer_summary {
    const struct summary_head *head;
    const uint64_t *paths;
    const uint8_t *entries, *evidence;
};

/* Errors: MU_E_INVALID naming what is wrong. */
enum mu_status layer_summary_open(const void *bytes, size_t len, const struct summary_make *make,
                                  struct layer_summary *ret_summary,
                                  struct mu_error *err) MU_MUST_CHECK;

/* Flags of enum path_flag; 0: the layer has no such path. */
unsigned layer_summary_path(const struct layer_summary *summary, uint64_t hash);

/* ---- entries ---- */

enum summary_kind {
    SUMMARY_WHITEOUT = 1, /* of `path` and all below, in lower layers */
    SUMMARY_OPAQUE,       /* of what lower layers have below `path` */
    SUMMARY_FILE,
    SUMMARY_DIRECTORY,
    SUMMARY_SYMLINK,
    SUMMARY_HARDLINK,
    SUMMARY_OTHER, /* a device, fifo, vendor's own */
    SUMMARY_KINDS
};

struct summary_entry {
    enum summary_kind kind;
    const char *path; /* cleaned, NUL-terminated, borrowed until the next entry */
    size_t path_len;
    const char *link; /* of the links: as struct tar_entry says; else "" */
    size_t link_len;
    uint64_t evidence; /* place of its group; SUMMARY_NO_EVIDENCE: none */
    uint64_t wanted;   /* hard link: the finders, by bit, that want a file of this path */
};

#define SUMMARY_NO_EVIDENCE UINT64_MAX

struct summary_cursor {
    struct summary_reader in;
    uint64_t left;
    size_t path_len, link_len;
    char path[TAR_PATH_MAX_BYTES + 1], link[TAR_PATH_MAX_BYTES + 1];
};

void summary_entries_begin(const struct layer_summary *summary, struct summary_cursor *cursor);
/* False after the last. */
bool summary_entries_next(struct summary_cursor *cursor, struct summary_entry *ret_entry);

/* ---- evidence ---- */

enum evidence_how { EVIDENCE_BY_PATH, EVIDENCE_BY_HEAD, EVIDENCE_BY_LOOK, EVIDENCE_HOWS };

enum evidence_kind {
    EVIDENCE_END, /* of what one finder told, and of the group when `last` */
    EVIDENCE_PACKAGE,
    EVIDENCE_ISSUE,
    EVIDENCE_FACT,
    EVIDENCE_OWNER, /* whom the paths that follow belong to */
    EVIDENCE_OWNED,
    EVIDENCE_KINDS
};

/* One thing that was told. Texts are borrowed from the summary. */
struct evidence_item {
    enum evidence_kind kind;
    unsigned finder; /* index among the make's */
    enum evidence_how how;
    struct found_package package;
    struct found_issue issue;
    const char *name, *value; /* of a fact; of an owner: type and name */
    uint64_t path;            /* owned: its hash */
    enum mu_status status;    /* END: how the reading ended */
    const char *message;
    bool last;
};

struct evidence_cursor {
    struct summary_reader in;
    const char *as; /* the path under which finders saw the file; NULL: its own */
    unsigned finder;
    enum evidence_how how;
    bool in_record;
};

void summary_evidence_begin(const struct layer_summary *summary, uint64_t place,
                            struct evidence_cursor *cursor);
bool summary_evidence_next(struct evidence_cursor *cursor, struct evidence_item *ret_item);

#endif
