#include "match/package_key.h"

#include "database/debian_release.h"
#include "database/ecosystem.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- distributions ---- */

struct distribution;
typedef const char *release_fn(const struct distribution *distribution, const struct image_os *os,
                               struct mu_arena *arena);

struct distribution {
    const char *id, *type, *ecosystem;
    release_fn *release;
    bool by_source; /* rpm: the feed names source packages too */
};

static const char *without_release(const struct distribution *distribution,
                                   const struct image_os *os, struct mu_arena *arena)
{
    (void)os, (void)arena;
    return distribution->ecosystem;
}

static const char *whole_version(const struct distribution *distribution, const struct image_os *os,
                                 struct mu_arena *arena)
{
    return os->version_id ? mu_arena_printf(arena, "%s:%s", distribution->ecosystem, os->version_id)
                          : NULL;
}

static const char *major_version(const struct distribution *distribution, const struct image_os *os,
                                 struct mu_arena *arena)
{
    return os->version_id ? mu_arena_printf(arena, "%s:%.*s", distribution->ecosystem,
                                            (int)strcspn(os->version_id, "."), os->version_id)
                          : NULL;
}

/* testing and sid have no VERSION_ID. */
static const char *debian(const struct distribution *distribution, const struct image_os *os,
                          struct mu_arena *arena)
{
    const char *release;

    if (os->version_id)
        return major_version(distribution, os, arena);
    release = os->version_codename ? debian_release_of(os->version_codename) : NULL;
    return release ? mu_arena_printf(arena, "Debian:%s", release) : NULL;
}

/* "22.04" of an even year is "Ubuntu:22.04:LTS". */
static const char *ubuntu(const struct distribution *distribution, const struct image_os *os,
                          struct mu_arena *arena)
{
    const char *version = os->version_id;
    bool lts = version && strlen(version) >= 5 && isdigit((unsigned char)version[1]) &&
               (version[1] - '0') % 2 == 0 && mu_text_equal(version + 2, ".04");

    (void)distribution;
    return version ? mu_arena_printf(arena, "Ubuntu:%s%s", version, lts ? ":LTS" : "") : NULL;
}

/* "3.20.3" is "Alpine:v3.20"; "3.21.0_alpha20240807" is edge. */
static const char *alpine(const struct distribution *distribution, const struct image_os *os,
                          struct mu_arena *arena)
{
    const char *version = os->version_id, *dot = version ? strchr(version, '.') : NULL;

    (void)distribution;
    if (!dot)
        return NULL;
    if (strchr(version, '_'))
        return "Alpine:edge";
    return mu_arena_printf(arena, "Alpine:v%.*s",
                           (int)(dot - version + 1 + (long)strcspn(dot + 1, ".")), version);
}

/* Product and version of the CPE ("cpe:/o:redhat:rhel_eus:9.2"), else the major version. */
static const char *red_hat(const struct distribution *distribution, const struct image_os *os,
                           struct mu_arena *arena)
{
    const char *product = os->cpe_name ? strstr(os->cpe_name, ":redhat:") : NULL;
    char filed[ECOSYSTEM_TEXT_SIZE];
    const char *ecosystem =
            product ? mu_arena_printf(arena, "Red Hat:%s", product + strlen(":redhat:"))
                    : major_version(distribution, os, arena);

    if (!ecosystem || !ecosystem_file_under(ecosystem, filed))
        return NULL;
    if (product && strchr(filed, '.') && strstr(filed, "enterprise_linux:"))
        *strchr(filed, '.') = '\0'; /* "enterprise_linux:9.2" has the feed of 9 */
    return mu_arena_strdup(arena, filed);
}

/* "SUSE Linux Enterprise Server 15 SP5" is "SUSE:Linux Enterprise Server 15 SP5". */
static const char *pretty(const struct distribution *distribution, const struct image_os *os,
                          struct mu_arena *arena)
{
    const char *name = os->pretty_name, *space = name ? strchr(name, ' ') : NULL;

