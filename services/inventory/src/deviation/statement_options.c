/* The options of the verbs of people. */
#include "deviation/statement_command.h"

#define OPTION(member) offsetof(struct statement_config, member)

#define COMMON                                                                              \
    REMOTE_OPTIONS(OPTION(where)), {"format",                                               \
                                    MU_OPTION_TEXT,                                         \
                                    OPTION(format),                                         \
                                    NULL,                                                   \
                                    0,                                                      \
                                    0,                                                      \
                                    0,                                                      \
                                    "list: text or json; export: csv or json"},             \
            {"valid-at",                                                                    \
             MU_OPTION_TEXT,                                                                \
             OPTION(valid_at),                                                              \
             NULL,                                                                          \
             0,                                                                             \
             0,                                                                             \
             0,                                                                             \
             "list: as it stood then, RFC 3339 (default: now)"},                            \
            {"known-at",                                                                    \
             MU_OPTION_TEXT,                                                                \
             OPTION(known_at),                                                              \
             NULL,                                                                          \
             0,                                                                             \
             0,                                                                             \
             0,                                                                             \
             "list: as it was known then, RFC 3339"},                                       \
            {"at",       MU_OPTION_TEXT,                                                    \
             OPTION(at), NULL,                                                              \
             0,          0,                                                                 \
             0,          "when it was said or decided, RFC 3339 (default: now)"},           \
            {"by",                                                                          \
             MU_OPTION_TEXT,                                                                \
             OPTION(by),                                                                    \
             NULL,                                                                          \
             0,                                                                             \
             0,                                                                             \
             0,                                                                             \
             "who says or decides it, with --postgres; a server knows by the credentials"}, \
            {"role", MU_OPTION_TEXT, OPTION(role), NULL, 0, 0, 0, "as what"},               \
            {"rationale", MU_OPTION_TEXT, OPTION(rationale), NULL, 0, 0, 0, "why"},         \
    {                                                                                       \
        "evidence", MU_OPTION_TEXT, OPTION(evidence), NULL, 0, 0, 0,                        \
                "where the proof is: a ticket, a file, a letter"                            \
    }
#define ASSET                                                  \
    {                                                          \
        "asset", MU_OPTION_TEXT, OPTION(asset), NULL, 0, 0, 0, \
                "an asset's UAI, a repository, or * for all"   \
    }
#define EXPIRES                                                       \
    {                                                                 \
        "expires-at", MU_OPTION_TEXT, OPTION(expires), NULL, 0, 0, 0, \
                "when it ends by itself, RFC 3339"                    \
    }
#define CVE                                                          \
    {                                                                \
        "vulnerability", MU_OPTION_TEXT, OPTION(cve), NULL, 0, 0, 0, \
                "the CVE, or what it is counted under"               \
    }

const struct mu_option deviation_options[DEVIATION_OPTION_COUNT] = {
        COMMON,
        {"deviation", MU_OPTION_TEXT, OPTION(name), NULL, 0, 0, 0,
         "your number of it, as DR-2026-001"},
        {"kind", MU_OPTION_TEXT, OPTION(kind), NULL, 0, 0, 0,
         "false_positive, risk_adjustment, operational_requirement, vendor_dependency or accepted"},
        CVE,
        ASSET,
        {"package", MU_OPTION_TEXT, OPTION(package), NULL, 0, 0, 0, "only in this package"},
        {"adjusted-severity", MU_OPTION_TEXT, OPTION(severity), NULL, 0, 0, 0,
         "of a risk adjustment: critical, high, moderate or low"},
        EXPIRES,
};

const struct mu_option hardening_options[HARDENING_OPTION_COUNT] = {
        COMMON,
        ASSET,
        {"baseline", MU_OPTION_TEXT, OPTION(baseline), NULL, 0, 0, 0,
         "name of the benchmark: a CIS benchmark, a STIG"},
        {"digest", MU_OPTION_TEXT, OPTION(digest), NULL, 0, 0, 0, "the image that was looked at"},
        {"drift", MU_OPTION_TEXT, OPTION(drift), NULL, 0, 0, 0, "none or found"},
        EXPIRES,
};

const struct mu_option exposure_options[EXPOSURE_OPTION_COUNT] = {
        COMMON,
        {"asset", MU_OPTION_TEXT, OPTION(asset), NULL, 0, 0, 0,
         "an asset's UAI, a repository, or * for all; the narrowest counts"},
        {"public", MU_OPTION_TEXT, OPTION(is_public), NULL, 0, 0, 0,
         "yes or no: reachable from the Internet"},
};

const struct mu_option ssvc_options[SSVC_OPTION_COUNT] = {
        COMMON,
        CVE,
        {"automatable", MU_OPTION_TEXT, OPTION(automatable), NULL, 0, 0, 0, "yes or no"},
        {"technical-impact", MU_OPTION_TEXT, OPTION(impact), NULL, 0, 0, 0, "partial or total"},
};

const struct mu_option exclusion_options[EXCLUSION_OPTION_COUNT] = {
        COMMON,
        {"asset", MU_OPTION_TEXT, OPTION(asset), NULL, 0, 0, 0, "the asset's UAI"},
        EXPIRES,
};

const struct mu_option move_options[MOVE_OPTION_COUNT] = {
        COMMON,
        {"repository", MU_OPTION_TEXT, OPTION(repository), NULL, 0, 0, 0, "what it was: host/path"},
        {"moved-to", MU_OPTION_TEXT, OPTION(moved_to), NULL, 0, 0, 0, "what it goes on as"},
};
