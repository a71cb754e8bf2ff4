/*
 * documents: the deliverables beside inventory and raw scans, each when it is there: JSON by its
 * schema (schema.h), and the items and assets that findings.csv, closed-findings.csv, assets.csv,
 * poam.xlsx, the VER reports and OSCAL speak of, for checks.h.
 */
#ifndef REPORT_VERIFY_DOCUMENTS_H
#define REPORT_VERIFY_DOCUMENTS_H

#include "verify/schema.h"
#include "verify/state.h"

void verify_documents(struct verify_state *state);

/* One opened file; for fuzzing. `which` counts findings, closed findings, assets. */
void verify_read_document(struct verify_state *state, const struct schema *schema, const char *file,
                          FILE *in);
void verify_read_csv(struct verify_state *state, size_t which, FILE *in);

#endif
