/*
 * statement_command: the verbs of people: `muster-inventory deviation`, `hardening`, `exposure`,
 * `ssvc`, `exclusion`, `move`, each with add (or its own words), by PostgreSQL or over HTTP (then
 * who states it is whose credentials they are), and with list, import FILE and export, by
 * PostgreSQL.
 */
#ifndef INVENTORY_STATEMENT_COMMAND_H
#define INVENTORY_STATEMENT_COMMAND_H

#include "remote/remote.h"

struct statement_config {
    struct remote_config where;
    const char *format, *valid_at, *known_at;
    /* The fields of a record. */
    const char *name, *at, *by, *role, *kind, *cve, *asset, *package, *severity, *rationale,
            *evidence, *expires, *baseline, *digest, *drift, *is_public, *automatable, *impact,
            *repository, *moved_to;
};

enum {
    DEVIATION_OPTION_COUNT = REMOTE_OPTION_COUNT + 15,
    HARDENING_OPTION_COUNT = REMOTE_OPTION_COUNT + 13,
    EXPOSURE_OPTION_COUNT = REMOTE_OPTION_COUNT + 10,
    SSVC_OPTION_COUNT = REMOTE_OPTION_COUNT + 11,
    EXCLUSION_OPTION_COUNT = REMOTE_OPTION_COUNT + 10,
    MOVE_OPTION_COUNT = REMOTE_OPTION_COUNT + 10
};
extern const struct mu_option deviation_options[DEVIATION_OPTION_COUNT];
extern const struct mu_option hardening_options[HARDENING_OPTION_COUNT];
extern const struct mu_option exposure_options[EXPOSURE_OPTION_COUNT];
extern const struct mu_option ssvc_options[SSVC_OPTION_COUNT];
extern const struct mu_option exclusion_options[EXCLUSION_OPTION_COUNT];
extern const struct mu_option move_options[MOVE_OPTION_COUNT];

/* Exit code 1: the record cannot be, as things stand (the message says why). */
int deviation_command(void *config_struct, int argc, char **argv);
int hardening_command(void *config_struct, int argc, char **argv);
int exposure_command(void *config_struct, int argc, char **argv);
int ssvc_command(void *config_struct, int argc, char **argv);
int exclusion_command(void *config_struct, int argc, char **argv);
int move_command(void *config_struct, int argc, char **argv);

#endif
