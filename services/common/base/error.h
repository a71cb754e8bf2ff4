/*
 * error: how every fallible function of Muster reports failure.
 *
 * A fallible function returns `enum mu_status` and describes the failure in a
 * caller-owned `struct mu_error`, its last parameter. The struct is a fixed
 * buffer: never NULL, needs no release, and reporting cannot itself fail.
 *
 * Choose the status by what the caller should do next:
 *   MU_E_INVALID     the input is wrong and always will be: reject, quarantine
 *   MU_E_LIMIT       the input exceeds a named limit: reject, quarantine
 *   MU_E_NOT_FOUND   an answer, not a fault
 *   MU_E_DENIED      credentials missing, wrong or refused
 *   MU_E_UNAVAILABLE a peer is down or slow: retry with backoff
 *   MU_E_CONFLICT    the stored state forbids the step: read again, then decide
 *   MU_E_NOMEM       memory is exhausted
 *   MU_E_INTERNAL    our own bug
 *
 * Threads: an error belongs to one thread at a time.
 */
#ifndef MU_BASE_ERROR_H
#define MU_BASE_ERROR_H

#define MU_MUST_CHECK                   __attribute__((warn_unused_result))
#define MU_PRINTF(fmt_index, arg_index) __attribute__((format(printf, fmt_index, arg_index)))

enum mu_status {
    MU_END = 1, /* iteration is over; not a failure */
    MU_OK = 0,
    MU_E_INVALID = -1,
    MU_E_LIMIT = -2,
    MU_E_NOT_FOUND = -3,
    MU_E_DENIED = -4,
    MU_E_UNAVAILABLE = -5,
    MU_E_CONFLICT = -6,
    MU_E_NOMEM = -7,
    MU_E_INTERNAL = -8
};

enum { MU_ERROR_MESSAGE_MAX = 512 };

struct mu_error {
    enum mu_status status;
    char message[MU_ERROR_MESSAGE_MAX]; /* one line of UTF-8; other bytes are replaced by '?' */
};

/* Sets `err` and returns `status`, so that a failure is one statement. */
enum mu_status mu_fail(struct mu_error *err, enum mu_status status, const char *fmt, ...)
        MU_PRINTF(3, 4);

#ifdef __clang_analyzer__
/* What the analyzer cannot see from another file: a failure has the status it was given. */
static inline enum mu_status mu_analyzed_fail(struct mu_error *err, enum mu_status status,
                                              enum mu_status failed)
{
    (void)failed;
    err->status = status;
    return status;
}
#    define mu_fail(err, status, ...) \
        mu_analyzed_fail((err), (status), (mu_fail)((err), (status), __VA_ARGS__))
#endif

/* Puts context in front of the message ("context: message"); returns err->status. */
enum mu_status mu_wrap(struct mu_error *err, const char *fmt, ...) MU_PRINTF(2, 3);

/* Stable lower-case word of a status ("invalid", "unavailable", ...); never NULL. */
const char *mu_status_name(enum mu_status status);

#endif
