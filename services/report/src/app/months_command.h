/* months_command: `muster-report months`. */
#ifndef REPORT_MONTHS_COMMAND_H
#define REPORT_MONTHS_COMMAND_H

#include "base/config.h"

struct months_config {
    const char *store, *format, *head;
    bool evidence;
};

enum { MONTHS_OPTION_COUNT = 4 };
extern const struct mu_option months_options[MONTHS_OPTION_COUNT];

int months_command(void *config_struct, int argc, char **argv);

#endif
