/*
 * retention_command: `retention`: which months of the ledger and of the logs may go, why others
 * stay (ledger_retention and log_retention in sql/migrations), and with --apply let them go, one
 * transaction each.
 */
#ifndef INVENTORY_RETENTION_COMMAND_H
#define INVENTORY_RETENTION_COMMAND_H

#include "base/config.h"

#include <stdbool.h>
#include <stdint.h>

/* Ages of months in milliseconds. */
struct retention_config {
    const char *postgres, *format;
    int64_t payloads_ms, ledger_ms, audit_ms, gate_ms, policy_ms, notifications_ms;
    bool apply, dry_run;
};

enum { RETENTION_OPTION_COUNT = 10 };
extern const struct mu_option retention_options[RETENTION_OPTION_COUNT];

int retention_command(void *config_struct, int argc, char **argv);

#endif
