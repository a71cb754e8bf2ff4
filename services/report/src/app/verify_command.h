/* verify_command: `muster-report verify DIR`. */
#ifndef REPORT_VERIFY_COMMAND_H
#define REPORT_VERIFY_COMMAND_H

#include "base/config.h"

struct verify_config {
    const char *format;
    bool no_gaps;
};

enum { VERIFY_OPTION_COUNT = 2 };
extern const struct mu_option verify_options[VERIFY_OPTION_COUNT];

int verify_command(void *config_struct, int argc, char **argv);

#endif
