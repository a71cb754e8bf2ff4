/* numbers_command: `muster-report numbers [DIR]`. */
#ifndef REPORT_NUMBERS_COMMAND_H
#define REPORT_NUMBERS_COMMAND_H

#include "base/config.h"

struct numbers_config {
    const char *month, *system, *postgres, *known_at, *previous, *format;
};

enum { NUMBERS_OPTION_COUNT = 6 };
extern const struct mu_option numbers_options[NUMBERS_OPTION_COUNT];

int numbers_command(void *config_struct, int argc, char **argv);

#endif
