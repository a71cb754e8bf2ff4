/* check_command: `muster-report check SYSTEM`. */
#ifndef REPORT_CHECK_COMMAND_H
#define REPORT_CHECK_COMMAND_H

#include "base/config.h"

struct check_config {
    const char *format;
};

enum { CHECK_OPTION_COUNT = 1 };
extern const struct mu_option check_options[CHECK_OPTION_COUNT];

int check_command(void *config_struct, int argc, char **argv);

#endif
