/*
 * approval_command: `muster-inventory approve|revoke|withdraw IMAGE` and `approvals`.
 */
#ifndef INVENTORY_POLICY_APPROVAL_COMMAND_H
#define INVENTORY_POLICY_APPROVAL_COMMAND_H

#include "base/config.h"

struct approval_config {
    const char *postgres, *by, *role, *reason, *until, *format;
};

enum { APPROVAL_OPTION_COUNT = 5, APPROVALS_OPTION_COUNT = 2 };
extern const struct mu_option approval_options[APPROVAL_OPTION_COUNT];
extern const struct mu_option approvals_options[APPROVALS_OPTION_COUNT];

/* Exit code 1: nothing is known of the image. */
int approve_command(void *config_struct, int argc, char **argv);
int revoke_command(void *config_struct, int argc, char **argv);
int withdraw_command(void *config_struct, int argc, char **argv);
int approvals_command(void *config_struct, int argc, char **argv);

#endif
