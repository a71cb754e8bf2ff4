/* verify_command: `muster-report verify`, of a package and of what others made. */
#ifndef REPORT_VERIFY_COMMAND_H
#define REPORT_VERIFY_COMMAND_H

#include "base/config.h"

struct verify_config {
    const char *format, *key, *ca, *timestamp_ca, *at, *previous, *inventory, *scans, *as_of;
    int64_t max_unpacked;
    bool no_gaps, require_signature;
};

enum { VERIFY_OPTION_COUNT = 12 };
extern const struct mu_option verify_options[VERIFY_OPTION_COUNT];

int verify_command(void *config_struct, int argc, char **argv);

#endif
