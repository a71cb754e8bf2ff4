/*
 * change_set: the packages whose advisories differ between two databases.
 *
 * Every package of a database has a hash of all that decides about it (format.h, `content`): its
 * advisories with their ranges, and what is known of their CVEs except EPSS, which moves daily for
 * every CVE and is joined when findings are shown. So a new database makes only those packages
 * worth judging again whose hash is new, changed or gone.
 *
 * Threads: a set is constant once made. Ownership: its texts are the databases', which outlive it.
 */
#ifndef SCANNER_MATCH_CHANGE_SET_H
#define SCANNER_MATCH_CHANGE_SET_H

#include "database/database.h"

struct change_set;

/* Errors: MU_E_NOMEM. */
enum mu_status change_set_new(const struct database *before, const struct database *after,
                              struct change_set **ret_set, struct mu_error *err) MU_MUST_CHECK;
void change_set_free(struct change_set *set); /* NULL is fine */
MU_DEFINE_AUTO(change_set, struct change_set, change_set_free)

size_t change_set_count(const struct change_set *set);
/* As packages are filed (database/ecosystem.h). */
bool change_set_has(const struct change_set *set, const char *ecosystem, const char *name);

#endif
