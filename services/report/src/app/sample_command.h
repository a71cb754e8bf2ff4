/* sample_command: `muster-report sample`, containers of a closed month for an assessor. */
#ifndef REPORT_SAMPLE_COMMAND_H
#define REPORT_SAMPLE_COMMAND_H

#include "base/config.h"

struct sample_config {
    const char *store, *month, *seed, *format;
    int64_t count;
};

enum { SAMPLE_OPTION_COUNT = 5 };
extern const struct mu_option sample_options[SAMPLE_OPTION_COUNT];

int sample_command(void *config_struct, int argc, char **argv);

#endif
