/* run_command: `muster-report run`. */
#ifndef REPORT_RUN_COMMAND_H
#define REPORT_RUN_COMMAND_H

#include "bundle/signer.h"

#include "base/config.h"

struct run_config {
    const char *month, *system, *out, *postgres, *inventory_url, *inventory_token, *known_at;
    const char *store;
    int64_t revision;
    struct signer_config sign;
    const char *template_poam, *template_dr, *other_assets;
    const char *previous;
};

enum { RUN_OPTION_COUNT = 13 + SIGNER_OPTION_COUNT };
extern const struct mu_option run_options[RUN_OPTION_COUNT];

int run_command(void *config_struct, int argc, char **argv);

#endif
