#include "app/commands.h"

#include "app/check_command.h"
#include "app/close_command.h"
#include "app/diff_command.h"
#include "app/months_command.h"
#include "app/numbers_command.h"
#include "app/run_command.h"
#include "app/sample_command.h"
#include "app/verify_command.h"

static const struct mu_command commands[] = {
        {.name = "check",
         .arguments = "SYSTEM",
         .summary = "is the system file right? Names line, key and fix",
         .options = check_options,
         .option_count = CHECK_OPTION_COUNT,
         .config_size = sizeof(struct check_config),
         .run = check_command},
        {.name = "check-month",
         .arguments = "",
         .summary = "what would get the month's package rejected, each with its fix",
         .options = check_month_options,
         .option_count = CHECK_MONTH_OPTION_COUNT,
         .config_size = sizeof(struct close_config),
         .run = check_month_command},
        {.name = "close",
         .arguments = "",
         .summary = "freeze a month in the store of closed months",
         .options = close_options,
         .option_count = CLOSE_OPTION_COUNT,
         .config_size = sizeof(struct close_config),
         .run = close_command},
        {.name = "reopen",
         .arguments = "",
         .summary = "amend a closed month: a new revision beside the old one",
         .options = reopen_options,
         .option_count = REOPEN_OPTION_COUNT,
         .config_size = sizeof(struct close_config),
         .run = reopen_command},
        {.name = "months",
         .arguments = "",
         .summary = "the closed months, and whether the store is what was closed",
         .options = months_options,
         .option_count = MONTHS_OPTION_COUNT,
         .config_size = sizeof(struct months_config),
         .run = months_command},
        {.name = "run",
         .arguments = "",
         .summary = "write a closed month's package, or a preview: workbook, raw scans, manifest",
         .options = run_options,
         .option_count = RUN_OPTION_COUNT,
         .config_size = sizeof(struct run_config),
         .run = run_command},
        {.name = "verify",
         .arguments = "PACKAGE",
         .summary = "check a package, or any workbook and scans, offline and both ways",
         .options = verify_options,
         .option_count = VERIFY_OPTION_COUNT,
         .config_size = sizeof(struct verify_config),
         .run = verify_command},
        {.name = "diff",
         .arguments = "",
         .summary = "two closed months side by side, each difference with its cause",
         .options = diff_options,
         .option_count = DIFF_OPTION_COUNT,
         .config_size = sizeof(struct diff_config),
         .run = diff_command},
        {.name = "sample",
         .arguments = "",
         .summary = "containers drawn for an assessor, each with its trail to the raw file",
         .options = sample_options,
         .option_count = SAMPLE_OPTION_COUNT,
         .config_size = sizeof(struct sample_config),
         .run = sample_command},
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
        .details = "A month is closed once, from one snapshot of the database, into a store that "
                   "keeps "
                   "it and its\n"
                   "raw scans; its package is rendered from there, byte for byte the same years "
                   "later.\n"
                   "\n"
                   "  muster-report check-month --month=last --system=system.yaml --postgres=...\n"
                   "  muster-report close --month=last --store=store --system=system.yaml \\\n"
                   "      --postgres='host=db dbname=muster user=muster_report' "
                   "--inventory-url=http://inventory:8080\n"
                   "  muster-report run --month=2026-11 --store=store --out=package\n"
                   "  muster-report verify package\n"
                   "  muster-report numbers package\n"
                   "\n"
                   "Exit codes: 0 done, complete, whole, or verified without difference; 1 close, "
                   "reopen,\n"
                   "check-month: something would get the package rejected; months: the store is "
                   "damaged;\n"
                   "verify: a difference (or, with --no-gaps, a declared gap); 2 wrong usage or "
                   "configuration;\n"
                   "3 it could not be done; 4 close, reopen: another run holds the store's lock; "
                   "5 close: the\n"
                   "month is closed already, nothing was done.\n",
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
};
