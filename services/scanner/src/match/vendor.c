#include "match/vendor.h"

#include "base/text.h"

#include <stddef.h>
#include <string.h>

/* A part of VENDOR is enough. Rebuilds of Enterprise Linux keep each other's versions, and images
 * mix them. */
static const char *const enterprise_linux[] = {"Red Hat", "CentOS",     "AlmaLinux", "Rocky",
                                               "Oracle",  "CloudLinux", NULL};
static const char *const suse[] = {"SUSE", NULL}; /* openSUSE's has it too */
static const char *const microsoft[] = {"Microsoft", NULL};
static const char *const photon[] = {"VMware", "Broadcom", NULL};
static const char *const openeuler[] = {"openEuler", NULL};
static const char *const mageia[] = {"Mageia", NULL};

/* Whose RPMs a distribution's feed judges. */
static const struct {
    const char *distribution;
    const char *const *vendors;
} own_vendors[] = {{"almalinux", enterprise_linux},
                   {"rocky", enterprise_linux},
                   {"rhel", enterprise_linux},
                   {"sles", suse},
                   {"sled", suse},
                   {"opensuse-leap", suse},
                   {"opensuse-tumbleweed", suse},
                   {"azurelinux", microsoft},
                   {"mariner", microsoft},
                   {"photon", photon},
                   {"openeuler", openeuler},
                   {"mageia", mageia}};

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

static bool is_one_of(const char *vendor, const char *const *own)
{
    for (; *own; own++)
        if (strstr(vendor, *own))
            return true;
    return false;
}

static bool is_other_rpm(const char *distribution, const char *vendor)
{
    for (size_t i = 0; i < sizeof(own_vendors) / sizeof(own_vendors[0]); i++)
        if (mu_text_equal(own_vendors[i].distribution, distribution))
            return !is_one_of(vendor, own_vendors[i].vendors);
    return false;
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
