/*
 * notifications_command: `muster-inventory notifications list|test NAME|retry [NAME]`: what was
 * told to whom, a first message to a webhook, and again what failed.
 */
#ifndef INVENTORY_NOTIFICATIONS_COMMAND_H
#define INVENTORY_NOTIFICATIONS_COMMAND_H

#include "base/config.h"

struct notifications_config {
    const char *postgres, *webhooks, *kind, *state, *format;
    int64_t limit;
};

enum { NOTIFICATIONS_OPTION_COUNT = 6 };
extern const struct mu_option notifications_options[NOTIFICATIONS_OPTION_COUNT];

/* Exit code 1: test: the webhook did not take it. */
int notifications_command(void *config_struct, int argc, char **argv);

#endif
