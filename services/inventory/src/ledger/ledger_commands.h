/*
 * ledger_commands: `ledger` (is everything received accounted for?) and `retention` (which months
 * may go, and let them go).
 */
#ifndef INVENTORY_LEDGER_COMMANDS_H
#define INVENTORY_LEDGER_COMMANDS_H

#include "base/config.h"

#include <stdbool.h>
#include <stdint.h>

struct ledger_config {
    const char *postgres, *format;
    bool exact;
};

struct retention_config {
    const char *postgres, *format;
    int64_t payloads_ms, ledger_ms;
    bool apply, dry_run;
};

enum { LEDGER_OPTION_COUNT = 3, RETENTION_OPTION_COUNT = 6 };
extern const struct mu_option ledger_options[LEDGER_OPTION_COUNT];
extern const struct mu_option retention_options[RETENTION_OPTION_COUNT];

int ledger_command(void *config_struct, int argc, char **argv);
int retention_command(void *config_struct, int argc, char **argv);

#endif
