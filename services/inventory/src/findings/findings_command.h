/*
 * findings_command: `muster-inventory findings` (what is open, until when it must be mended) and
 * `muster-inventory clocks` (until when scans cover; which event moved which clock).
 */
#ifndef INVENTORY_FINDINGS_COMMAND_H
#define INVENTORY_FINDINGS_COMMAND_H

#include "base/config.h"

struct findings_config {
    const char *postgres, *uai, *cve, *valid_at, *known_at, *rules, *format;
    int64_t due_within_ms, at_risk_ms;
    bool late, all;
};

struct clocks_config {
    const char *postgres, *valid_at, *known_at, *format;
};

enum { FINDINGS_OPTION_COUNT = 11, CLOCKS_OPTION_COUNT = 4 };
extern const struct mu_option findings_options[FINDINGS_OPTION_COUNT];
extern const struct mu_option clocks_options[CLOCKS_OPTION_COUNT];

/* Exit code 1: something that runs is late, or nothing is known of --uai. */
int findings_command(void *config_struct, int argc, char **argv);

/* Exit code 1: without an argument, some image is not covered or was scanned with an old database;
 * with one, nothing is known of it. Exit code 2 also: it is a repository. */
int clocks_command(void *config_struct, int argc, char **argv);

#endif
