/*
 * ledger_command: `ledger`: is everything received accounted for?
 */
#ifndef INVENTORY_LEDGER_COMMAND_H
#define INVENTORY_LEDGER_COMMAND_H

#include "base/config.h"

#include <stdbool.h>

struct ledger_config {
    const char *postgres, *format;
    bool exact;
};

enum { LEDGER_OPTION_COUNT = 3 };
extern const struct mu_option ledger_options[LEDGER_OPTION_COUNT];

int ledger_command(void *config_struct, int argc, char **argv);

#endif
