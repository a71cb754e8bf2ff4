/* `muster-scanner checks`: the table of what an image can get wrong. */
#include "app/commands.h"

#include "check/checks.h"

#include "base/table.h"

#include <stdio.h>

enum { TEXT_COLUMNS = 4, ALL_COLUMNS = 5 };

const struct mu_option checks_options[CHECKS_OPTION_COUNT] = {
        {"format", MU_OPTION_TEXT, offsetof(struct checks_config, format), "text", 0, 0, 0,
         "text or json; json has the remediation too"},
};

int checks_command(void *config_struct, int argc, char **argv)
{
    static const char *const columns[ALL_COLUMNS] = {"id", "severity", "title", "source",
                                                     "remediation"};
    const struct checks_config *config = config_struct;
    MU_AUTO(table) struct mu_table *table = NULL;
    enum mu_format format;
    struct mu_error err;

    (void)argv;
    if (argc > 0 || mu_format_parse(config->format, &format, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-scanner: %s\n",
                      argc > 0 ? "checks takes no argument" : err.message);
        return MU_EXIT_USAGE;
    }
    table = mu_table_new(columns, format == MU_FORMAT_JSON ? ALL_COLUMNS : TEXT_COLUMNS);
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        const char *const cells[ALL_COLUMNS] = {checks[i].id, checks[i].severity, checks[i].title,
                                                checks[i].source, checks[i].remediation};

        mu_table_row(table, cells);
    }
    mu_table_print(table, format, 0, stdout);
    return MU_EXIT_OK;
}
