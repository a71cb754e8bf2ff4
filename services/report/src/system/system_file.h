/*
 * system_file: what only people know of a system and every inventory row needs: its
 * name, the baseline, the diagram label, owners. One YAML mapping, flat:
 *
 *   name: Example Cloud            fedramp_id: FR0000000000
 *   baseline_configuration_name: ...
 *
 * The keys are the table in system_file.c (schema: schemas/system.v1.schema.json); unknown keys,
 * repeated keys and missing mandatory ones are errors with file, line, key and what would be right.
 * Source of what is mandatory for containers: FedRAMP Integrated Inventory Workbook v3.1, row
 * "Mandatory or Optional?".
 *
 * Ownership: texts live in the arena given. Trust: the operator's file, at most 64 KiB.
 */
#ifndef REPORT_SYSTEM_FILE_H
#define REPORT_SYSTEM_FILE_H

#include "statements/statements.h"
#include "system/companion.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/table.h"

#include <stdbool.h>
#include <stddef.h>

enum { SYSTEM_MAX_PUBLIC_ASSETS = 1024, SYSTEM_FILE_MAX_BYTES = 64 * 1024 };

struct system_file {
    const char *name;
    const char *fedramp_id;
    const char *impact_level; /* Low, Moderate or High */
    const char *baseline_configuration_name;
    const char *diagram_label;
    const char *function;
    const char *asset_type;
    const char *default_vendor;         /* for images without a vendor label */
    const char *system_administrator;   /* mandatory for High */
    const char *unknown_os;             /* for images in which no operating system was found */
    const char *authenticated_scan;     /* Yes or No */
    const char *deliverables;           /* legacy, cr26 or both */
    const char *provider, *offering;    /* cloud service provider and offering; default: name */
    const char *point_of_contact;       /* of POA&M items */
    const char *certification_class;    /* A, B, C or D; default by impact level */
    const char *package_overview_uri;   /* certificationPackageOverviewUri; needed for cr26 */
    const char *configuration_checksum; /* of the scanner, as the assessor validated it */
    const char *unique_vulnerability_baseline; /* whole number, at authorization */
    const char *sboms;                         /* Yes or No: a CycloneDX of each image */
    const char *oscal;                         /* Yes or No: oscal/ */
    const char *ver_statements;                /* file of judgements; "": none */
    const char *automatic_evaluation; /* Yes: the provider's own evaluation is by the rules of
                                         ver/rules.h, done with the detection; No */
    struct statements statements;     /* of ver_statements, when read from a file */
    const char *poam_items;           /* all or late */
    const char *template_poam, *template_dr; /* official forms to be filled; "": new workbooks */
    const char *other_assets; /* CSV or YAML of assets that are no images; "": none */
    const char *public_assets[SYSTEM_MAX_PUBLIC_ASSETS]; /* repositories that are public-facing */
    size_t public_asset_count;
};

/* "": the file names none. */
const char *system_file_companion(const struct system_file *system,
                                  enum system_companion companion);
void system_file_set_companion(struct system_file *system, enum system_companion companion,
                               const char *path);

/* With the names of files resolved and the statements read. Errors:
 * MU_E_NOT_FOUND, MU_E_LIMIT, MU_E_INVALID. */
enum mu_status system_file_read(const char *path, struct mu_arena *arena,
                                struct system_file *ret_system, struct mu_error *err) MU_MUST_CHECK;

/* From memory; `path` is for messages. Names of files stay as they are, and statements unread. */
enum mu_status system_file_parse(const char *path, const char *bytes, size_t len,
                                 struct mu_arena *arena, struct system_file *ret_system,
                                 struct mu_error *err) MU_MUST_CHECK;

/* Makes the names of files those in the folder of `path`. Errors: MU_E_NOMEM. */
enum mu_status system_file_resolve(const char *path, struct mu_arena *arena,
                                   struct system_file *system, struct mu_error *err) MU_MUST_CHECK;
/* From the file that ver_statements names, if any. Errors: as of statements_read. */
enum mu_status system_file_read_statements(struct mu_arena *arena, struct system_file *system,
                                           struct mu_error *err) MU_MUST_CHECK;

/* A row of {key, value, what it is for} for every key; of a list the number of its values. */
void system_file_list(const struct system_file *system, struct mu_table *table);

bool system_file_is_public(const struct system_file *system, const char *repository);

#endif
