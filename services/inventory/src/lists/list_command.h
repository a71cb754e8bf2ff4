/*
 * list_command: the commands that print one list of query/list.h: assets, instances, history,
 * whowas, diff, sources, failures, sample, approvals, decisions, gate-decisions.
 *
 * A list is read page by page, all pages of one state of the database.
 */
#ifndef INVENTORY_LIST_COMMAND_H
#define INVENTORY_LIST_COMMAND_H

#include "query/list.h"

#include "base/config.h"

struct list_command_config {
    const char *postgres, *format, *valid_at, *known_at;
    int64_t limit;
    const char *filters[LIST_MAX_FILTERS]; /* as in the list */
};

enum {
    LIST_COMMON_OPTIONS = 5,
    ASSETS_OPTION_COUNT = LIST_COMMON_OPTIONS + 4,
    INSTANCES_OPTION_COUNT = LIST_COMMON_OPTIONS + 7,
    SUBJECT_OPTION_COUNT = LIST_COMMON_OPTIONS,
    DIFF_OPTION_COUNT = LIST_COMMON_OPTIONS + 1,
    SOURCES_OPTION_COUNT = LIST_COMMON_OPTIONS + 1,
    FAILURES_OPTION_COUNT = LIST_COMMON_OPTIONS + 4,
    SAMPLE_OPTION_COUNT = LIST_COMMON_OPTIONS + 2,
    APPROVALS_OPTION_COUNT = LIST_COMMON_OPTIONS + 5,
    DECISIONS_OPTION_COUNT = LIST_COMMON_OPTIONS + 4,
    GATE_DECISIONS_OPTION_COUNT = LIST_COMMON_OPTIONS + 8
};
extern const struct mu_option assets_options[ASSETS_OPTION_COUNT];
extern const struct mu_option instances_options[INSTANCES_OPTION_COUNT];
extern const struct mu_option subject_options[SUBJECT_OPTION_COUNT];
extern const struct mu_option diff_options[DIFF_OPTION_COUNT];
extern const struct mu_option sources_options[SOURCES_OPTION_COUNT];
extern const struct mu_option failures_options[FAILURES_OPTION_COUNT];
extern const struct mu_option sample_options[SAMPLE_OPTION_COUNT];
extern const struct mu_option approvals_options[APPROVALS_OPTION_COUNT];
extern const struct mu_option decisions_options[DECISIONS_OPTION_COUNT];
extern const struct mu_option gate_decisions_options[GATE_DECISIONS_OPTION_COUNT];

int assets_command(void *config, int argc, char **argv);
int instances_command(void *config, int argc, char **argv);
/* Exit code 1: nothing is known of the subject; nothing ran. */
int history_command(void *config, int argc, char **argv);
int whowas_command(void *config, int argc, char **argv);
/* Exit code 1: there are differences. */
int diff_command(void *config, int argc, char **argv);
/* Exit code 1: a source is silent; a failure is open; printed, or left out by the limit. */
int sources_command(void *config, int argc, char **argv);
int failures_command(void *config, int argc, char **argv);
/* Exit code 1: nothing ran. */
int sample_command(void *config, int argc, char **argv);
/* What people said, and what pipelines and clusters were told; newest first. */
int approvals_command(void *config, int argc, char **argv);
int decisions_command(void *config, int argc, char **argv);
int gate_decisions_command(void *config, int argc, char **argv);

#endif
