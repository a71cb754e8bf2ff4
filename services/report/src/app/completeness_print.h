/* completeness_print: what a completeness check found, for people and for programs. */
#ifndef REPORT_APP_COMPLETENESS_PRINT_H
#define REPORT_APP_COMPLETENESS_PRINT_H

#include "completeness/completeness.h"
#include "json/json_doc.h"

/* Tables that fit the terminal: the checks, then the things each found. */
void completeness_print(const struct completeness *completeness, FILE *out);
/* An array of {check, severity, count, rule, fix, subjects: [{subject, says}]}; a new reference. */
json_t *completeness_to_json(const struct completeness *completeness);

#endif
