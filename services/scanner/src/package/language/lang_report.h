/*
 * lang_report: hands packages to a finder's sink, and remembers the first trouble with a file while
 * its reader goes on.
 *
 * A package's name and version are checked here: not empty, valid UTF-8 without control characters,
 * at most LANG_TEXT_MAX_BYTES. One that fails is trouble, not the end of the file.
 *
 * Threads: one thread at a time per report. Ownership: everything is borrowed during the call.
 */
#ifndef SCANNER_PACKAGE_LANGUAGE_LANG_REPORT_H
#define SCANNER_PACKAGE_LANGUAGE_LANG_REPORT_H

#include "package/finder.h"
#include "package/language/lang_span.h"

enum { LANG_TEXT_MAX_BYTES = 1024 };

struct lang_report {
    const struct finder_sink *sink;
    struct mu_error trouble; /* status MU_OK: none */
    bool stopped;            /* the sink said no: nothing is absorbed any more */
};

struct lang_package {
    const char *type;
    struct lang_span name, version;
    struct lang_span license;    /* empty: none; left out when it is no single line of text */
    struct lang_span inner_path; /* empty: none; shown with '?' for what is no text */
    const char *recorded;        /* what the file says, where the version is made up; NULL: that */
};

struct lang_report lang_report_on(const struct finder_sink *sink);

/* Errors: only the sink's, which end the reading. */
enum mu_status lang_report_package(struct lang_report *report, const struct lang_package *package,
                                   struct mu_error *err) MU_MUST_CHECK;

/* Keeps the first. The text may quote outside bytes. */
void lang_report_trouble(struct lang_report *report, enum mu_status status, const char *fmt, ...)
        MU_PRINTF(3, 4);

/* Keeps `err` as trouble when it is about the file (MU_E_INVALID or MU_E_LIMIT, not the sink's) and
 * returns MU_OK; else returns its status. */
enum mu_status lang_report_absorb(struct lang_report *report, const struct mu_error *err);

/* MU_OK, or the first trouble. */
enum mu_status lang_report_end(const struct lang_report *report, struct mu_error *err);

#endif
