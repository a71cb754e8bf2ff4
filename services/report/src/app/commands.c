#include "app/commands.h"

#include "app/numbers_command.h"
#include "app/run_command.h"
#include "app/verify_command.h"

static const struct mu_command commands[] = {
        {.name = "run",
         .arguments = "",
         .summary = "write one month's package: workbook, raw scans, gaps, manifest",
         .options = run_options,
         .option_count = RUN_OPTION_COUNT,
         .config_size = sizeof(struct run_config),
         .run = run_command},
        {.name = "verify",
         .arguments = "DIR",
         .summary = "check a package offline: rows against raw scans, both ways",
         .options = verify_options,
         .option_count = VERIFY_OPTION_COUNT,
         .config_size = sizeof(struct verify_config),
         .run = verify_command},
        {.name = "numbers",
         .arguments = "[DIR]",
         .summary = "the month's numbers and escalation triggers, of a package or the database",
         .options = numbers_options,
         .option_count = NUMBERS_OPTION_COUNT,
         .config_size = sizeof(struct numbers_config),
         .run = numbers_command},
};

const struct mu_program report_program = {
        .name = "muster-report",
        .summary = "writes the monthly FedRAMP inventory package and proves that it matches.",
        .details = "A package is written from one snapshot of the database: the same month asked "
                   "again\n"
                   "gives the same bytes.\n"
                   "\n"
                   "  muster-report run --month=2026-11 --system=system.yaml --out=package \\\n"
                   "      --postgres='host=db dbname=muster user=muster_report' "
                   "--inventory-url=http://inventory:8080\n"
                   "  muster-report verify package\n"
                   "  muster-report numbers package\n"
                   "\n"
                   "Exit codes: 0 written, or verified without difference; 1 verify found a "
                   "difference\n"
                   "(or, with --no-gaps, a declared gap); 2 wrong usage or configuration; 3 it "
                   "could not\n"
                   "be done.\n",
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
};
