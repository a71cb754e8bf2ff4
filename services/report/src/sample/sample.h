/*
 * sample: running containers drawn for an assessor, the same for the same seed and snapshot,
 * whoever draws and wherever; with the trail by which each is followed: pod, digest, scan, row of
 * the workbook, place in the raw file.
 *
 * Stratified by image class: while there are as many classes as are drawn, each drawn one is of
 * another class; with more to draw every class gives one, and the rest is drawn from all containers
 * alike. Order is by SHA-256 of seed and identity, so nobody can steer it and everybody can check
 * it.
 */
#ifndef REPORT_SAMPLE_H
#define REPORT_SAMPLE_H

#include "snapshot/snapshot.h"

enum { SAMPLE_MAX = 10000 };

/* Place of a text in a file; -1: not there. */
struct sample_place {
    int64_t offset_bytes;
    int64_t line; /* 1 is the first */
};

/* Texts are borrowed for the call. */
struct sample_item {
    size_t number; /* 1 is the first; items come by UAI */
    const struct instance_row *container;
    size_t workbook_row;               /* of the inventory workbook */
    const char *evidence_digest;       /* NULL: no scan */
    const char *scan_finished_at;      /* NULL: no scan */
    const char *scanner, *database;    /* name and version; NULL: no scan */
    const char *raw_file;              /* NULL: not looked into */
    struct sample_place uai, manifest; /* in the raw file */
};

struct sample_request {
    const struct snapshot *snapshot;
    const char *seed;
    size_t count; /* 1 to SAMPLE_MAX */
    /* Puts the path of the raw scan of that digest; may be NULL: then no places are told. */
    enum mu_status (*raw_scan_path)(const void *opaque, const char *digest, char *ret_path,
                                    size_t size, struct mu_error *err);
    const void *opaque;
};

struct sample_totals {
    size_t classes, containers; /* of the snapshot */
    size_t drawn;
};

/* Errors: MU_E_LIMIT (count), MU_E_UNAVAILABLE, MU_E_NOT_FOUND (a raw scan), and what `tell` gives.
 */
enum mu_status sample_draw(const struct sample_request *request,
                           enum mu_status (*tell)(void *opaque, const struct sample_item *item,
                                                  struct mu_error *err),
                           void *opaque, struct sample_totals *ret_totals,
                           struct mu_error *err) MU_MUST_CHECK;

#endif
