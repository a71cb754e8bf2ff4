#include "check/checks.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define CIS  "CIS Docker Benchmark 1.6.0 section "
#define NIST "NIST SP 800-190 section "

const struct check checks[CHECK_COUNT] = {
        [CHECK_ROOT_USER] = {"MUSTER-IMG-0001", "The image runs as root", "moderate",
                             CIS "4.1; " NIST "4.1.2",
                             "End the Dockerfile with USER and a numeric id other than 0."},
        [CHECK_UNKNOWN_USER] = {"MUSTER-IMG-0002", "The user it runs as is not in /etc/passwd",
                                "low", CIS "4.1",
                                "Create the user in the image, or name it by number."},
        [CHECK_SETUID_FILE] = {"MUSTER-IMG-0003", "A file has the setuid or setgid bit", "low",
                               CIS "4.8",
                               "Remove the bit (chmod a-s) or the file in the layer that adds it."},
        [CHECK_WRITABLE_FILE] = {"MUSTER-IMG-0004", "Everybody may write a file", "moderate",
                                 NIST "4.1.2", "Remove the right (chmod o-w)."},
        [CHECK_WRITABLE_DIRECTORY] = {"MUSTER-IMG-0005",
                                      "Everybody may write a directory without the sticky bit",
                                      "moderate", NIST "4.1.2",
                                      "Remove the right (chmod o-w) or set the bit (chmod +t)."},
        [CHECK_SECRET_IN_ENVIRONMENT] = {"MUSTER-IMG-0006", "A secret in the environment", "high",
                                         CIS "4.10; " NIST "4.1.4",
                                         "Revoke it; hand secrets over when the container starts."},
        [CHECK_SECRET_IN_HISTORY] = {"MUSTER-IMG-0007", "A secret in the history of the build",
                                     "high", CIS "4.10; " NIST "4.1.4",
                                     "Revoke it; build with secret mounts, not arguments."},
        [CHECK_SECRET_IN_CONFIG] = {"MUSTER-IMG-0008", "A secret in a label or the command line",
                                    "high", CIS "4.10; " NIST "4.1.4",
                                    "Revoke it; hand secrets over when the container starts."},
        [CHECK_SECRET_IN_FILE] = {"MUSTER-IMG-0009", "A secret in a file", "high",
                                  CIS "4.10; " NIST "4.1.4",
                                  "Revoke it; removing the file in a later layer does not help."},
        [CHECK_PRIVATE_KEY] = {"MUSTER-IMG-0010", "A private key", "high",
                               CIS "4.10; " NIST "4.1.4",
                               "Replace the key; mount it when the container starts."},
        [CHECK_CREDENTIALS_FILE] = {"MUSTER-IMG-0011", "Credentials of a tool", "high",
                                    CIS "4.10; " NIST "4.1.4",
                                    "Revoke them; build with secret mounts."},
        [CHECK_EMPTY_PASSWORD] = {"MUSTER-IMG-0012", "An account that needs no password", "high",
                                  NIST "4.1.2", "Lock the account (passwd -l)."},
        [CHECK_SECOND_ROOT] = {"MUSTER-IMG-0013", "An account beside root has user id 0",
                               "moderate", NIST "4.1.2",
                               "Give the account an id of its own or remove it."},
        [CHECK_SUDO_WITHOUT_PASSWORD] = {"MUSTER-IMG-0014", "sudo without a password", "moderate",
                                         NIST "4.1.2", "Remove sudo or the NOPASSWD rule."},
        [CHECK_REMOTE_SHELL] = {"MUSTER-IMG-0015", "A server for remote shells", "moderate",
                                NIST "4.1.2",
                                "Remove it; enter containers through the orchestrator."},
        [CHECK_REMOTE_SHELL_PORT] = {"MUSTER-IMG-0016", "A port of remote shells is exposed",
                                     "moderate", NIST "4.1.2",
                                     "Remove EXPOSE 22 or 23 and the server behind it."},
        [CHECK_PACKAGE_LEFTOVERS] = {"MUSTER-IMG-0017", "Leftovers of a package manager", "low",
                                     CIS "4.3", "Remove them in the same RUN, or mount the cache."},
        [CHECK_ADD_FROM_URL] = {"MUSTER-IMG-0018", "ADD from a URL without checksum", "moderate",
                                CIS "4.9", "Use ADD --checksum, or COPY what was verified."},
        [CHECK_PIPE_TO_SHELL] = {"MUSTER-IMG-0019", "A download is run unseen", "moderate",
                                 CIS "4.11", "Download, check a signature or checksum, then run."},
        [CHECK_UNVERIFIED_PACKAGES] = {"MUSTER-IMG-0020",
                                       "Signatures or certificates were not checked", "moderate",
                                       CIS "4.11; " CIS "4.12",
                                       "Remove the option that turns the check off."},
        [CHECK_UPDATE_ALONE] = {"MUSTER-IMG-0021",
                                "Package lists are updated in a step of their own", "low",
                                CIS "4.7", "Update and install in one RUN."},
        [CHECK_NO_HEALTHCHECK] = {"MUSTER-IMG-0022", "No HEALTHCHECK", "low", CIS "4.6",
                                  "Add one, unless the orchestrator probes the container."},
        [CHECK_NO_BASE_DIGEST] = {"MUSTER-IMG-0023", "The base image is not recorded", "low",
                                  CIS "4.2; OCI image-spec 1.1 annotations.md",
                                  "Annotate org.opencontainers.image.base.digest in the build."},
        [CHECK_FLOATING_BASE] = {"MUSTER-IMG-0024", "The base image is a floating tag", "low",
                                 CIS "4.2", "Build from a version, best with its digest."},
        [CHECK_RELATIVE_PATH] = {"MUSTER-IMG-0025", "PATH holds a relative directory", "low",
                                 NIST "4.1.2", "Name absolute directories only."},
        [CHECK_END_OF_LIFE] = {"MUSTER-IMG-0026", "The distribution gets no more security updates",
                               "high", CIS "4.4; NIST SP 800-53 SA-22",
                               "Rebuild on a release that is maintained."},
        [CHECK_EXTENDED_SUPPORT] = {"MUSTER-IMG-0027",
                                    "The distribution is in extended support only", "low",
                                    CIS "4.4; NIST SP 800-53 SA-22",
                                    "Make sure that the extension is in use, and plan the next "
                                    "release."},
};

const struct check *check_find(const char *id)
{
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        if (mu_text_equal(checks[i].id, id))
            return &checks[i];
    }
    return NULL;
}

enum mu_status check_tell(enum check_kind kind, const char *evidence, uint32_t line,
                          const struct finder_sink *sink, struct mu_error *err)
{
    struct found_issue issue = {.check = checks[kind].id, .line = line};
    char text[CHECK_EVIDENCE_MAX_BYTES + 1];

    if (evidence) {
        (void)snprintf(text, sizeof(text), "%s", evidence);
        for (char *c = text; *c; c++) {
            if ((unsigned char)*c < ' ' || *c == 0x7f)
                *c = ' ';
        }
        mu_utf8_clean(text);
        issue.evidence = text;
    }
    return sink->issue(sink->opaque, &issue, err);
}
