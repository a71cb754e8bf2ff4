#include "html/html_report.h"

#include "html/html_sections.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>

#ifndef MU_VERSION
#    define MU_VERSION "0.0.0"
#endif

static const struct {
    const char *id, *heading, *in_contents;
    section_fn *write;
} sections[] = {
        {"verdict", "Verdict", "Verdict", section_verdict},
        {"triggers", "Escalation triggers", "Escalation triggers", section_triggers},
        {"month", "The month in numbers", "The month in numbers", section_overview},
        {"late", "Late items", "Late items", section_late},
        {"due", "Due before the next submission", "Due before the next submission", section_due},
        {"kev", "Known exploited vulnerabilities in production", "Known exploited (KEV)",
         section_kev},
        {"other", "Other open items", "Other open items", section_other},
        {"deviations", "Deviations and accepted vulnerabilities", "Deviations", section_deviations},
        {"closed", "Closed in this month", "Closed in this month", section_closed},
        {"gaps", "Coverage gaps", "Coverage gaps", section_gaps},
        {"assets", "Assets in production", "Assets", section_assets},
        {"failures", "Detection failures", "Detection failures", section_failures},
        {"evidence", "Evidence", "Evidence", section_evidence},
        {"method", "Method and sources", "Method and sources", section_method},
        {"glossary", "Glossary", "Glossary", section_glossary},
};

enum { SECTION_COUNT = sizeof(sections) / sizeof(sections[0]) };

static void put_fact(struct html *html, const char *name, const char *value)
{
    html_putf(html, "<div><dt>%s</dt><dd>", name);
    html_text(html, value && *value ? value : "not stated");
    html_put(html, "</dd></div>\n");
}

static void put_instant(struct html *html, const char *name, int64_t at_us)
{
    enum { SECONDS_BYTES = 19, DAY_BYTES = 10 };
    char time[MU_TIME_TEXT_SIZE];

    mu_time_format(at_us, time);
    html_putf(html, "<div><dt>%s</dt><dd><time datetime=\"%s\">%.*s %.*s UTC</time></dd></div>\n",
              name, time, DAY_BYTES, time, SECONDS_BYTES - DAY_BYTES - 1, time + DAY_BYTES + 1);
}

static void put_header(const struct report *report)
{
    const struct system_file *system = report->request->system;
    struct html *html = report->html;

    html_put(html, "<header>\n<p class=\"kind\">FedRAMP continuous monitoring: vulnerability "
                   "activity and container inventory</p>\n<h1>");
    html_text(html, system->name);
    html_put(html, ", ");
    html_text(html, report->numbers->month);
    html_put(html, "</h1>\n<dl class=\"facts\">\n");
    put_fact(html, "FedRAMP ID", system->fedramp_id);
    put_fact(html, "Cloud service provider", *system->provider ? system->provider : system->name);
    put_fact(html, "Cloud service offering", *system->offering ? system->offering : system->name);
    put_fact(html, "Impact level", system->impact_level);
    put_fact(html, "Certification class", system->certification_class);
    put_fact(html, "Point of contact", system->point_of_contact);
    put_instant(html, "As of", report->numbers->as_of_us);
    put_instant(html, "Known at", report->numbers->known_at_us);
    put_instant(html, "Next submission, as of", report->numbers->next_us);
    html_put(html, "</dl>\n</header>\n");
}

static void put_contents(struct html *html)
{
    html_put(html, "<nav aria-label=\"Contents\">\n<h2>Contents</h2>\n<ol>\n");
    for (size_t i = 0; i < SECTION_COUNT; i++)
        html_putf(html, "<li><a href=\"#%s\">%s</a></li>\n", sections[i].id,
                  sections[i].in_contents);
    html_put(html, "</ol>\n</nav>\n");
}

static void put_footer(const struct report *report)
{
    struct html *html = report->html;

    html_put(html, "<footer>\n<p>Written by muster-report " MU_VERSION
                   " from one frozen snapshot. The same numbers for programs: <code>");
    html_text(html, report->request->files.numbers);
    html_put(html, "</code>. Every file of this package with its SHA-256: <code>");
    html_text(html, report->request->files.manifest);
    html_put(html, "</code>.</p>\n</footer>\n");
}

