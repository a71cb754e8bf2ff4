#include "package/os/end_of_life.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

enum { DATE_LEN = 10 /* "2026-07-11" */ };

/* The last days of support. NULL: no codename; no extended support. Ends with all NULL. */
struct release {
    const char *version, *codename, *regular, *extended;
};

struct distribution {
    const char *id, *name; /* of os-release; for people */
    const struct release *releases;
    bool exact; /* 15 and 15.1 are releases of their own, not 15.1 one of 15 */
    const char *extended_name;
    const char *source;
};

static const struct release debian[] = {
        {"6", "squeeze", "2014-05-31", "2016-02-29"},
        {"7", "wheezy", "2016-04-25", "2018-05-31"},
        {"8", "jessie", "2018-06-17", "2020-06-30"},
        {"9", "stretch", "2020-07-18", "2022-06-30"},
        {"10", "buster", "2022-09-10", "2024-06-30"},
        {"11", "bullseye", "2024-08-14", "2026-08-31"},
        {"12", "bookworm", "2026-07-11", "2028-06-30"},
        {"13", "trixie", "2028-08-09", "2030-06-30"},
        {NULL, NULL, NULL, NULL},
};

static const struct release ubuntu[] = {
        {"12.04", "precise", "2017-04-28", "2019-04-26"},
        {"12.10", "quantal", "2014-05-16", NULL},
        {"13.04", "raring", "2014-01-27", NULL},
        {"13.10", "saucy", "2014-07-17", NULL},
        {"14.04", "trusty", "2019-04-25", "2024-04-25"},
        {"14.10", "utopic", "2015-07-23", NULL},
        {"15.04", "vivid", "2016-02-04", NULL},
        {"15.10", "wily", "2016-07-28", NULL},
        {"16.04", "xenial", "2021-04-30", "2026-04-23"},
        {"16.10", "yakkety", "2017-07-20", NULL},
        {"17.04", "zesty", "2018-01-13", NULL},
        {"17.10", "artful", "2018-07-19", NULL},
        {"18.04", "bionic", "2023-05-31", "2028-04-26"},
        {"18.10", "cosmic", "2019-07-18", NULL},
        {"19.04", "disco", "2020-01-23", NULL},
        {"19.10", "eoan", "2020-07-17", NULL},
        {"20.04", "focal", "2025-05-29", "2030-04-23"},
        {"20.10", "groovy", "2021-07-22", NULL},
        {"21.04", "hirsute", "2022-01-20", NULL},
        {"21.10", "impish", "2022-07-14", NULL},
        {"22.04", "jammy", "2027-06-01", "2032-04-21"},
        {"22.10", "kinetic", "2023-07-20", NULL},
        {"23.04", "lunar", "2024-01-25", NULL},
        {"23.10", "mantic", "2024-07-11", NULL},
        {"24.04", "noble", "2029-05-31", "2034-04-25"},
        {"24.10", "oracular", "2025-07-10", NULL},
        {"25.04", "plucky", "2026-01-15", NULL},
        {"25.10", "questing", "2026-07-09", NULL},
        {"26.04", "resolute", "2031-05-29", "2036-04-23"},
        {"26.10", "stonking", "2027-07-15", NULL},
        {NULL, NULL, NULL, NULL},
};

static const struct release alpine[] = {
        {"3.2", NULL, "2017-05-01", NULL},  {"3.3", NULL, "2017-11-01", NULL},
        {"3.4", NULL, "2018-05-01", NULL},  {"3.5", NULL, "2018-11-01", NULL},
        {"3.6", NULL, "2019-05-01", NULL},  {"3.7", NULL, "2019-11-01", NULL},
        {"3.8", NULL, "2020-05-01", NULL},  {"3.9", NULL, "2020-11-01", NULL},
        {"3.10", NULL, "2021-05-01", NULL}, {"3.11", NULL, "2021-11-01", NULL},
        {"3.12", NULL, "2022-05-01", NULL}, {"3.13", NULL, "2022-11-01", NULL},
        {"3.14", NULL, "2023-05-01", NULL}, {"3.15", NULL, "2023-11-01", NULL},
        {"3.16", NULL, "2024-05-23", NULL}, {"3.17", NULL, "2024-11-22", NULL},
        {"3.18", NULL, "2025-05-09", NULL}, {"3.19", NULL, "2025-11-01", NULL},
        {"3.20", NULL, "2026-04-01", NULL}, {"3.21", NULL, "2026-11-01", NULL},
        {"3.22", NULL, "2027-05-01", NULL}, {"3.23", NULL, "2027-11-01", NULL},
        {"3.24", NULL, "2028-06-01", NULL}, {NULL, NULL, NULL, NULL},
};

