#include "poam/poam_form.h"

#include <stdio.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char text_field[] = "Text Field", date_field[] = "Date", drop_down[] = "Drop-down";

/* `privileges`: the dictionary spells it wrongly, and so it stands there. */
#define DR_COLUMN_LIST(privileges)                                                                \
    {                                                                                             \
        [DR_NUMBER] = {"DR Number", 16.33, FORM_TEXT, NULL, text_field},                          \
        [DR_POAM_ID] = {"POA&M ID", 16.33, FORM_TEXT, NULL, text_field},                          \
        [DR_SCAN_ID] = {"Scan ID", 15.0, FORM_TEXT, NULL, text_field},                            \
        [DR_CVE] = {"CVE", 15.0, FORM_TEXT, NULL, text_field},                                    \
        [DR_ASSETS] = {"Assets Impacted", 22.0, FORM_TEXT, NULL, text_field},                     \
        [DR_NAME] = {"Vulnerability Name", 15.0, FORM_TEXT, NULL, text_field},                    \
        [DR_SOURCE] = {"Vulnerability Source", 15.0, FORM_TEXT, NULL, text_field},                \
        [DR_INITIAL_RATING] = {"Initial Risk Rating", 15.0, FORM_TEXT, "High,Moderate,Low",       \
                               drop_down},                                                        \
        [DR_CVSS] = {"CVSS Base Score", 15.0, FORM_TEXT, NULL, text_field},                       \
        [DR_DETECTED] = {"Original Detection Date", 15.0, FORM_DATE, NULL, date_field},           \
        [DR_DESCRIPTION] = {"Tool-Provided Vulnerability Description", 16.66, FORM_TEXT, NULL,    \
                            text_field},                                                          \
        [DR_ACTION] = {"Tool-Provided Recommeded Action", 16.66, FORM_TEXT, NULL, text_field},    \
        [DR_CSP_INFORMATION] = {"CSP-Provided Vulnerability Information (Optional)", 16.66,       \
                                FORM_TEXT, NULL, text_field},                                     \
        [DR_TYPE] = {"Type of DR", 15.0, FORM_TEXT, "FP,OR,OR RA,RA", drop_down},                 \
        [DR_REQUESTED_RATING] = {"Requested Risk Rating/Impact ", 16.66, FORM_TEXT,               \
                                 "High,Moderate,Low", drop_down},                                 \
        [DR_ADJUSTED_CVSS] = {"Adjusted CVSS Score", 16.66, FORM_TEXT, NULL, text_field},         \
        [DR_SUBMITTED] = {"DR Submission Date", 16.66, FORM_DATE, NULL, date_field},              \
        [DR_RATIONALE] = {"DR Rationale", 20.83, FORM_TEXT, NULL, text_field},                    \
        [DR_EVIDENCE] = {"Evidence Description", 20.83, FORM_TEXT, NULL, text_field},             \
        [DR_ATTACHMENTS] = {"List of Evidence Attachments", 20.83, FORM_TEXT, NULL, text_field},  \
        {"Operational Impact\nStatement", 22.33, FORM_BLANK, NULL, text_field},                   \
        {"Justification", 22.33, FORM_BLANK, NULL, text_field},                                   \
        {"List of Operational\nRequirement Attachments", 22.33, FORM_BLANK, NULL, text_field},    \
        {"Attack Vector", 15.0, FORM_BLANK,                                                       \
         "Not Defined (MAV:X),Network (MAV:N),Adjacent (MAV:A),Local (MAV:L),Physical (MAV:P)",   \
         drop_down},                                                                              \
        {"Attack Vector Explanation", 20.83, FORM_BLANK, NULL, text_field},                       \
        {"Attack Complexity", 15.0, FORM_BLANK, "Not Defined (MAC:X),Low (MAC:L),High (MAC:H)",   \
         drop_down},                                                                              \
        {"Attack Complexity Explanation", 20.83, FORM_BLANK, NULL, text_field},                   \
        {privileges, 15.0, FORM_BLANK,                                                            \
         "Not Defined (MPR:X),None (MPR:N),Low (MPR:L),High (MPR:H)", drop_down},                 \
        {privileges " Explanation", 20.83, FORM_BLANK, NULL, text_field},                         \
        {"User Interaction", 16.66, FORM_BLANK,                                                   \
         "Not Defined (MUI:X),None (MUI:N),Required (MUI:R)", drop_down},                         \
        {"User Interaction Explanation", 16.66, FORM_BLANK, NULL, text_field},                    \
        {"Impact Metrics: Confidentiality", 16.66, FORM_BLANK,                                    \
         "None (MC:N),Low (MC:L),High (MC:H)", drop_down},                                        \
        {"Impact Metrics: Confidentiality Explanation", 20.83, FORM_BLANK, NULL, text_field},     \
        {"Impact Metrics: Integrity", 16.66, FORM_BLANK, "None (MI:N),Low (MI:L),High (MI:H)",    \
         drop_down},                                                                              \
        {"Impact Metrics: Integrity Explanation", 20.83, FORM_BLANK, NULL, text_field},           \
        {"Impact Metrics: Availability", 16.66, FORM_BLANK, "None (MA:N),Low (MA:L),High (MA:H)", \
         drop_down},                                                                              \
        {"Impact Metrics: Availability Explanation", 16.66, FORM_BLANK, NULL, text_field},        \
        {"Remediation Level", 15.0, FORM_BLANK,                                                   \
         "Offical Fix,Temporary Fix,Workaround,Unavailable", drop_down},                          \
        {"Remediation Level Explanation", 20.83, FORM_BLANK, NULL, text_field},                   \
        {"List of Risk Reduction", 15.0, FORM_BLANK, NULL, text_field},                           \
        {"", 20.83, FORM_BLANK, NULL, NULL},                                                      \
        {"Deviation Status", 15.0, FORM_BLANK, "Pending,N/A,Approved,Rejected,Withdrawn",         \
         drop_down},                                                                              \
        {"Date Submitted to JAB TRs", 15.0, FORM_BLANK, NULL, NULL},                              \
        {"GSA Review \nStatus", 15.0, FORM_BLANK, "Approved,Rejected,Pending", drop_down},        \
        {"GSA Reviewer\nName", 15.0, FORM_BLANK, NULL, NULL},                                     \
        {"GSA Status Date", 15.0, FORM_BLANK, NULL, NULL},                                        \
        {"GSA Comments", 20.83, FORM_BLANK, NULL, NULL},                                          \
        {"DOD Review \nStatus", 15.0, FORM_BLANK, "Approved,Rejected,Pending", drop_down},        \
        {"DOD Reviewer\nName", 15.0, FORM_BLANK, NULL, NULL},                                     \
        {"DOD Status Date", 15.0, FORM_BLANK, NULL, NULL},                                        \
        {"DOD Comments", 20.83, FORM_BLANK, NULL, NULL},                                          \
        {"DHS Review \nStatus", 15.0, FORM_BLANK, "Approved,Rejected,Pending", drop_down},        \
        {"DHS Reviewer\nName", 15.0, FORM_BLANK, NULL, NULL},                                     \
        {"DHS Status Date", 15.0, FORM_BLANK, NULL, NULL},                                        \
        {"DHS Comments", 20.83, FORM_BLANK, NULL, NULL},                                          \
        {"CSP Comments", 20.83, FORM_BLANK, NULL, NULL},                                          \
        {"3PAO Comments", 20.83, FORM_BLANK, NULL, NULL},                                         \
    }

