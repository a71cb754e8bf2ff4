/*
 * judge: what the advisories of one package say of one of its versions.
 *
 * Records that are filed for the package become candidates, one for each vulnerability they are
 * about, with what they say of the version. Of several that speak of one vulnerability the vendor's
 * own feed decides: Debian's tracker, Alpine's secdb, Red Hat's CSAF; then what OSV derives from
 * them (DEBIAN-CVE-, ALPINE-CVE-, UBUNTU-CVE-); then other records; then DSA-, DLA- and USN-. Among
 * equals it is affected when any says so, and the latest fix holds, since a second advisory may fix
 * what the first left open. Withdrawn records decide nothing. RPM: a fix of a module (".module" in
 * its release) is for packages of a module and the other way round. Of a package whose stream is
 * known, Red Hat's records of other streams say nothing. AlmaLinux and Rocky Linux name streams in
 * the summary alone: there the records of its own stream decide, where there are any for the
 * vulnerability; else those of others do, since the package's stream may never have been mended.
 *
 * Threads: a judge belongs to one thread; the database may be shared.
 * Ownership: candidates live until the next call; texts of the database as long as it.
 */
#ifndef SCANNER_MATCH_JUDGE_H
#define SCANNER_MATCH_JUDGE_H

#include "database/database.h"
#include "match/package_key.h"

struct version_scheme;

/* What is known of the stream of a record's module and of the package's. */
enum stream_relation { STREAM_NOT_SAID, STREAM_OWN, STREAM_OTHER };

struct candidate {
    const char *id; /* the vulnerability */
    const struct database_row *row;
    int rank; /* lower decides; JUDGE_WITHDRAWN and above never */
    bool affected, listed;
    bool module_unknown; /* the package is of a module, and nobody knows of which stream */
    bool by_source;
    enum stream_relation stream;
    struct range_place place;
};
enum { JUDGE_WITHDRAWN = 100 };

struct judge {
    const struct database *database;
    struct candidate *candidates; /* owned scratch */
    size_t capacity, count;
    const struct version_scheme *scheme; /* of the package judged last */
};

void judge_init(struct judge *judge, const struct database *database);
void judge_done(struct judge *judge);

/* Fills judge->candidates, sorted by vulnerability, the deciding record first. Errors:
 * MU_E_NOMEM. */
enum mu_status judge_collect(struct judge *judge, const struct package_key *key,
                             struct mu_error *err) MU_MUST_CHECK;

/* How many of the candidates from `first` on are of one vulnerability. */
size_t judge_group(const struct judge *judge, size_t first);

/* The candidate of the group that makes it affected, or NULL. One of a withdrawn record only when
 * there is no other record. */
const struct candidate *judge_decide(const struct judge *judge, size_t first, size_t count);

#endif