static const struct release rhel[] = {
        {"5", NULL, "2017-03-31", "2020-11-30"},
        {"6", NULL, "2020-11-30", "2024-06-30"},
        {"7", NULL, "2024-06-30", "2028-06-30"},
        {"8", NULL, "2029-05-31", "2032-05-31"},
        {"9", NULL, "2032-05-31", "2035-05-31"},
        {"10", NULL, "2035-05-31", "2038-05-31"},
        {NULL, NULL, NULL, NULL},
};

/* Version 8 is CentOS Linux, which ended on 2021-12-31, or Stream: os-release tells the same of
 * both. */
static const struct release centos[] = {
        {"5", NULL, "2017-03-31", NULL}, {"6", NULL, "2020-11-30", NULL},
        {"7", NULL, "2024-06-30", NULL}, {"8", NULL, "2024-05-31", NULL},
        {"9", NULL, "2027-05-31", NULL}, {NULL, NULL, NULL, NULL},
};

static const struct release almalinux[] = {
        {"8", NULL, "2029-03-01", NULL},
        {"9", NULL, "2032-05-31", NULL},
        {"10", NULL, "2035-05-31", NULL},
        {NULL, NULL, NULL, NULL},
};

static const struct release rocky[] = {
        {"8", NULL, "2029-05-31", NULL},
        {"9", NULL, "2032-05-31", NULL},
        {"10", NULL, "2035-05-31", NULL},
        {NULL, NULL, NULL, NULL},
};

static const struct release oracle[] = {
        {"6", NULL, "2021-03-31", "2024-12-31"},
        {"7", NULL, "2024-12-31", "2028-06-30"},
        {"8", NULL, "2029-07-31", "2032-07-31"},
        {"9", NULL, "2032-06-30", "2035-06-30"},
        {NULL, NULL, NULL, NULL},
};

static const struct release amazon[] = {
        {"2018.03", NULL, "2020-12-31", "2023-12-31"},
        {"2", NULL, "2026-06-30", NULL},
        {"2023", NULL, "2029-06-30", NULL},
        {NULL, NULL, NULL, NULL},
};

static const struct release sles[] = {
        {"12.3", NULL, "2019-06-30", "2022-06-30"}, {"12.4", NULL, "2020-06-30", "2023-06-30"},
        {"12.5", NULL, "2024-10-31", "2027-10-31"}, {"15", NULL, "2019-12-31", "2022-12-31"},
        {"15.1", NULL, "2021-01-31", "2024-01-31"}, {"15.2", NULL, "2021-12-31", "2024-12-31"},
        {"15.3", NULL, "2022-12-31", "2025-12-31"}, {"15.4", NULL, "2023-12-31", "2026-12-31"},
        {"15.5", NULL, "2024-12-31", "2027-12-31"}, {"15.6", NULL, "2025-12-31", "2028-12-31"},
        {"15.7", NULL, "2031-07-31", "2034-07-31"}, {NULL, NULL, NULL, NULL},
};

static const struct release leap[] = {
        {"15.0", NULL, "2019-12-03", NULL}, {"15.1", NULL, "2021-02-02", NULL},
        {"15.2", NULL, "2022-01-04", NULL}, {"15.3", NULL, "2022-12-31", NULL},
        {"15.4", NULL, "2023-12-07", NULL}, {"15.5", NULL, "2024-12-31", NULL},
        {"15.6", NULL, "2026-04-30", NULL}, {NULL, NULL, NULL, NULL},
};

