/*
 * package_key: where the advisories of a package are filed, and which of its versions they judge.
 *
 * Debian, Ubuntu and the Alpine family: by source package (origin) and its version. RPM families:
 * by binary package; where a feed names source packages (Rocky Linux, SUSE, openSUSE, Azure Linux,
 * Photon OS, openEuler, Mageia) by those too, without epoch when either side lacks it, since
 * SOURCERPM has none. Languages: by name as the ecosystem folds it.
 *
 * Sources: os-release(5); OSV schema 1.7, "Defined ecosystems"; distro-info-data.
 * Ownership: texts live in the arena or are the package's. Threads: no state.
 */
#ifndef SCANNER_MATCH_PACKAGE_KEY_H
#define SCANNER_MATCH_PACKAGE_KEY_H

#include "image/image_scan.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdbool.h>

struct package_key {
    const char *ecosystem; /* NULL: nobody files advisories for it */
    const char *name, *version;
    const char *source_name, *source_version; /* looked up besides; NULL: not */
    const char *architecture, *module;        /* NULL: not said */
    bool no_version; /* the version is none that can be judged: "(devel)" and what is made up for
                        it, "dev-main" */
    bool os;         /* its distribution judges it */
};

/* What an image's os-release says of its packages. */
struct package_distribution {
    const char *id;        /* "debian"; NULL: not known */
    const char *type;      /* purl type of its own packages */
    const char *ecosystem; /* "Debian:12"; NULL: none is known of it */
    bool by_source;
};

/* Errors: MU_E_NOMEM. */
enum mu_status package_distribution_of(const struct image_os *os, struct mu_arena *arena,
                                       struct package_distribution *ret_distribution,
                                       struct mu_error *err) MU_MUST_CHECK;

/* Errors: MU_E_NOMEM. */
enum mu_status package_key_of(const struct package_distribution *distribution,
                              const struct image_package *package, struct mu_arena *arena,
                              struct package_key *ret_key, struct mu_error *err) MU_MUST_CHECK;

/* Whether packages of that purl type are a distribution's: deb, apk, rpm. */
bool package_type_is_os(const char *type);

#endif
