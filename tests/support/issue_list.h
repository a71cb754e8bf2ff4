/*
 * issue_list: a sink of finders that keeps what it is told, as lines of text:
 * "MUSTER-IMG-0001 LINE EVIDENCE". Packages and owners fail the test.
 */
#ifndef TESTS_SUPPORT_ISSUE_LIST_H
#define TESTS_SUPPORT_ISSUE_LIST_H

#include "base/buf.h"
#include "package/finder.h"

#include <stdio.h>
#include <string.h>

struct issue_list {
    struct mu_buf lines, facts;
    unsigned count;
    enum mu_status refuse; /* what the sink answers instead */
    struct finder_sink sink;
};

static enum mu_status issue_list_take(void *opaque, const struct found_issue *issue,
                                      struct mu_error *err)
{
    struct issue_list *list = opaque;

    if (list->refuse != MU_OK)
        return mu_fail(err, list->refuse, "refused");
    list->count++;
    mu_buf_printf(&list->lines, "%s %u %s\n", issue->check + strlen("MUSTER-IMG-"), issue->line,
                  issue->evidence ? issue->evidence : "-");
    return MU_OK;
}

static enum mu_status issue_list_fact(void *opaque, const char *name, const char *value,
                                      struct mu_error *err)
{
    struct issue_list *list = opaque;

    (void)err;
    mu_buf_printf(&list->facts, "%s=%s", name, value);
    return MU_OK;
}

static void issue_list_start(struct issue_list *list)
{
    *list = (struct issue_list){.refuse = MU_OK};
    list->sink =
            (struct finder_sink){.opaque = list, .issue = issue_list_take, .fact = issue_list_fact};
    mu_buf_init(&list->lines, (size_t)1 << 24);
    mu_buf_init(&list->facts, 1 << 16);
}

static void issue_list_done(struct issue_list *list)
{
    mu_buf_done(&list->lines);
    mu_buf_done(&list->facts);
}

#endif
