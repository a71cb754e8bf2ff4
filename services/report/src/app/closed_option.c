#include "app/closed_option.h"

#include "base/clock.h"
#include "base/config.h"
#include "base/text.h"
#include "bundle/evidence.h"

#include <stdio.h>
#include <string.h>

enum { MONTH_LEN = 7, MONTH_SIZE };

static enum mu_status parse(const char *option, const char *text, char ret_month[MONTH_SIZE],
                            int64_t *ret_revision, struct mu_error *err)
{
    int64_t begin_us, end_us;
    uint64_t revision = 0;

    (void)snprintf(ret_month, MONTH_SIZE, "%.*s", (int)MONTH_LEN, text);
    if (mu_month_parse(ret_month, &begin_us, &end_us, err) != MU_OK)
        return mu_wrap(err, "--%s", option);
    text += strlen(ret_month);
    if (*text && (!mu_text_starts(text, "-r") ||
                  mu_text_to_u64(text + strlen("-r"), "revision", &revision, err) != MU_OK ||
                  revision == 0 || revision > CLOSE_REVISION_MAX))
        return mu_fail(err, MU_E_INVALID,
                       "--%s: a month as 2026-10, or one of its revisions as 2026-10-r1", option);
    *ret_revision = (int64_t)revision;
    return MU_OK;
}

enum mu_status closed_option_load(const struct month_store *store, const char *option,
                                  const char *text, struct closed_month **ret_month,
                                  struct mu_error *err)
{
    char month[MONTH_SIZE];
    int64_t revision = 0;
    enum mu_status st = parse(option, text, month, &revision, err);

    if (st != MU_OK)
        return st;
    st = month_store_load(store, month, revision, ret_month, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "--%s", option);
}

enum mu_status closed_raw_scan_path(const void *closed_month, const char *digest, char *ret_path,
                                    size_t size, struct mu_error *err)
{
    const struct closed_month *month = closed_month;
    char path[EVIDENCE_PATH_SIZE];
    enum mu_status st = evidence_shelf_path(month->evidence, digest, path, err);

    if (st == MU_OK && snprintf(ret_path, size, "%s", path) >= (int)size)
        st = mu_fail(err, MU_E_LIMIT, "path '%.200s' is too long", path);
    return st;
}

int closed_exit_code(enum mu_status status)
{
    return status == MU_E_NOT_FOUND || status == MU_E_INVALID ? MU_EXIT_USAGE : MU_EXIT_FAILURE;
}
