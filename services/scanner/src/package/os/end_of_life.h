/*
 * end_of_life: until when a distribution's release gets security updates.
 *
 * Two ends: of regular support, which everybody has, and of extended support, which is another
 * team's work with a smaller scope (Debian LTS) or has to be bought (Ubuntu ESM, RHEL ELS, SUSE
 * LTSS); an image does not say whether somebody did. Paid support beyond that is not in the table.
 * The last day counts whole, in UTC.
 *
 * A distribution or release that is not in the table is unknown, which says nothing of it: so are
 * Debian's testing and unstable, which have no end yet.
 *
 * Threads: any. Trust: the texts may be hostile; they are only compared.
 * Sources: where the days are published is named with each distribution and told in the result.
 *          Debian's and Ubuntu's are those of distro-info-data 0.58+deb12u7, the others are written
 *          down by hand from what their makers announced. Makers move days: the table is to be
 *          looked through with each release of Muster.
 */
#ifndef SCANNER_PACKAGE_OS_END_OF_LIFE_H
#define SCANNER_PACKAGE_OS_END_OF_LIFE_H

#include <stdint.h>

enum support {
    SUPPORT_UNKNOWN, /* no such release in the table */
    SUPPORT_REGULAR,
    SUPPORT_EXTENDED, /* the regular one has ended */
    SUPPORT_ENDED     /* both have, or there is no extended one */
};

/* Texts are constants; all are NULL with SUPPORT_UNKNOWN. */
struct end_of_life {
    enum support support;
    const char *distribution;   /* "Debian" */
    const char *release;        /* "12" */
    const char *regular_until;  /* last day: "2026-07-11" */
    const char *extended_until; /* NULL: there is none */
    const char *extended_name;  /* "LTS"; NULL: there is none */
    const char *source;         /* where the days are published */
};

/* `id`, `version_id` and `codename` as in os-release, each may be NULL. The codename counts only
 * when there is no version. */
struct end_of_life end_of_life_find(const char *id, const char *version_id, const char *codename,
                                    int64_t at_us);

#endif
