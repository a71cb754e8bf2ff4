/*
 * report: the verdict on one image for a pipeline: text, JSON, SARIF 2.1.0 (OASIS), JUnit XML (as
 * Jenkins and GitLab read it), and the facts of an audit record.
 */
#ifndef INVENTORY_POLICY_REPORT_H
#define INVENTORY_POLICY_REPORT_H

#include "policy/assess.h"

struct report {
    const char *image; /* as it was asked for */
    const struct policy *policy;
    const struct assessment *assessment;
    int64_t at_us;
    const char *decision_id; /* of the audit record; "": none was made */
    bool only_looked;        /* no scan was asked for */
};

typedef enum mu_status report_fn(const struct report *report, struct mu_buf *out,
                                 struct mu_error *err);

struct report_format {
    const char *name, *media_type;
    report_fn *write;
};

/* The first is what the API gives when nothing is asked for. */
enum { REPORT_FORMAT_COUNT = 4, REPORT_MAX_BYTES = 64 * 1024 * 1024 };
extern const struct report_format report_formats[REPORT_FORMAT_COUNT];

/* NULL when there is no such format. */
const struct report_format *report_format(const char *name);

/* What was judged, as JSON. Errors: MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status report_facts(const struct report *report, struct mu_buf *out,
                            struct mu_error *err) MU_MUST_CHECK;

#endif