    return space ? mu_arena_printf(arena, "%s:%s", distribution->ecosystem, space + 1) : NULL;
}

/* "openEuler 22.03 (LTS-SP3)" is "openEuler:22.03-LTS-SP3". */
static const char *open_euler(const struct distribution *distribution, const struct image_os *os,
                              struct mu_arena *arena)
{
    const char *open = os->pretty_name ? strchr(os->pretty_name, '(') : NULL;

    if (!open || !os->version_id)
        return whole_version(distribution, os, arena);
    return mu_arena_printf(arena, "openEuler:%s-%.*s", os->version_id, (int)strcspn(open + 1, ")"),
                           open + 1);
}

static const struct distribution distributions[] = {
        {"debian", "deb", "Debian", debian, false},
        {"ubuntu", "deb", "Ubuntu", ubuntu, false},
        {"echo", "deb", "Echo", without_release, false},
        {"alpine", "apk", "Alpine", alpine, false},
        {"wolfi", "apk", "Wolfi", without_release, false},
        {"chainguard", "apk", "Chainguard", without_release, false},
        {"alpaquita", "apk", "Alpaquita", whole_version, false},
        {"bellsoft-hardened-containers", "apk", "BellSoft Hardened Containers", whole_version,
         false},
        {"minimos", "apk", "MinimOS", without_release, false},
        {"almalinux", "rpm", "AlmaLinux", major_version, false},
        {"rocky", "rpm", "Rocky Linux", major_version, true},
        {"rhel", "rpm", "Red Hat:enterprise_linux", red_hat, false},
        {"sles", "rpm", "SUSE", pretty, true},
        {"sled", "rpm", "SUSE", pretty, true},
        {"opensuse-leap", "rpm", "openSUSE", pretty, true},
        {"opensuse-tumbleweed", "rpm", "openSUSE", pretty, true},
        {"azurelinux", "rpm", "Azure Linux", major_version, true},
        {"mariner", "rpm", "Azure Linux", major_version, true},
        {"photon", "rpm", "Photon OS", whole_version, true},
        {"openeuler", "rpm", "openEuler", open_euler, true},
        {"mageia", "rpm", "Mageia", whole_version, true},
};

static const struct distribution *distribution_of(const struct image_os *os)
{
    for (size_t i = 0; os->found && i < sizeof(distributions) / sizeof(distributions[0]); i++)
        if (mu_text_equal(os->id, distributions[i].id))
            return &distributions[i];
    return NULL;
}

enum mu_status package_distribution_of(const struct image_os *os, struct mu_arena *arena,
                                       struct package_distribution *ret_distribution,
                                       struct mu_error *err)
{
    const struct distribution *found = distribution_of(os);
    struct package_distribution distribution = {0};

    if (found) {
        distribution = (struct package_distribution){.id = found->id,
                                                     .type = found->type,
                                                     .ecosystem = found->release(found, os, arena),
                                                     .by_source = found->by_source};
        /* Nobody can tell "not said" from "no room" by that: ask the arena. */
        if (!distribution.ecosystem && !mu_arena_alloc(arena, ECOSYSTEM_TEXT_SIZE))
            return mu_fail(err, MU_E_NOMEM, "packages: out of memory");
    }
    *ret_distribution = distribution;
    return MU_OK;
}

bool package_type_is_os(const char *type)
{
    return mu_text_equal(type, "deb") || mu_text_equal(type, "apk") || mu_text_equal(type, "rpm");
}

static void of_distribution(const struct package_distribution *distribution,
                            const struct image_package *package, struct package_key *key)
{
    bool rpm = mu_text_equal(package->type, "rpm");

    key->os = true;
    if (!mu_text_equal(distribution->type, package->type))
        return;
    key->ecosystem = distribution->ecosystem;
    key->name = rpm || !package->source_name ? package->name : package->source_name;
    key->version = rpm || !package->source_version ? package->version : package->source_version;
    if (rpm && distribution->by_source && package->source_name && package->source_version &&
        !mu_text_equal(package->source_name, package->name)) {
        key->source_name = package->source_name;
        key->source_version = package->source_version;
    }
    if (rpm)
        key->architecture = package->architecture;
    key->module = package->module;
}

