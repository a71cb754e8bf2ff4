#include "html/html_sections.h"

#include <stddef.h>

/*
 * What is wrong, what will be, and what to do: one line of the table for each figure that should be
 * nought. `one` and `many` follow the number.
 */
enum urgency { ACT, WATCH };

static const struct {
    enum urgency urgency;
    size_t offset;
    const char *one, *many, *fix, *where;
} statements[] = {
#define AT(member) offsetof(struct numbers, member)
        {ACT, AT(containers_in[COVERAGE_NEVER]),
         "running container comes from an image that was never scanned",
         "running containers come from images that were never scanned",
         "Scan these images or stop the containers before the submission.", "gaps"},
        {ACT, AT(containers_in[COVERAGE_EXPIRED]),
         "running container comes from an image whose scan is older than 30 days",
         "running containers come from images whose scan is older than 30 days",
         "Scan these images again; only what was scanned within 30 days may run.", "gaps"},
        {ACT, AT(containers_in[COVERAGE_FAILED]),
         "running container comes from an image whose scan failed",
         "running containers come from images whose scan failed",
         "Fix what the reason names and scan again.", "gaps"},
        {ACT, AT(containers_in[COVERAGE_UNRESOLVED]),
         "running container cannot be traced to an image",
         "running containers cannot be traced to an image",
         "Let their registries be listed, or name the image they come from.", "gaps"},
        {ACT, AT(containers_in[COVERAGE_NOT_IN_REGISTRY]),
         "running container comes from an image that the registry does not hold",
         "running containers come from images that the registry does not hold",
         "Deploy images that the production registry holds.", "gaps"},
        {ACT, AT(late_kev), "item is past its due date in the KEV catalog",
         "items are past their due dates in the KEV catalog",
         "Remediate them first: these vulnerabilities are being exploited.", "kev"},
        {ACT, AT(all.states[ITEM_LATE]), "item is late", "items are late",
         "Remediate them, or ask for the deviation that applies, with evidence.", "late"},
        {ACT, AT(configuration_differs),
         "scan ran with another configuration than the assessor validated",
         "scans ran with another configuration than the assessor validated",
         "Scan again with the validated configuration, or have the new one approved.", "evidence"},
        {ACT, AT(databases_stale), "scan used a vulnerability database over 24 hours old",
         "scans used a vulnerability database over 24 hours old",
         "Fix the update of the database and scan again.", "evidence"},
        {ACT, AT(failures_open), "detection failure is open", "detection failures are open",
         "Fix each: until then something may go unseen.", "failures"},
        {WATCH, AT(all.states[ITEM_DUE]), "item is due before the next submission",
         "items are due before the next submission", "Plan their remediation now.", "due"},
        {WATCH, AT(window_ends), "image's 30 days end before the next submission",
         "images' 30 days end before the next submission",
         "The monthly scan of these images must not be left out.", "assets"},
        {WATCH, AT(check_ins_due), "vendor must be asked again before the next submission",
         "vendors must be asked again before the next submission",
         "A vendor dependency holds for 30 days after each check-in.", "deviations"},
        {WATCH, AT(deviations_expiring), "approved deviation ends before the next submission",
         "approved deviations end before the next submission",
         "Ask for them anew, or remediate what they cover.", "deviations"},
        {WATCH, AT(deviations_pending), "deviation waits for a decision",
         "deviations wait for a decision",
         "Until it is approved the item keeps its rating and its due date.", "deviations"},
        {WATCH, AT(kev), "vulnerability known to be exploited is in production",
         "vulnerabilities known to be exploited are in production",
         "Deploy nothing new that has one (VDR-CSO-AKE).", "kev"},
        {WATCH, AT(authentication_unknown), "scan does not say whether it was authenticated",
         "scans do not say whether they were authenticated",
         "Import results that say it, or explain the scanner to the assessor.", "evidence"},
        {WATCH, AT(configuration_unknown), "scan has no checksum of its configuration",
         "scans have no checksum of their configuration",
         "Evidence of an unchanged configuration belongs to the monthly scans.", "evidence"},
        {WATCH, AT(floating), "image runs under a floating tag", "images run under floating tags",
         "Deploy under a version, so that the identifier means one image.", "assets"},
        {WATCH, AT(containers_in[COVERAGE_EXCLUDED]), "running container is excluded from scanning",
         "running containers are excluded from scanning",
         "The assessor must agree with the reason.", "gaps"},
#undef AT
};

enum { STATEMENT_COUNT = sizeof(statements) / sizeof(statements[0]) };

static int64_t value_of(const struct report *report, size_t place)
{
    return *(const int64_t *)(const void *)((const char *)report->numbers +
                                            statements[place].offset);
}

static void begin_entry(struct html *html, const char *tone, const char *word)
{
    html_put(html, "<li>");
    html_badge(html, tone, word);
    html_put(html, "<p>");
}

static void end_entry(struct html *html, const char *fix, const char *where)
{
    html_put(html, "</p><p class=\"fix\">");
    html_put(html, fix);
    if (where)
        html_putf(html, " <a href=\"#%s\">Details</a>", where);
    html_put(html, "</p></li>\n");
}

