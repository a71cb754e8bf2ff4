/*
 * pipeline_command: `muster-inventory gate IMAGE`: one line in a pipeline, over HTTP or by
 * PostgreSQL; who asks, what is decided and how it is told is the same by both ways (ask.h). Exit
 * codes: 0 approved; 1 rejected; 2 wrong usage; 3 it could not be asked; 4 still waiting when the
 * time was over.
 */
#ifndef INVENTORY_POLICY_PIPELINE_COMMAND_H
#define INVENTORY_POLICY_PIPELINE_COMMAND_H

#include "remote/remote.h"

struct pipeline_config {
    struct remote_config where;
    const char *format, *by;
    int64_t wait_ms, poll_ms;
    bool look;
};

enum { PIPELINE_OPTION_COUNT = REMOTE_OPTION_COUNT + 5, PIPELINE_EXIT_WAITING = 4 };
extern const struct mu_option pipeline_options[PIPELINE_OPTION_COUNT];

int pipeline_command(void *config_struct, int argc, char **argv);

#endif
