/* coverage_command: `muster-inventory coverage`: is every running container covered by a scan? */
#ifndef INVENTORY_COVERAGE_COMMAND_H
#define INVENTORY_COVERAGE_COMMAND_H

#include "base/config.h"

struct coverage_config {
    const char *postgres, *valid_at, *known_at, *format;
    bool containers;
};

enum { COVERAGE_OPTION_COUNT = 5 };
extern const struct mu_option coverage_options[COVERAGE_OPTION_COUNT];

/* Exit code 1: some running container is not covered. */
int coverage_command(void *config_struct, int argc, char **argv);

#endif