static enum mu_status put_report(const struct report *report, struct mu_error *err)
{
    struct html *html = report->html;
    char title[512];
    enum mu_status st = MU_OK;

    (void)snprintf(title, sizeof(title), "%.400s, %s: monthly vulnerability and inventory report",
                   report->request->system->name, report->numbers->month);
    html_page_begin(html, title);
    put_header(report);
    put_contents(html);
    html_put(html, "<main>\n");
    for (size_t i = 0; st == MU_OK && i < SECTION_COUNT; i++) {
        html_section(html, sections[i].id, sections[i].heading);
        st = sections[i].write(report, err);
        html_section_end(html);
    }
    html_put(html, "</main>\n");
    put_footer(report);
    html_page_end(html);
    return st;
}

enum mu_status html_report_write(const struct html_report_request *request, const char *path,
                                 struct mu_error *err)
{
    MU_AUTO_DONE(html_done) struct html html = {NULL, path};
    const struct report report = {&html, request, request->numbers};
    enum mu_status st = html_open(path, &html, err);

    if (st == MU_OK)
        st = put_report(&report, err);
    return st == MU_OK ? html_close(&html, err) : st;
}

/* ---- words ---- */

const struct coverage_words coverage_words[COVERAGE_COUNT] = {
        [COVERAGE_COVERED] = {"covered", ""},
        [COVERAGE_EXPIRED] = {"scan older than 30 days",
                              "Scan the image again; find out why no scan came within 30 days."},
        [COVERAGE_FAILED] = {"scan failed",
                             "Fix what the reason names and scan again; the failure is a detection "
                             "failure until then."},
        [COVERAGE_NEVER] = {"never scanned",
                            "Scan the image now, and let the gate refuse images without a scan."},
        [COVERAGE_UNRESOLVED] = {"not resolved to an image",
                                 "Let the registry that it came from be listed or send events, so "
                                 "that its digest is known."},
        [COVERAGE_NOT_IN_REGISTRY] = {"not in the registry",
                                      "Deploy an image that the production registry holds, or put "
                                      "this one back."},
        [COVERAGE_EXCLUDED] = {"excluded with a reason",
                               "Nothing, as long as the reason holds and the assessor agrees."},
};

enum coverage_state coverage_of_name(const char *state)
{
    for (size_t i = 0; i < COVERAGE_COUNT; i++)
        if (mu_text_equal(coverage_names[i], state))
            return (enum coverage_state)i;
    return COVERAGE_UNRESOLVED;
}

void put_words(struct html *html, const char *code)
{
    enum { WORDS_BYTES = 64 };
    char words[WORDS_BYTES];

    if (!code)
        return;
    (void)snprintf(words, sizeof(words), "%s", code);
    for (char *at = words; *at; at++)
        if (*at == '_')
            *at = ' ';
    html_text(html, words);
}

void put_measure(struct html *html, const struct trigger_rule *rule, int64_t value)
{
    enum { TENTHS = 10 };

    if (rule->measure == MEASURE_UNAUTHENTICATED && value >= 0) {
        html_putf(html, "%lld.%lld %%", (long long)value / TENTHS, (long long)value % TENTHS);
        return;
    }
    html_number(html, value);
    if (value >= 0)
        html_putf(html, " %s", rule->unit);
}

void put_rating(struct html *html, enum rating rating)
{
    static const char *const tones[RATING_COUNT] = {
            [RATING_CRITICAL] = "bad",  [RATING_HIGH] = "bad", [RATING_UNKNOWN] = "bad",
            [RATING_MODERATE] = "warn", [RATING_LOW] = "calm", [RATING_NEGLIGIBLE] = "calm"};
    static const char *const words[RATING_COUNT] = {
            [RATING_CRITICAL] = "Critical", [RATING_HIGH] = "High",
            [RATING_UNKNOWN] = "Not rated", [RATING_MODERATE] = "Moderate",
            [RATING_LOW] = "Low",           [RATING_NEGLIGIBLE] = "Negligible"};

    if (rating < RATING_COUNT)
        html_badge(html, tones[rating], words[rating]);
}
