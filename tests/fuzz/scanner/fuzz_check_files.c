/* Any bytes as the files that checks read: the first byte chooses the path. What is told is clean
 * text of a bounded length. */
#include "check/check_finders.h"
#include "check/checks.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const char *const paths[] = {
        "app/.env",          "etc/passwd",      "etc/shadow",     "etc/sudoers",
        "root/.netrc",       "root/.pgpass",    "root/.npmrc",    "root/.git-credentials",
        "root/.kube/config", "root/.dockercfg", "app/server.key", "root/.docker/config.json",
};

static const struct finder *const readers[] = {&check_secrets_finder, &check_accounts_finder,
                                               &check_sudoers_finder};

static enum mu_status on_issue(void *opaque, const struct found_issue *issue, struct mu_error *err)
{
    (void)opaque;
    (void)err;
    if (!check_find(issue->check))
        abort();
    if (issue->evidence && (!mu_utf8_valid(issue->evidence, strlen(issue->evidence)) ||
                            strlen(issue->evidence) > CHECK_EVIDENCE_MAX_BYTES))
        abort();
    return MU_OK;
}

static enum mu_status on_fact(void *opaque, const char *name, const char *value,
                              struct mu_error *err)
{
    (void)opaque;
    (void)name;
    (void)err;
    if (strlen(value) > FINDER_TEXT_MAX_BYTES)
        abort();
    return MU_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct finder_sink sink = {.issue = on_issue, .fact = on_fact};
    struct finder_entry entry = {.kind = FINDER_FILE};
    struct finder_input input = {.bytes = bytes + 1, .len = len - 1};
    struct mu_error err;

    if (len == 0)
        return 0;
    input.path = entry.path = paths[bytes[0] % (sizeof(paths) / sizeof(paths[0]))];
    entry.path_len = strlen(entry.path);
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        entry.size_bytes = 100;
        if (readers[i]->wants(&entry) && readers[i]->read(&input, &sink, &err) != MU_OK)
            abort();
    }
    return 0;
}
