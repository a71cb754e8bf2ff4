#include "app/completeness_print.h"

#include "base/table.h"
#include "base/text.h"

#include <stdio.h>

enum { NAMED_MAX = 20 }; /* for people; --format json has all that were kept */

static void print_checks(const struct completeness *completeness, FILE *out)
{
    static const char *const columns[] = {"severity", "check", "count", "rule"};
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 4);
    char count[MU_NUMBER_TEXT_SIZE];

    for (int id = 0; id < COMPLETENESS_CHECKS; id++) {
        const struct completeness_check *check = &completeness_checks[id];
        const struct completeness_result *found =
                completeness_of(completeness, (enum completeness_id)id);

        if (found->count == 0)
            continue;
        (void)mu_text_of_number((int64_t)found->count, count);
        mu_table_row(table, (const char *const[]){completeness_severity_name(check->severity),
                                                  check->name, count, check->rule});
    }
    if (mu_table_row_count(table) > 0)
        mu_table_print(table, MU_FORMAT_TEXT, 0, out);
}

static void print_subjects(const struct completeness_result *found, FILE *out)
{
    static const char *const columns[] = {"subject", "says"};
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 2);
    const size_t named = found->named < NAMED_MAX ? found->named : NAMED_MAX;

    for (size_t i = 0; i < named; i++)
        mu_table_row(table,
                     (const char *const[]){found->subjects[i].subject, found->subjects[i].says});
    mu_table_print(table, MU_FORMAT_TEXT, 0, out);
    if (found->count > named)
        (void)fprintf(out, "... and %zu more; --format json names up to %d\n", found->count - named,
                      COMPLETENESS_MAX_SUBJECTS);
}

void completeness_print(const struct completeness *completeness, FILE *out)
{
    print_checks(completeness, out);
    for (int id = 0; id < COMPLETENESS_CHECKS; id++) {
        const struct completeness_check *check = &completeness_checks[id];
        const struct completeness_result *found =
                completeness_of(completeness, (enum completeness_id)id);

        if (found->count == 0)
            continue;
        (void)fprintf(out, "\n%s (%s)\nFix: %s.\n", check->name,
                      completeness_severity_name(check->severity), check->fix);
        print_subjects(found, out);
    }
}

json_t *completeness_to_json(const struct completeness *completeness)
{
    json_t *checks = json_array();

    for (int id = 0; id < COMPLETENESS_CHECKS; id++) {
        const struct completeness_check *check = &completeness_checks[id];
        const struct completeness_result *found =
                completeness_of(completeness, (enum completeness_id)id);
        json_t *subjects;

        if (found->count == 0)
            continue;
        subjects = json_array();
        for (size_t i = 0; i < found->named; i++)
            (void)json_array_append_new(subjects, json_pack("{s:s, s:s}", "subject",
                                                            found->subjects[i].subject, "says",
                                                            found->subjects[i].says));
        (void)json_array_append_new(
                checks, json_pack("{s:s, s:s, s:I, s:s, s:s, s:o}", "check", check->name,
                                  "severity", completeness_severity_name(check->severity), "count",
                                  (json_int_t)found->count, "rule", check->rule, "fix", check->fix,
                                  "subjects", subjects));
    }
    return checks;
}
