/*
 * cve_feeds: what feeds say of CVEs themselves: KEV, EPSS, CVSS, SSVC.
 *
 * Sources: CISA known_exploited_vulnerabilities.json; FIRST epss_scores CSV; CVSS and SSVC as lines
 * of JSON {id, metrics: [{src, type, vector, score}], ssvc} or CSV "cve,cvss3_base"; CVE records
 * 5.x; NVD's feeds 2.0 {vulnerabilities: [{cve}]}.
 * Trust: outside bytes, one entry at a time, bounded.
 */
#ifndef SCANNER_DATABASE_CVE_FEEDS_H
#define SCANNER_DATABASE_CVE_FEEDS_H

#include "database/builder.h"

enum { CVE_ENTRY_MAX_BYTES = 4 * 1024 * 1024, CVE_LINE_MAX_BYTES = 1024 * 1024 };

/* Each takes one entry. `ret_at_us`: when it was made or changed, MU_TIME_NONE: not said.
 * Errors: MU_E_INVALID, MU_E_LIMIT. */
typedef enum mu_status cve_entry_fn(struct builder *builder, const char *bytes, size_t len,
                                    int64_t *ret_at_us, struct mu_error *err);

cve_entry_fn kev_add_entry; /* an element of "vulnerabilities" */
cve_entry_fn epss_add_line; /* "cve,epss,percentile"; the comment and the heading give nothing */
cve_entry_fn cvss_add_json_line; /* {"id":"CVE-..","metrics":[..]} */
cve_entry_fn cvss_add_csv_line;  /* "CVE-..,9.8" */
cve_entry_fn cve_record_add;     /* a CVE record 5.x */
cve_entry_fn nvd_add_entry;      /* an element of "vulnerabilities" */

#endif
