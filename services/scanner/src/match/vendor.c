#include "match/vendor.h"

#include "base/text.h"

#include <stddef.h>
#include <string.h>

/* What the distribution's own RPMs name as their vendor; a part of it is enough. */
static const struct {
    const char *distribution, *vendor;
} own_vendors[] = {{"almalinux", "AlmaLinux"},
                   {"rocky", "Rocky"},
                   {"rhel", "Red Hat"},
                   {"sles", "SUSE"},
                   {"sled", "SUSE"},
                   {"opensuse-leap", "openSUSE"},
                   {"opensuse-leap", "SUSE"},
                   {"opensuse-tumbleweed", "openSUSE"},
                   {"azurelinux", "Microsoft"},
                   {"mariner", "Microsoft"},
                   {"photon", "VMware"},
                   {"photon", "Broadcom"},
                   {"openeuler", "openEuler"},
                   {"mageia", "Mageia"}};

/* Who publishes packages for Debian and Ubuntu beside them; a part of Maintainer. */
static const char *const other_maintainers[] = {
        "@docker.com",     "@nvidia.com",     "@hashicorp.com",  "@nodesource.com",
        "@mongodb.com",    "@elastic.co",     "@grafana.com",    "@google.com",
        "@chromium.org",   "@microsoft.com",  "@postgresql.org", "@mysql.com",
        "@oracle.com",     "@mariadb.org",    "@mariadb.com",    "@influxdata.com",
        "@datadoghq.com",  "@gitlab.com",     "@github.com",     "@cloudflare.com",
        "@percona.com",    "@rabbitmq.com",   "@clickhouse.com", "@nginx.com",
        "NGINX Packaging", "nginx-packaging", "@newrelic.com",   "@confluent.io",
        "@puppet.com",     "@chef.io",        "@azul.com",       "@bell-sw.com",
        "@amazon.com",     "@amd.com",        "@intel.com",      "@deb.sury.org",
        "kubernetes",      "@tailscale.com",  "@yarnpkg.com",    "@adoptium.net"};

static bool is_other_rpm(const char *distribution, const char *vendor)
{
    bool known = false;

    for (size_t i = 0; i < sizeof(own_vendors) / sizeof(own_vendors[0]); i++) {
        if (!mu_text_equal(own_vendors[i].distribution, distribution))
            continue;
        if (strstr(vendor, own_vendors[i].vendor))
            return false;
        known = true;
    }
    return known;
}

static bool is_other_deb(const char *maintainer)
{
    for (size_t i = 0; i < sizeof(other_maintainers) / sizeof(other_maintainers[0]); i++)
        if (strcasestr(maintainer, other_maintainers[i]))
            return true;
    return false;
}

bool vendor_is_other(const char *distribution, const struct image_package *package)
{
    if (!distribution || !package->vendor || package->vendor[0] == '\0')
        return false;
    if (mu_text_equal(package->type, "rpm"))
        return is_other_rpm(distribution, package->vendor);
    return mu_text_equal(package->type, "deb") && is_other_deb(package->vendor);
}
