/*
 * policy_command: `muster-inventory policy check|store|list|show|dry-run`.
 */
#ifndef INVENTORY_POLICY_COMMAND_H
#define INVENTORY_POLICY_COMMAND_H

#include "base/config.h"

struct policy_command_config {
    const char *postgres, *by, *reason, *from, *to, *format;
};

enum { POLICY_COMMAND_OPTION_COUNT = 6 };
extern const struct mu_option policy_command_options[POLICY_COMMAND_OPTION_COUNT];

/* Exit code 1: `dry-run`: something would have been decided differently; `show`: there is none. */
int policy_command(void *config_struct, int argc, char **argv);

#endif
