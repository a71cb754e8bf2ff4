#include "app/commands.h"

#include "coverage/coverage_command.h"
#include "deviation/statement_command.h"
#include "explain/explain_command.h"
#include "findings/findings_command.h"
#include "notify/notifications_command.h"

static const struct mu_command commands[] = {
        {.name = "run",
         .arguments = "",
         .summary = "apply events, schedule scans, serve the API",
         .options = run_options,
         .option_count = RUN_OPTION_COUNT,
         .config_size = sizeof(struct run_config),
         .run = run_command},
        {.name = "migrate",
         .arguments = "",
         .summary = "bring the database's schema up to this program",
         .options = migrate_options,
         .option_count = MIGRATE_OPTION_COUNT,
         .config_size = sizeof(struct migrate_config),
         .run = migrate_command},
        {.name = "coverage",
         .arguments = "",
         .summary = "is every running container covered by a scan?",
         .options = coverage_options,
         .option_count = COVERAGE_OPTION_COUNT,
         .config_size = sizeof(struct coverage_config),
         .run = coverage_command},
        {.name = "explain",
         .arguments = "UAI|DIGEST|POD",
         .summary = "the whole trail of one thing",
         .options = explain_options,
         .option_count = EXPLAIN_OPTION_COUNT,
         .config_size = sizeof(struct explain_config),
         .run = explain_command},
        {.name = "findings",
         .arguments = "",
         .summary = "open vulnerabilities per asset, and until when they must be mended",
         .options = findings_options,
         .option_count = FINDINGS_OPTION_COUNT,
         .config_size = sizeof(struct findings_config),
         .run = findings_command},
        {.name = "clocks",
         .arguments = "[UAI [CVE]]",
         .summary = "until when scans cover; which event moved which clock of an asset",
         .options = clocks_options,
         .option_count = CLOCKS_OPTION_COUNT,
         .config_size = sizeof(struct clocks_config),
         .run = clocks_command},
        {.name = "deviation",
         .arguments = "add|approve|reject|withdraw|check-in|release|list|import FILE|export",
         .summary = "false positives, adjustments, requirements, dependencies, acceptances",
         .options = deviation_options,
         .option_count = DEVIATION_OPTION_COUNT,
         .config_size = sizeof(struct statement_config),
         .run = deviation_command},
        {.name = "hardening",
         .arguments = "add|withdraw|list|import FILE|export",
         .summary = "which image was validated against which baseline",
         .options = hardening_options,
         .option_count = HARDENING_OPTION_COUNT,
         .config_size = sizeof(struct statement_config),
         .run = hardening_command},
        {.name = "exposure",
         .arguments = "add|list|import FILE|export",
         .summary = "which asset can be reached from the Internet",
         .options = exposure_options,
         .option_count = EXPOSURE_OPTION_COUNT,
         .config_size = sizeof(struct statement_config),
         .run = exposure_command},
        {.name = "ssvc",
         .arguments = "add|list|import FILE|export",
         .summary = "SSVC values of vulnerabilities that no database gave",
         .options = ssvc_options,
         .option_count = SSVC_OPTION_COUNT,
         .config_size = sizeof(struct statement_config),
         .run = ssvc_command},
        {.name = "notifications",
         .arguments = "list|test NAME|retry [NAME]",
         .summary = "what was told to whom; try a webhook; again what failed",
         .options = notifications_options,
         .option_count = NOTIFICATIONS_OPTION_COUNT,
         .config_size = sizeof(struct notifications_config),
         .run = notifications_command},
        {.name = "dump",
         .arguments = "",
         .summary = "all facts, sorted: two databases that saw the same events agree",
         .options = explain_options,
         .option_count = DUMP_OPTION_COUNT,
         .config_size = sizeof(struct explain_config),
         .run = dump_command},
};

const struct mu_program inventory_program = {
        .name = "muster-inventory",
        .summary = "knows which containers run, what they are, and whether they were scanned.",
        .details = "  muster-inventory run --postgres='host=db dbname=muster' "
                   "--kafka-brokers=kafka:9092 \\\n"
                   "      --evidence-dir=/var/lib/muster/evidence\n"
                   "  muster-inventory coverage --postgres='host=db dbname=muster'\n"
                   "  muster-inventory explain --postgres='host=db dbname=muster' "
                   "registry.example/app:1.0\n"
                   "\n"
                   "'run' migrates the database when it starts.\n"
                   "\n"
                   "Exit codes: 0 done; 1 coverage: some container is not covered, explain: "
                   "nothing is\n"
                   "known, findings: something is late, clocks: a scan has expired or had an "
                   "old\n"
                   "database, deviation and the like: it cannot be as things stand, "
                   "notifications\n"
                   "test: not taken; 2 wrong usage or configuration; 3 it could not be done.\n",
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
};
