/*
 * poam_form: the POA&M and the Deviation Request form as FedRAMP publishes them: sheets, headers to
 * the letter, widths, choices. Explanations are our own words.
 *
 * Source: FedRAMP POA&M Template v3.0 (2025-11-17); Vulnerability Deviation Request Form v2.1
 * (2024-08-08).
 */
#ifndef REPORT_POAM_POAM_FORM_H
#define REPORT_POAM_POAM_FORM_H

#include "poam/poam_item_reader.h"
#include "workbook/form.h"

/* Columns of the sheets of items; the sheet of open ones has a column of labels before them. */
enum poam_column {
    POAM_ID,
    POAM_CONTROLS,
    POAM_NAME,
    POAM_DESCRIPTION,
    POAM_DETECTOR,
    POAM_SOURCE_ID,
    POAM_ASSETS,
    POAM_CONTACT,
    POAM_RESOURCES,
    POAM_PLAN,
    POAM_DETECTED,
    POAM_DUE,
    POAM_STATUS_DATE,
    POAM_VENDOR_DEPENDENCY,
    POAM_CHECKED_IN,
    POAM_PRODUCT,
    POAM_ORIGINAL,
    POAM_ADJUSTED,
    POAM_RISK_ADJUSTMENT,
    POAM_FALSE_POSITIVE,
    POAM_OPERATIONAL,
    POAM_RATIONALE,
    POAM_DOCUMENTS,
    POAM_COMMENTS,
    POAM_KEV,
    POAM_KEV_DUE,
    POAM_CVE,
    POAM_COLUMNS
};

enum poam_field {
    POAM_FIELD_PROVIDER,
    POAM_FIELD_OFFERING,
    POAM_FIELD_IMPACT,
    POAM_FIELD_DATE,
    POAM_FIELDS
};

/* The form with `fields` (POAM_FIELDS) in its head; rows: the reader's. */
void poam_form_make(struct form_field fields[POAM_FIELDS], form_next_fn *next,
                    void *const readers[3] /* by enum poam_sheet */, int64_t as_of_us,
                    struct form *ret_form);
void poam_form_fields(struct form_field ret_fields[POAM_FIELDS]);

/* Columns of the Deviation Request form that are filled; the others stay blank. */
enum dr_column {
    DR_NUMBER,
    DR_POAM_ID,
    DR_SCAN_ID,
    DR_CVE,
    DR_ASSETS,
    DR_NAME,
    DR_SOURCE,
    DR_INITIAL_RATING,
    DR_CVSS,
    DR_DETECTED,
    DR_DESCRIPTION,
    DR_ACTION,
    DR_CSP_INFORMATION,
    DR_TYPE,
    DR_REQUESTED_RATING,
    DR_ADJUSTED_CVSS,
    DR_SUBMITTED,
    DR_RATIONALE,
    DR_EVIDENCE,
    DR_ATTACHMENTS,
    DR_COLUMNS = 57
};

enum dr_field {
    DR_FIELD_CSP,
    DR_FIELD_SYSTEM,
    DR_FIELD_IMPACT,
    DR_FIELD_DATE,
    DR_FIELD_NAME,
    DR_FIELD_TITLE,
    DR_FIELD_PHONE,
    DR_FIELD_EMAIL,
    DR_FIELDS
};

/* Where the dictionary of drop-downs is. */
struct dr_dictionary {
    size_t row;
    char words[1024];
};

void dr_form_make(struct form_field fields[DR_FIELDS], form_next_fn *next, void *reader,
                  struct dr_dictionary *dictionary, int64_t as_of_us, struct form *ret_form);
void dr_form_fields(struct form_field ret_fields[DR_FIELDS]);

#endif
