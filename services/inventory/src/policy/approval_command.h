/*
 * approval_command: `muster-inventory approve|revoke|withdraw IMAGE`, over HTTP (then who decides
 * is whose credentials they are) or by PostgreSQL.
 */
#ifndef INVENTORY_POLICY_APPROVAL_COMMAND_H
#define INVENTORY_POLICY_APPROVAL_COMMAND_H

#include "remote/remote.h"

struct approval_config {
    struct remote_config where;
    const char *by, *role, *reason, *until;
};

enum { APPROVAL_OPTION_COUNT = REMOTE_OPTION_COUNT + 4 };
extern const struct mu_option approve_options[APPROVAL_OPTION_COUNT];
extern const struct mu_option revoke_options[APPROVAL_OPTION_COUNT];
extern const struct mu_option withdraw_options[APPROVAL_OPTION_COUNT];

/* Exit code 1: nothing is known of the image; there is nothing to withdraw. */
int approve_command(void *config_struct, int argc, char **argv);
int revoke_command(void *config_struct, int argc, char **argv);
int withdraw_command(void *config_struct, int argc, char **argv);

#endif