static const struct form_column dr_columns[DR_COLUMNS] = DR_COLUMN_LIST("Privileges Required");
static const struct form_column dictionary_columns[DR_COLUMNS] =
        DR_COLUMN_LIST("Privleges Required");

/* Group headers; the one that reaches into the next row is the last of its own. */
static const struct form_fixed dr_fixed[] = {
        {0, 0, 4, "FedRAMP DR Request Form", true, 0},
        {4, 0, 4, "CSP Primary POC ", true, 0},
        {8, 1, 12, "Vulnerability Information (Include only one POA&M item per row.)", true, 0},
        {8, 13, 17, "Deviation Request Summary", true, 0},
        {8, 18, 19, "Additional Information: False Positive", true, 0},
        {8, 20, 22, "Additional Information: Operational Requirement", true, 0},
        {8, 23, 39, "Additional Information: Risk Reduction", true, 0},
        {8, 41, 56, "JAB/PMO Use Only", true, 0},
        {8, 40, 40, "Additional Information", true, 1},
};
static const struct form_column change_columns[] = {
        {"Date", 15, FORM_DATE, NULL, NULL},
        {"Description", 66, FORM_TEXT, NULL, NULL},
        {"Version", 12, FORM_TEXT, NULL, NULL},
        {"Author", 16, FORM_TEXT, NULL, NULL},
};
static const struct form_fixed change_title[] = {
        {0, 0, 3, "Record of Changes for Template", true, 0}};

