/*
 * external: another scanner's program, run as a child for one image; what it prints is a report.
 *
 * The command is split at blanks, with '..' and ".." around what holds some; no shell reads it.
 * {ref} (host/path@digest), {repository} and {digest} are put in. The program is found in PATH, or
 * named by its whole path.
 *
 * The child has: its own process group, which is killed whole when it is over; none of our open
 * files; our environment without MUSTER_*; a folder of its own as TMPDIR and working directory,
 * removed afterwards; limits of memory (RLIMIT_DATA), processor time, file size, open files; no
 * core, no new privileges; the deadline. Its report is bounded by IMPORT_MAX_BYTES.
 *
 * Threads: a scanner is constant once made; runs are independent, one a thread.
 * Trust:   the program is the operator's; what it prints is not trusted.
 */
#ifndef SCANNER_IMPORT_EXTERNAL_H
#define SCANNER_IMPORT_EXTERNAL_H

#include "base/buf.h"
#include "base/error.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stdint.h>

enum { EXTERNAL_COMMAND_MAX_BYTES = 4096, EXTERNAL_WORDS_MAX = 64 };

struct external_limits {
    int64_t deadline_ms;
    uint64_t memory_bytes, file_bytes;
    const char *temp_dir;
};

struct external_scanner;

/* Errors: MU_E_INVALID (quotes, no program, no {ref} or {digest}, an unknown {word}), MU_E_LIMIT.
 */
enum mu_status external_scanner_new(const char *command, const struct external_limits *limits,
                                    struct external_scanner **ret_scanner,
                                    struct mu_error *err) MU_MUST_CHECK;
void external_scanner_free(struct external_scanner *scanner); /* NULL is fine */
MU_DEFINE_AUTO(external_scanner, struct external_scanner, external_scanner_free)

/* The program's name without folders. */
const char *external_scanner_name(const struct external_scanner *scanner);
/* What of it can change a result. */
void external_scanner_describe(const struct external_scanner *scanner, struct mu_buf *text);

/* Why there is no report. */
struct external_fault {
    const char *code; /* "scanner_missing" "scanner_crashed" "scanner_failed" "scanner_timeout"
                         "limit" */
    bool retryable;
};

/*
 * `ret_report` is appended to. Errors: MU_E_INVALID with `ret_fault` filled (`err` has what the
 * program said last); MU_E_UNAVAILABLE: it could not even be tried (processes, disk), or a stop
 * was requested.
 */
enum mu_status external_scanner_run(const struct external_scanner *scanner, const char *repository,
                                    const char *digest, struct mu_buf *ret_report,
                                    struct external_fault *ret_fault,
                                    struct mu_error *err) MU_MUST_CHECK;

#endif
