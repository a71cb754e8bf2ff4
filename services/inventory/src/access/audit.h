/*
 * audit: who asked for what, and what was answered: the table audit_log.
 *
 * A record is queued in memory, which takes no longer for a database that is slow or away, and
 * written in batches by a thread of its own. It is written once, however often writing is tried.
 * What finds the queue full, what the database refuses and what is left when the program must end
 * goes to the log instead, as a warning with all its members, and is counted
 * (muster_inventory_audit_records_total): nothing is lost in silence. A process that is killed
 * loses what it queued in the last AUDIT_INTERVAL_MS.
 *
 * Threads: audit_add from any thread; it never waits for the database.
 */
#ifndef INVENTORY_AUDIT_H
#define INVENTORY_AUDIT_H

#include "base/error.h"
#include "base/scope.h"

#include <stdint.h>

enum { AUDIT_INTERVAL_MS = 200 };

struct audit;

struct audit_record {
    int64_t at_us;
    const char *principal, *authentication, *roles, *method, *path;
    const char *parameters; /* a JSON object */
    int status;
};

/* `conninfo` must outlive it. Errors: MU_E_UNAVAILABLE (no thread). */
enum mu_status audit_open(const char *conninfo, struct audit **ret_audit,
                          struct mu_error *err) MU_MUST_CHECK;
/* Copies the record; bytes that are no text become '?'. */
void audit_add(struct audit *audit, const struct audit_record *record);
/* Writes what is queued; what the database does not take at once goes to the log. NULL is fine. */
void audit_close(struct audit *audit);

MU_DEFINE_AUTO(audit, struct audit, audit_close)

#endif
