#include "app/check_command.h"

#include "system/system_file.h"

#include "base/table.h"

#include <stdio.h>

enum { SYSTEM_MAX_BYTES = 32 * 1024 * 1024 }; /* with the statements that it names */

const struct mu_option check_options[CHECK_OPTION_COUNT] = {
        {"format", MU_OPTION_TEXT, offsetof(struct check_config, format), "text", 0, 0, 0,
         "text, or json: every key with its value and what it is for"},
};

int check_command(void *config_struct, int argc, char **argv)
{
    static const char *const columns[] = {"key", "value", "is"};
    const struct check_config *config = config_struct;
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(SYSTEM_MAX_BYTES);
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 3);
    struct system_file *system = mu_arena_alloc(arena, sizeof(*system));
    enum mu_format format;
    struct mu_error err;

    if (argc != 1) {
        (void)fprintf(stderr,
                      "muster-report: check takes one system file: muster-report check SYSTEM\n");
        return MU_EXIT_USAGE;
    }
    if (!system || mu_format_parse(config->format, &format, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-report: --format: %s\n", system ? err.message : "no memory");
        return MU_EXIT_USAGE;
    }
    if (system_file_read(argv[0], arena, system, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-report: %s\n", err.message);
        return MU_EXIT_USAGE;
    }
    system_file_list(system, table);
    mu_table_print(table, format, 0, stdout);
    return MU_EXIT_OK;
}
