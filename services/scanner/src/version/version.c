#include "version/version.h"

#include "version/schemes.h"
#include "version/version_text.h"

static const struct version_scheme schemes[] = {
        {"dpkg", dpkg_version_compare, dpkg_version_valid, {"Debian", "Ubuntu", "Echo"}},
        {"apk",
         apk_version_compare,
         apk_version_valid,
         {"Alpine", "Alpaquita", "BellSoft Hardened Containers", "Chainguard", "CleanStart",
          "MinimOS", "Wolfi"}},
        {"rpm",
         rpm_version_compare,
         rpm_version_valid,
         {"Red Hat", "Rocky Linux", "AlmaLinux", "SUSE", "openSUSE", "openEuler", "Mageia",
          "Azure Linux", "Photon OS"}},
        {"semver",
         semver_version_compare,
         semver_version_valid,
         {"npm", "crates.io", "Hex", "SwiftURL", "Julia", "Bitnami", "GitHub Actions", "Kubernetes",
          "VSCode"}},
        {"pub", pub_version_compare, semver_version_valid, {"Pub"}},
        {"go", go_version_compare, go_version_valid, {"Go"}},
        {"pep440", pep440_version_compare, pep440_version_valid, {"PyPI"}},
        {"maven", maven_version_compare, maven_version_valid, {"Maven"}},
        {"rubygems", rubygems_version_compare, rubygems_version_valid, {"RubyGems"}},
        {"nuget", nuget_version_compare, nuget_version_valid, {"NuGet"}},
        {"packagist", packagist_version_compare, packagist_version_valid, {"Packagist"}},
        {"numbers",
         numbers_version_compare,
         numbers_version_valid,
         {"CRAN", "Bioconductor", "Hackage", "GHC"}},
};

enum { SCHEME_COUNT = sizeof(schemes) / sizeof(schemes[0]) };

static bool serves(const struct version_scheme *scheme, struct version_text ecosystem)
{
    for (const char *const *name = scheme->ecosystems; *name; name++)
        if (version_is_word(ecosystem, *name))
            return true;
    return version_is_word(ecosystem, scheme->name);
}

const struct version_scheme *version_scheme_of(const char *ecosystem)
{
    struct version_text rest = version_text_of(ecosystem), name = version_take_until(&rest, ':');

    for (size_t i = 0; i < SCHEME_COUNT; i++)
        if (serves(&schemes[i], name))
            return &schemes[i];
    return NULL;
}

const struct version_scheme *version_scheme_at(size_t index)
{
    return index < SCHEME_COUNT ? &schemes[index] : NULL;
}