/* ---- languages ---- */

/* "go1.22.1" is 1.22.1; "(devel)" is none. */
static const char *go_version(const char *version, struct mu_arena *arena)
{
    (void)arena;
    return version[0] == '(' || version[0] == '\0' ? NULL : version;
}

/* A program built at "(devel)" whose version was made of its revision, v0.0.0-time-revision: that
 * comes before every release, so that each advisory ever fixed would be told of it. */
static bool is_devel(const struct image_package *package)
{
    return mu_text_equal(package->type, "golang") && package->source_version &&
           package->source_version[0] == '(';
}

/* "1.2.3-x86_64-linux": the platform is no part of the version; "3.0.0-rc.1" has none. */
static const char *gem_version(const char *version, struct mu_arena *arena)
{
    static const char *const platforms[] = {
            "x86",   "x64",   "amd64", "arm",     "aarch64", "universal", "java",  "jruby",
            "mswin", "mingw", "ruby",  "powerpc", "ppc",     "s390",      "riscv", "i386",
            "i486",  "i586",  "i686",  "darwin",  "linux",   "dalvik"};
    const char *dash = strchr(version, '-');

    for (size_t i = 0; dash && i < sizeof(platforms) / sizeof(platforms[0]); i++)
        if (mu_text_starts(dash + 1, platforms[i]))
            return mu_arena_strndup(arena, version, (size_t)(dash - version));
    return version;
}

static const char *composer_version(const char *version, struct mu_arena *arena)
{
    (void)arena;
    return mu_text_starts(version, "dev-") ? NULL : version;
}

static const struct language {
    const char *type, *ecosystem;
    const char *(*version)(const char *version, struct mu_arena *arena);
} languages[] = {{"pypi", "PyPI", NULL},
                 {"npm", "npm", NULL},
                 {"golang", "Go", go_version},
                 {"maven", "Maven", NULL},
                 {"cargo", "crates.io", NULL},
                 {"gem", "RubyGems", gem_version},
                 {"composer", "Packagist", composer_version},
                 {"nuget", "NuGet", NULL},
                 {"hex", "Hex", NULL},
                 {"pub", "Pub", NULL},
                 {"swift", "SwiftURL", NULL},
                 {"cran", "CRAN", NULL},
                 {"hackage", "Hackage", NULL},
                 {"bitnami", "Bitnami", NULL}};

static enum mu_status of_language(const struct image_package *package, struct mu_arena *arena,
                                  struct package_key *key, struct mu_error *err)
{
    char folded[ECOSYSTEM_TEXT_SIZE];

    for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++) {
        const struct language *language = &languages[i];

        if (!mu_text_equal(package->type, language->type) ||
            !ecosystem_fold_name(language->ecosystem, package->name, folded))
            continue;
        key->ecosystem = language->ecosystem;
        key->name = mu_arena_strdup(arena, folded);
        key->version = package->version ? package->version : "";
        if (language->version)
            key->version = language->version(key->version, arena);
        key->no_version = !key->version || key->version[0] == '\0' || is_devel(package);
        return key->name ? MU_OK : mu_fail(err, MU_E_NOMEM, "package: out of memory");
    }
    return MU_OK;
}

enum mu_status package_key_of(const struct package_distribution *distribution,
                              const struct image_package *package, struct mu_arena *arena,
                              struct package_key *ret_key, struct mu_error *err)
{
    struct package_key key = {0};
    enum mu_status st = MU_OK;

    if (package_type_is_os(package->type))
        of_distribution(distribution, package, &key);
    else
        st = of_language(package, arena, &key, err);
    if (st == MU_OK)
        *ret_key = key;
    return st;
}
