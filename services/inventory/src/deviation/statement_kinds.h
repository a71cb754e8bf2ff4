/*
 * statement_kinds: what people state, as records: deviations, hardening of images, exposure of
 * assets, SSVC values, exclusions. Fields are the columns of the fact tables in migrations 0021 and
 * 0037, in order.
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
    STATEMENT_KIND_COUNT
};

extern const struct record_kind statement_records[STATEMENT_KIND_COUNT];

#endif
