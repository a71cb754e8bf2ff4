/* html_sections: the sections of the report, each a function of its own. Internal to src/html. */
#ifndef REPORT_HTML_SECTIONS_H
#define REPORT_HTML_SECTIONS_H

#include "html/html_page.h"
#include "html/html_report.h"

struct report {
    struct html *html;
    const struct html_report_request *request;
    const struct numbers *numbers;
};

typedef enum mu_status section_fn(const struct report *report, struct mu_error *err);

section_fn section_verdict, section_triggers, section_overview;
section_fn section_late, section_due, section_other, section_kev, section_closed;
section_fn section_deviations;
section_fn section_gaps, section_assets, section_failures, section_evidence;
section_fn section_method, section_glossary;

/* The words of a coverage state, and what mends it. */
struct coverage_words {
    const char *words, *fix;
};
extern const struct coverage_words coverage_words[COVERAGE_COUNT];
enum coverage_state coverage_of_name(const char *state);

/* A code of ours as words: "operational_requirement" gives "operational requirement". */
void put_words(struct html *html, const char *code);
/* "7 items", "12.5 % of the raw scans". */
void put_measure(struct html *html, const struct trigger_rule *rule, int64_t value);
void put_rating(struct html *html, enum rating rating);

#endif
