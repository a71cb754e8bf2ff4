/* diff_command: `muster-report diff`, two closed months side by side. */
#ifndef REPORT_DIFF_COMMAND_H
#define REPORT_DIFF_COMMAND_H

#include "base/config.h"

struct diff_config {
    const char *store, *from, *to, *format;
    int64_t limit;
};

enum { DIFF_OPTION_COUNT = 5 };
extern const struct mu_option diff_options[DIFF_OPTION_COUNT];

int diff_command(void *config_struct, int argc, char **argv);

#endif
