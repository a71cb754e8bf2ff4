#include "match/purl_package.h"

#include "match/package_key.h"
#include "package/os/os_text.h"
#include "package/os/rpm_header.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

const char *purl_package_name(const struct purl *purl, struct mu_arena *arena)
{
    if (!purl->namespace || package_type_is_os(purl->type))
        return purl->name;
    return mu_arena_printf(arena, mu_text_equal(purl->type, "maven") ? "%s:%s" : "%s/%s",
                           purl->namespace, purl->name);
}

const char *purl_package_version(const struct purl *purl, struct mu_arena *arena)
{
    const char *epoch = purl_qualifier(purl, "epoch");

    return purl->version && epoch && mu_text_equal(purl->type, "rpm") && !strchr(purl->version, ':')
                   ? mu_arena_printf(arena, "%s:%s", epoch, purl->version)
                   : purl->version;
}

/* os-release's ID of a purl's namespace, where they differ. */
static const char *id_of(const char *namespace)
{
    static const struct {
        const char *namespace, *id;
    } ids[] = {{"redhat", "rhel"},
               {"rocky-linux", "rocky"},
               {"suse", "sles"},
               {"opensuse", "opensuse-leap"}};

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        if (mu_text_equal(namespace, ids[i].namespace))
            return ids[i].id;
    return namespace;
}

/* "debian-12", "alpine-v3.20", "12", "bookworm": what follows the distribution's name. */
static enum mu_status read_distro(const struct purl *purl, struct mu_arena *arena,
                                  struct image_os *os, struct mu_error *err)
{
    const char *distro = purl_qualifier(purl, "distro"), *release;

    os->found = true;
    os->id = purl->namespace ? id_of(purl->namespace) : NULL;
    if (!distro)
        return MU_OK;
    release = distro;
    while (*release && !isdigit((unsigned char)*release))
        release++;
    if (*release == '\0') { /* a code name, or a rolling release */
        const char *dash = strrchr(distro, '-');

        os->version_codename = dash ? dash + 1 : distro;
        if (mu_text_equal(os->version_codename, "stream"))
            os->version_id = os->version_codename;
        return MU_OK;
    }
    if (!os->id && release > distro + 1 && release[-1] == '-')
        os->id = mu_arena_strndup(arena, distro, (size_t)(release - 1 - distro));
    os->version_id = release;
    os->pretty_name = mu_arena_printf(arena, "SUSE %s", release);
    return os->pretty_name ? MU_OK : mu_fail(err, MU_E_NOMEM, "purl: out of memory");
}

/* "openssl-3.0.1-1.el9.src.rpm"; anything else stays the name. */
static enum mu_status read_source_rpm(const char *upstream, struct mu_arena *arena,
                                      struct image_package *package, struct mu_error *err)
{
    char text[OS_WORD_MAX_BYTES + 1];
    const char *name, *version;

    rpm_source_split(upstream, text, &name, &version);
    if (!name)
        return MU_OK;
    package->source_name = mu_arena_strdup(arena, name);
    package->source_version = mu_arena_strdup(arena, version);
    return package->source_name && package->source_version
                   ? MU_OK
                   : mu_fail(err, MU_E_NOMEM, "purl: out of memory");
}

/* "openssl", or "openssl@3.0.11-1". */
static enum mu_status read_upstream(const struct purl *purl, struct mu_arena *arena,
                                    struct image_package *package, struct mu_error *err)
{
    const char *upstream = purl_qualifier(purl, "upstream"), *at;

    package->source_name = package->name;
    package->source_version = package->version;
    if (!upstream)
        return MU_OK;
    at = strchr(upstream, '@');
    package->source_name =
            at ? mu_arena_strndup(arena, upstream, (size_t)(at - upstream)) : upstream;
    if (at)
        package->source_version = at + 1;
    if (!package->source_name)
        return mu_fail(err, MU_E_NOMEM, "purl: out of memory");
    return mu_text_ends(upstream, ".src.rpm") ? read_source_rpm(upstream, arena, package, err)
                                              : MU_OK;
}

enum mu_status purl_package(const struct purl *purl, struct mu_arena *arena,
                            struct image_package *ret_package, struct image_os *ret_os,
                            struct mu_error *err)
{
    struct image_package package = {.type = purl->type,
                                    .name = purl_package_name(purl, arena),
                                    .version = purl_package_version(purl, arena),
                                    .architecture = purl_qualifier(purl, "arch"),
                                    .module = purl_qualifier(purl, "rpmmod")};
    struct image_os os = {0};
    enum mu_status st = MU_OK;

    if (!purl->version)
        return mu_fail(err, MU_E_INVALID, "purl: it has no version to judge");
    if (!package.name || !package.version)
        return mu_fail(err, MU_E_NOMEM, "purl: out of memory");
    if (package_type_is_os(purl->type)) {
        st = read_distro(purl, arena, &os, err);
        if (st == MU_OK)
            st = read_upstream(purl, arena, &package, err);
    }
    if (st == MU_OK) {
        *ret_package = package;
        *ret_os = os;
    }
    return st;
}
