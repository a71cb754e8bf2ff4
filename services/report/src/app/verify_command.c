#include "app/verify_command.h"

#include "verify/verify.h"

#include <stdio.h>

const struct mu_option verify_options[VERIFY_OPTION_COUNT] = {
        {"format", MU_OPTION_TEXT, offsetof(struct verify_config, format), "text", 0, 0, 0,
         "text, or json: the differences as an array of objects"},
        {"no-gaps", MU_OPTION_BOOL, offsetof(struct verify_config, no_gaps), "false", 0, 0, 0,
         "exit 1 also when a running container is declared as not covered"},
};

static void print_text(const char *folder, const struct verify_summary *summary,
                       const struct mu_table *differences, const struct mu_table *gaps)
{
    (void)printf("%s: %zu files, %zu rows, %zu raw scans with %zu targets\n", folder,
                 summary->files, summary->rows, summary->raw_scans, summary->targets);
    if (mu_table_row_count(gaps) > 0) {
        (void)printf(
                "\nDeclared gaps: running, but not covered by a complete scan within 30 days\n");
        mu_table_print(gaps, MU_FORMAT_TEXT, 0, stdout);
    }
    if (summary->differences == 0) {
        (void)printf("\nInventory and raw scans match, both ways: no unexplained difference.\n");
        return;
    }
    (void)printf("\n%zu differences%s\n", summary->differences,
                 mu_table_row_count(differences) < summary->differences ? ", the first of them:"
                                                                        : "");
    mu_table_print(differences, MU_FORMAT_TEXT, 0, stdout);
}

static int verify_folder(const char *folder, const struct verify_config *config,
                         enum mu_format format)
{
    MU_AUTO(table) struct mu_table *differences = mu_table_new(verify_columns, VERIFY_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *gaps = mu_table_new(verify_gap_columns, VERIFY_GAP_COLUMN_COUNT);
    struct verify_summary summary;
    struct mu_error err;

    if (verify_bundle(folder, differences, gaps, &summary, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-report: %s\n", err.message);
        return err.status == MU_E_NOT_FOUND ? MU_EXIT_USAGE : MU_EXIT_FAILURE;
    }
    if (format == MU_FORMAT_JSON)
        mu_table_print(differences, MU_FORMAT_JSON, 0, stdout);
    else
        print_text(folder, &summary, differences, gaps);
    if (summary.differences > 0 || (config->no_gaps && mu_table_row_count(gaps) > 0))
        return MU_EXIT_DIFFERENCE;
    return MU_EXIT_OK;
}

int verify_command(void *config_struct, int argc, char **argv)
{
    const struct verify_config *config = config_struct;
    enum mu_format format;
    struct mu_error err;

    if (argc != 1) {
        (void)fprintf(stderr, "muster-report: verify takes one folder: muster-report verify DIR\n");
        return MU_EXIT_USAGE;
    }
    if (mu_format_parse(config->format, &format, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-report: --format: %s\n", err.message);
        return MU_EXIT_USAGE;
    }
    return verify_folder(argv[0], config, format);
}