static const struct release mariner[] = {
        {"2.0", NULL, "2025-07-31", NULL},
        {NULL, NULL, NULL, NULL},
};

static const struct distribution distributions[] = {
        {"debian", "Debian", debian, false, "LTS", "distro-info-data, debian.csv"},
        {"ubuntu", "Ubuntu", ubuntu, true, "ESM", "distro-info-data, ubuntu.csv"},
        {"alpine", "Alpine Linux", alpine, false, NULL, "alpinelinux.org/releases"},
        {"rhel", "Red Hat Enterprise Linux", rhel, false, "ELS",
         "access.redhat.com/support/policy/updates/errata"},
        {"centos", "CentOS", centos, false, NULL, "www.centos.org/centos-linux-eol"},
        {"almalinux", "AlmaLinux", almalinux, false, NULL, "wiki.almalinux.org/release-notes"},
        {"rocky", "Rocky Linux", rocky, false, NULL, "wiki.rockylinux.org/rocky/version"},
        {"ol", "Oracle Linux", oracle, false, "Extended Support",
         "Oracle Lifetime Support Policy, Oracle Open Source Service Offerings"},
        {"amzn", "Amazon Linux", amazon, true, "maintenance support",
         "aws.amazon.com/amazon-linux-2/faqs and docs.aws.amazon.com/linux/al2023"},
        {"sles", "SUSE Linux Enterprise Server", sles, true, "LTSS", "www.suse.com/lifecycle"},
        {"mariner", "CBL-Mariner", mariner, false, NULL,
         "learn.microsoft.com/lifecycle, Azure Linux"},
        {"opensuse-leap", "openSUSE Leap", leap, true, NULL, "en.opensuse.org/Lifetime"},
};

static const struct distribution *distribution_find(const char *id)
{
    for (size_t i = 0; i < sizeof(distributions) / sizeof(distributions[0]); i++) {
        if (strcmp(distributions[i].id, id) == 0)
            return &distributions[i];
    }
    return NULL;
}

/* "3.20" is the release of "3.20.3", unless releases are told apart to the last number. */
static bool version_is_of(const char *version, const char *release, bool exact)
{
    size_t len = strlen(release);

    return strncmp(version, release, len) == 0 &&
           (version[len] == '\0' || (!exact && version[len] == '.'));
}

static const struct release *release_find(const struct distribution *distribution,
                                          const char *version, const char *codename)
{
    for (const struct release *release = distribution->releases; release->version; release++) {
        if (version ? version_is_of(version, release->version, distribution->exact)
                    : codename && mu_text_equal(release->codename, codename))
            return release;
    }
    return NULL;
}

static bool day_is_over(const char *last_day, const char *today)
{
    return strncmp(today, last_day, DATE_LEN) > 0;
}

struct end_of_life end_of_life_find(const char *id, const char *version_id, const char *codename,
                                    int64_t at_us)
{
    const struct distribution *distribution = id ? distribution_find(id) : NULL;
    const struct release *release =
            distribution ? release_find(distribution, version_id, codename) : NULL;
    struct end_of_life found = {.support = SUPPORT_UNKNOWN};
    char today[MU_TIME_TEXT_SIZE];

    if (!release)
        return found;
    mu_time_format(at_us, today);
    found = (struct end_of_life){.support = SUPPORT_REGULAR,
                                 .distribution = distribution->name,
                                 .release = release->version,
                                 .regular_until = release->regular,
                                 .extended_until = release->extended,
                                 .source = distribution->source};
    if (release->extended)
        found.extended_name = distribution->extended_name;
    if (day_is_over(release->regular, today))
        found.support = release->extended && !day_is_over(release->extended, today)
                                ? SUPPORT_EXTENDED
                                : SUPPORT_ENDED;
    return found;
}
