/* muster-report-verify: the command `verify` alone, linked statically: for machines that have
 * nothing else of Muster, and no libraries. */
#include "app/verify_command.h"

#include "base/config.h"

static const struct mu_command commands[] = {
        {.name = "verify",
         .arguments = "PACKAGE",
         .summary = "check a package, or any workbook and scans, offline and both ways",
         .options = verify_options,
         .option_count = VERIFY_OPTION_COUNT,
         .config_size = sizeof(struct verify_config),
         .run = verify_command},
};

static const struct mu_program program = {
        .name = "muster-report-verify",
        .summary = "proves that a monthly package matches, without database and network.",
        .details = "  muster-report-verify verify package.zip\n"
                   "  muster-report-verify verify --inventory=inventory.xlsx --scans=scans\n"
                   "\n"
                   "Exit codes: 0 no difference; 1 a difference (or, with --no-gaps, a declared "
                   "gap); 2 wrong\n"
                   "usage, or nothing where a path leads; 3 it could not be done.\n",
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
};

int main(int argc, char **argv)
{
    return mu_program_main(&program, argc, argv);
}
