/* close_command: `muster-report close`, `reopen` and `check-month`. */
#ifndef REPORT_CLOSE_COMMAND_H
#define REPORT_CLOSE_COMMAND_H

#include "base/config.h"

struct close_config {
    const char *month, *store, *system, *postgres, *inventory_url, *inventory_token, *known_at;
    const char *by, *reason, *format;
    int64_t revision;
    bool early, accept_incomplete, dry_run;
};

enum { CLOSE_OPTION_COUNT = 13, REOPEN_OPTION_COUNT = 12, CHECK_MONTH_OPTION_COUNT = 9 };
extern const struct mu_option close_options[CLOSE_OPTION_COUNT];
extern const struct mu_option reopen_options[REOPEN_OPTION_COUNT];
extern const struct mu_option check_month_options[CHECK_MONTH_OPTION_COUNT];

int close_command(void *config_struct, int argc, char **argv);
int reopen_command(void *config_struct, int argc, char **argv);
int check_month_command(void *config_struct, int argc, char **argv);

#endif
