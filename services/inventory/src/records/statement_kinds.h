/*
 * statement_kinds: what people state, as records: deviations, hardening of images, exposure of
 * assets, SSVC values, exclusions, moves of repositories. Fields are the columns of their fact
 * tables (X_facts in sql/migrations), in order.
 */
#ifndef INVENTORY_STATEMENT_KINDS_H
#define INVENTORY_STATEMENT_KINDS_H

#include "records/record_file.h"

enum statement_kind {
    STATEMENT_DEVIATION,
    STATEMENT_HARDENING,
    STATEMENT_EXPOSURE,
    STATEMENT_SSVC,
    STATEMENT_EXCLUSION,
    STATEMENT_MOVE,
    STATEMENT_KIND_COUNT
};

extern const char *const deviation_kinds[]; /* NULL behind the last */
extern const struct record_kind statement_records[STATEMENT_KIND_COUNT];

#endif