void dr_form_fields(struct form_field ret_fields[DR_FIELDS])
{
    static const struct form_field fields[DR_FIELDS] = {
            [DR_FIELD_CSP] = {1, 0, "CSP Name", {FORM_BLANK, NULL, 0}, 0},
            [DR_FIELD_SYSTEM] = {1, 1, "System Name", {FORM_BLANK, NULL, 0}, 0},
            [DR_FIELD_IMPACT] = {1, 2, "Impact Level", {FORM_BLANK, NULL, 0}, 3},
            [DR_FIELD_DATE] = {1, 4, "DR Submission Date", {FORM_BLANK, NULL, 0}, 0},
            [DR_FIELD_NAME] = {5, 0, "Name", {FORM_BLANK, NULL, 0}, 0},
            [DR_FIELD_TITLE] = {5, 1, "Title", {FORM_BLANK, NULL, 0}, 0},
            [DR_FIELD_PHONE] = {5, 2, "Phone", {FORM_BLANK, NULL, 0}, 0},
            [DR_FIELD_EMAIL] = {5, 3, "Email", {FORM_BLANK, NULL, 0}, 4}};

    for (size_t i = 0; i < DR_FIELDS; i++)
        ret_fields[i] = fields[i];
}

/* The words of the drop-downs below their headers. */
static enum mu_status dictionary_next(void *opaque, struct form_cell *cells, bool *ret_found,
                                      struct mu_error *err)
{
    struct dr_dictionary *dictionary = opaque;
    size_t used = 0;

    (void)err;
    *ret_found = false;
    for (size_t i = 0; i < DR_COLUMNS; i++) {
        const char *word = dictionary_columns[i].choices;

        for (size_t row = 0; word && row < dictionary->row; row++) {
            word = strchr(word, ',');
            word = word ? word + 1 : NULL;
        }
        if (!word || used + strcspn(word, ",") + 1 > sizeof(dictionary->words))
            continue;
        cells[i] = (struct form_cell){FORM_TEXT, dictionary->words + used, 0};
        (void)snprintf(dictionary->words + used, sizeof(dictionary->words) - used, "%.*s",
                       (int)strcspn(word, ","), word);
        used += strcspn(word, ",") + 1;
        *ret_found = true;
    }
    dictionary->row++;
    return MU_OK;
}

void dr_form_make(struct form_field fields[DR_FIELDS], form_next_fn *next, void *reader,
                  struct dr_dictionary *dictionary, int64_t as_of_us, struct form *ret_form)
{
    *ret_form = (struct form){.title = "FedRAMP Vulnerability Deviation Request Form",
                              .as_of_us = as_of_us,
                              .sheet_count = 3,
                              .sheets = {{.name = "DR Sheet",
                                          .fixed = dr_fixed,
                                          .fixed_count = COUNT_OF(dr_fixed),
                                          .fields = fields,
                                          .field_count = DR_FIELDS,
                                          .columns = dr_columns,
                                          .column_count = DR_COLUMNS,
                                          .header_row = 9,
                                          .data_row = 11,
                                          .zebra = true,
                                          .has_examples = true,
                                          .next = next,
                                          .opaque = reader},
                                         {.name = "Data Dictionary - Do Not Remove",
                                          .columns = dictionary_columns,
                                          .column_count = DR_COLUMNS,
                                          .header_row = 0,
                                          .data_row = 2,
                                          .is_own = true,
                                          .next = dictionary_next,
                                          .opaque = dictionary},
                                         {.name = "Record of Changes",
                                          .fixed = change_title,
                                          .fixed_count = COUNT_OF(change_title),
                                          .columns = change_columns,
                                          .column_count = COUNT_OF(change_columns),
                                          .header_row = 1,
                                          .data_row = 2}}};
}
