/*
 * acknowledge_command: `muster-inventory acknowledge FAILURE --by NAME --reason TEXT`: somebody
 * answers for a detection failure that nothing else ends: decisions of a gate that are missing, a
 * digest of which two contents are told. It is closed; who and why stay with it for ever.
 */
#ifndef INVENTORY_ACKNOWLEDGE_COMMAND_H
#define INVENTORY_ACKNOWLEDGE_COMMAND_H

#include "base/config.h"

struct acknowledge_config {
    const char *postgres, *by, *reason;
};

enum { ACKNOWLEDGE_OPTION_COUNT = 3 };
extern const struct mu_option acknowledge_options[ACKNOWLEDGE_OPTION_COUNT];

/* Exit code 1: it cannot be as things stand. */
int acknowledge_command(void *config_struct, int argc, char **argv);

#endif
