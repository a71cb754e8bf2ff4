/*
 * schema: what the JSON files of a package must have, as tables of paths: the parts of their
 * schemas that an assessor relies on, checked piece by piece while the file is read.
 *
 * Sources: schemas/bundle-manifest.v1, raw-scan.v1, imported-scan.v1; FedRAMP CR26 schemas of
 * 2026-06-24 (vulnerability-detail-report, accepted-vulnerability-info, historical-ver-activity);
 * NIST OSCAL 1.1 (component-definition, plan-of-action-and-milestones); CycloneDX 1.6.
 */
#ifndef REPORT_VERIFY_SCHEMA_H
#define REPORT_VERIFY_SCHEMA_H

#include "verify/state.h"

enum schema_type {
    SCHEMA_TEXT,      /* not empty */
    SCHEMA_ANY_TEXT,  /* may be empty */
    SCHEMA_TEXT_NULL, /* or null */
    SCHEMA_TIME,      /* RFC 3339 */
    SCHEMA_TIME_NULL, /* or null */
    SCHEMA_DIGEST,    /* sha256: or sha512: */
    SCHEMA_DIGEST_NULL,
    SCHEMA_MONTH,  /* YYYY-MM */
    SCHEMA_COUNT,  /* an integer from 0 */
    SCHEMA_RATING, /* an integer from 1 to 5 */
    SCHEMA_BOOL,
    SCHEMA_LIST,
    SCHEMA_OBJECT,
    SCHEMA_URI,
    SCHEMA_UUID,
    SCHEMA_WORD, /* one of `words` */
    SCHEMA_TYPE_COUNT
};

struct schema_rule {
    const char *path; /* "targets.*.uai"; "*" stands for each element, or each member */
    enum schema_type type;
    bool required;
    const char *words; /* "|complete|failed|" */
};

struct schema {
    const char *name;    /* for messages */
    const char *pattern; /* of the files (sqlite GLOB) */
    bool is_array;
    const char *each; /* "|findings|metadata/component|": lists that are read element by element */
    const struct schema_rule *rules;
    size_t rule_count;
};

extern const struct schema schema_manifest, schema_raw_scan, schema_imported_scan, schema_gaps,
        schema_not_running, schema_other_assets;
extern const struct schema schema_documents[]; /* the renderers' */
extern const size_t schema_document_count;

/* One file being checked. */
struct schema_check {
    struct verify_state *state;
    const struct schema *schema;
    const char *file;
    json_t *seen;  /* members of the outermost object, each with the number of its elements */
    size_t wrongs; /* said so far; no more than SCHEMA_MAX_WRONGS a file are */
};
enum { SCHEMA_MAX_WRONGS = 20 };

void schema_begin(struct schema_check *check, struct verify_state *state,
                  const struct schema *schema, const char *file);
/* As json_stream_fn gives them. */
void schema_piece(struct schema_check *check, const char *member, const char *key,
                  const json_t *value);
/* What is missing; frees what the check holds. `whole`: the file was read to its end. */
void schema_end(struct schema_check *check, bool whole);
/* Whether the list is to be read element by element. */
enum json_stream_wish schema_wish(const struct schema *schema, const char *member, const char *key);

#endif
