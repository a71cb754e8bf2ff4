#include "poam/poam_form.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char yes_no[] = "Yes,No";
static const char answers[] = "Yes,No,Pending";
static const char ratings[] = "Low,Moderate,High";
static const char adjusted_ratings[] = "Low,Moderate,High,N/A";
static const char must[] = "Mandatory", may[] = "Situational";

/* `plan`: the sheets call the same column differently. */
#define POAM_COLUMN_LIST(plan)                                                                    \
    {                                                                                             \
        [POAM_ID] = {"POAM ID", 22, FORM_TEXT, NULL, must},                                       \
        [POAM_CONTROLS] = {"Controls", 20.88, FORM_TEXT, NULL, must},                             \
        [POAM_NAME] = {"Weakness Name", 20.88, FORM_TEXT, NULL, must},                            \
        [POAM_DESCRIPTION] = {"Weakness Description", 20.88, FORM_TEXT, NULL, must},              \
        [POAM_DETECTOR] = {"Weakness Detector Source", 20.88, FORM_TEXT, NULL, must},             \
        [POAM_SOURCE_ID] = {"Weakness Source Identifier", 20.88, FORM_TEXT, NULL, may},           \
        [POAM_ASSETS] = {"Asset Identifier", 20.88, FORM_TEXT, NULL, must},                       \
        [POAM_CONTACT] = {"Point of Contact", 20.88, FORM_TEXT, NULL, must},                      \
        [POAM_RESOURCES] = {"Resources Required", 20.88, FORM_TEXT, NULL, may},                   \
        [POAM_PLAN] = {plan, 20.88, FORM_TEXT, NULL, must},                                       \
        [POAM_DETECTED] = {"Original Detection Date", 20.88, FORM_DATE, NULL, must},              \
        [POAM_DUE] = {"Scheduled Completion Date", 20.88, FORM_DUE, NULL, must},                  \
        [POAM_STATUS_DATE] = {"Status Date", 20.88, FORM_DATE, NULL, must},                       \
        [POAM_VENDOR_DEPENDENCY] = {"Vendor Dependency", 20.88, FORM_TEXT, yes_no, must},         \
        [POAM_CHECKED_IN] = {"Last Vendor Check-in Date", 20.88, FORM_DATE, NULL, may},           \
        [POAM_PRODUCT] = {"Vendor Dependent Product Name", 20.88, FORM_TEXT, NULL, may},          \
        [POAM_ORIGINAL] = {"Original Risk Rating", 20.88, FORM_TEXT, ratings, must},              \
        [POAM_ADJUSTED] = {"Adjusted Risk Rating", 20.88, FORM_TEXT, adjusted_ratings, may},      \
        [POAM_RISK_ADJUSTMENT] = {"Risk Adjustment", 20.88, FORM_TEXT, answers, may},             \
        [POAM_FALSE_POSITIVE] = {"False Positive", 20.88, FORM_TEXT, answers, may},               \
        [POAM_OPERATIONAL] = {"Operational Requirement", 20.88, FORM_TEXT, answers, may},         \
        [POAM_RATIONALE] = {"Deviation Rationale", 20.88, FORM_TEXT, NULL, may},                  \
        [POAM_DOCUMENTS] = {"Supporting Documents", 20.88, FORM_TEXT, NULL, may},                 \
        [POAM_COMMENTS] = {"Comments", 20.88, FORM_TEXT, NULL, may},                              \
        [POAM_KEV] = {"Binding Operational Directive 22-01 tracking", 20.88, FORM_TEXT, NULL,     \
                      may},                                                                       \
        [POAM_KEV_DUE] = {"Binding Operational Directive 22-01 Due Date", 20.88, FORM_DATE, NULL, \
                          may},                                                                   \
        [POAM_CVE] = {"CVE", 20.88, FORM_TEXT, NULL, may},                                        \
    }

static const struct form_column open_columns[POAM_COLUMNS] = POAM_COLUMN_LIST("Remediation Plan");
static const struct form_column closed_columns[POAM_COLUMNS] =
        POAM_COLUMN_LIST("Overall Remediation Plan");

static const struct form_due open_due = {POAM_DETECTED, POAM_ORIGINAL, POAM_ADJUSTED,
                                         POAM_RISK_ADJUSTMENT};

static const struct form_fixed instructions[] = {
        {1, 0, 0, "FedRAMP Plan of Action and Milestones, layout of template v3.0", true, 0},
        {3, 0, 0,
         "Open POA&M Items: one item for each vulnerability and set of deviations, its assets as "
         "the Integrated Inventory Workbook of the same package names them. An item with more "
         "assets than a cell holds goes on in a row whose id ends in -part-2, -part-3 and so on.",
         false, 0},
        {4, 0, 0,
         "Closed POA&M Items: items that no running image has any more, and approved false "
         "positives.",
         false, 0},
        {5, 0, 0,
         "Configuration Findings: one item for each check of an image's configuration; the item "
         "V-CM-6 among the open ones stands for all of them.",
         false, 0},
        {6, 0, 0,
         "Ratings: the list ends with High, which also stands for Critical and for what nobody has "
         "rated yet; the comments say so.",
         false, 0},
};
static const struct form_fixed open_fixed[] = {
        {0, 0, 5, "FedRAMP® Plan of Action and Milestones (POA&M)", true, 0},
        {2, 0, 0, "Guidance", true, 0},
        {5, 0, 0, "Guidance", true, 0},
        {6, 0, 0, "Examples", true, 0},
        {7, 0, 0, "Mandatory or Situational", true, 0},
};
static const struct form_fixed deficiency_labels[] = {
        {1, 0, 0, "Guidance", true, 0},
        {2, 0, 0, "Examples", true, 0},
        {3, 0, 0, "Mandatory or Situational", true, 0}};