static const char *level_words(const char *level)
{
    return level[0] == 'C' ? "a Corrective Action Plan (CAP)" : "a Detailed Finding Review (DFR)";
}

static size_t put_triggers(const struct report *report, enum urgency urgency)
{
    struct html *html = report->html;
    size_t count = 0;

    for (size_t i = 0; i < TRIGGER_COUNT; i++) {
        const struct trigger_result *result = &report->numbers->triggers[i];

        if (urgency == ACT ? !result->reached_now : result->reached_now || !result->reached_next)
            continue;
        count++;
        begin_entry(html, urgency == ACT ? "bad" : "warn", urgency == ACT ? "Act now" : "Watch");
        html_putf(html, "%s: ", trigger_rules[i].title);
        put_measure(html, &trigger_rules[i], urgency == ACT ? result->now : result->next);
        html_put(html, urgency == ACT ? "" : " at the next submission if nothing is fixed");
        html_put(html, "; the limit is ");
        put_measure(html, &trigger_rules[i], result->limit);
        html_putf(html, ". Least escalation: %s.", level_words(result->level));
        end_entry(html, trigger_rules[i].advice, "triggers");
    }
    return count;
}

static size_t put_statements(const struct report *report, enum urgency urgency)
{
    struct html *html = report->html;
    size_t count = 0;

    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        const int64_t value = value_of(report, i);

        if (statements[i].urgency != urgency || value <= 0)
            continue;
        count++;
        begin_entry(html, urgency == ACT ? "bad" : "warn", urgency == ACT ? "Act now" : "Watch");
        html_number(html, value);
        html_putf(html, " %s.", value == 1 ? statements[i].one : statements[i].many);
        end_entry(html, statements[i].fix, statements[i].where);
    }
    return count;
}

static size_t count_of(const struct report *report, enum urgency urgency)
{
    size_t count = 0;

    for (size_t i = 0; i < TRIGGER_COUNT; i++) {
        const struct trigger_result *result = &report->numbers->triggers[i];

        count +=
                urgency == ACT ? result->reached_now : !result->reached_now && result->reached_next;
    }
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        count += statements[i].urgency == urgency && value_of(report, i) > 0;
    return count;
}

static void put_good(const struct report *report)
{
    const struct numbers *numbers = report->numbers;
    struct html *html = report->html;

    if (numbers->containers > 0 &&
        numbers->containers_in[COVERAGE_COVERED] == numbers->containers) {
        begin_entry(html, "good", "In order");
        html_put(html, numbers->containers == 1 ? "The only running container comes" : "All ");
        if (numbers->containers > 1) {
            html_number(html, numbers->containers);
            html_put(html, " running containers come");
        }
        html_put(html, " from an image scanned within 30 days.");
        end_entry(html, "Proved by the raw scans in this package.", "evidence");
    }
    if (numbers->all.states[ITEM_LATE] == 0) {
        begin_entry(html, "good", "In order");
        html_put(html, "No item is late.");
        end_entry(html, "By the clocks of 30, 90 and 180 days and by KEV.", NULL);
    }
}

static void put_unknown(const struct report *report)
{
    struct html *html = report->html;

    if (report->numbers->baseline == NUMBERS_UNKNOWN) {
        begin_entry(html, "calm", "Not known");
        html_put(html, "The number of unique vulnerabilities at authorization was not stated.");
        end_entry(html, "Put unique_vulnerability_baseline into the system file.", NULL);
    }
    if (report->numbers->configuration_differs == NUMBERS_UNKNOWN) {
        begin_entry(html, "calm", "Not known");
        html_put(html, "The scanner configuration that the assessor validated was not stated.");
        end_entry(html, "Put configuration_checksum into the system file.", NULL);
    }
}

enum mu_status section_verdict(const struct report *report, struct mu_error *err)
{
    const size_t act = count_of(report, ACT), watch = count_of(report, WATCH);
    struct html *html = report->html;

    (void)err;
    if (act > 0)
        html_putf(html, "<p class=\"verdict bad\">%zu %s now%s</p>\n", act,
                  act == 1 ? "thing needs action" : "things need action",
                  watch > 0 ? ", and more will before the next submission." : ".");
    else if (watch > 0)
        html_putf(html,
                  "<p class=\"verdict warn\">Nothing is overdue. %zu %s attention before the next "
                  "submission.</p>\n",
                  watch, watch == 1 ? "thing needs" : "things need");
    else
        html_put(html, "<p class=\"verdict good\">Nothing that this package can tell needs "
                       "action.</p>\n");
    html_put(html, "<ul class=\"todo\">\n");
    (void)put_triggers(report, ACT);
    (void)put_statements(report, ACT);
    (void)put_triggers(report, WATCH);
    (void)put_statements(report, WATCH);
    put_good(report);
    put_unknown(report);
    html_put(html, "</ul>\n");
    return MU_OK;
}
