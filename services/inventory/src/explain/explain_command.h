/*
 * explain_command: `muster-inventory explain <uai|digest|pod>`: the whole trail of one thing;
 * and `dump`: everything that must not depend on the order of arrival, sorted, for comparing
 * databases.
 */
#ifndef INVENTORY_EXPLAIN_COMMAND_H
#define INVENTORY_EXPLAIN_COMMAND_H

#include "base/config.h"

struct explain_config {
    const char *postgres, *format, *valid_at, *known_at;
    int64_t limit;
};

enum { EXPLAIN_OPTION_COUNT = 5, DUMP_OPTION_COUNT = 1 };
extern const struct mu_option explain_options[EXPLAIN_OPTION_COUNT];

/* Exit code 1: nothing is known of it. */
int explain_command(void *config_struct, int argc, char **argv);
/* Uses the first of explain_options only. */
int dump_command(void *config_struct, int argc, char **argv);

#endif