static const struct form_column deficiency_columns[] = {
        {"Deficiency ID", 18.38, FORM_TEXT, NULL, NULL},
        {"Deficiency Name ", 29.13, FORM_TEXT, NULL, NULL},
        {"Deficiency Description", 36, FORM_TEXT, NULL, NULL},
        {"Remediation Plan/Description", 46.13, FORM_TEXT, NULL, NULL},
        {"Remediation Date", 35.88, FORM_DATE, NULL, NULL},
};
static const struct form_column change_columns[] = {
        {"Date", 10.75, FORM_DATE, NULL, NULL},
        {"Description", 66.75, FORM_TEXT, NULL, NULL},
        {"Version", 10.75, FORM_TEXT, NULL, NULL},
        {"Author", 13.25, FORM_TEXT, NULL, NULL},
};
static const struct form_column instruction_columns[] = {{"", 110, FORM_TEXT, NULL, NULL}};
static const struct form_fixed change_title[] = {
        {1, 1, 4, "Record of Changes for Template", true, 0}};

void poam_form_fields(struct form_field ret_fields[POAM_FIELDS])
{
    static const char *const labels[POAM_FIELDS] = {
            [POAM_FIELD_PROVIDER] = "Cloud Service Provider",
            [POAM_FIELD_OFFERING] = "Cloud Service Offering",
            [POAM_FIELD_IMPACT] = "Impact Level",
            [POAM_FIELD_DATE] = "POA&M Date"};

    for (uint32_t i = 0; i < POAM_FIELDS; i++)
        ret_fields[i] = (struct form_field){1, 1 + i, labels[i], {FORM_BLANK, NULL, 0}, 0};
}

static struct form_sheet closed_sheet(const char *name, form_next_fn *next, void *reader,
                                      uint32_t freeze_row)
{
    return (struct form_sheet){.name = name,
                               .columns = closed_columns,
                               .column_count = POAM_COLUMNS,
                               .header_row = 1,
                               .data_row = 2,
                               .freeze_row = freeze_row,
                               .zebra = true,
                               .next = next,
                               .opaque = reader};
}

static struct form_sheet open_sheet(struct form_field *fields, form_next_fn *next, void *reader)
{
    return (struct form_sheet){.name = "Open POA&M Items",
                               .fixed = open_fixed,
                               .fixed_count = COUNT_OF(open_fixed),
                               .fields = fields,
                               .field_count = POAM_FIELDS,
                               .columns = open_columns,
                               .column_count = POAM_COLUMNS,
                               .first_column = 1,
                               .header_row = 4,
                               .data_row = 8,
                               .freeze_row = 5,
                               .due = &open_due,
                               .zebra = true,
                               .label_width = 22.38,
                               .next = next,
                               .opaque = reader};
}

void poam_form_make(struct form_field fields[POAM_FIELDS], form_next_fn *next,
                    void *const readers[3], int64_t as_of_us, struct form *ret_form)
{
    *ret_form = (struct form){
            .title = "FedRAMP Plan of Action and Milestones",
            .as_of_us = as_of_us,
            .sheet_count = 6,
            .sheets = {
                    {.name = "Instructions",
                     .fixed = instructions,
                     .fixed_count = COUNT_OF(instructions),
                     .columns = instruction_columns,
                     .column_count = COUNT_OF(instruction_columns),
                     .header_row = 0,
                     .data_row = 8},
                    open_sheet(fields, next, readers[ITEMS_OPEN]),
                    closed_sheet("Closed POA&M Items", next, readers[ITEMS_CLOSED], 2),
                    closed_sheet("Configuration Findings", next, readers[ITEMS_CONFIGURATION], 0),
                    {.name = "PL-2 Findings",
                     .fixed = deficiency_labels,
                     .fixed_count = COUNT_OF(deficiency_labels),
                     .columns = deficiency_columns,
                     .column_count = COUNT_OF(deficiency_columns),
                     .first_column = 1,
                     .header_row = 0,
                     .data_row = 4,
                     .label_width = 16.88},
                    {.name = "Record of Changes",
                     .fixed = change_title,
                     .fixed_count = COUNT_OF(change_title),
                     .columns = change_columns,
                     .column_count = COUNT_OF(change_columns),
                     .first_column = 1,
                     .header_row = 2,
                     .data_row = 3,
                     .label_width = 3.25}}};
}
