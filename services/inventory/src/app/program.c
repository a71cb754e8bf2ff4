#include "app/commands.h"

#include "coverage/coverage_command.h"
#include "explain/explain_command.h"
#include "ledger/ledger_commands.h"
#include "ledger/rebuild.h"
#include "lists/list_command.h"

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
        {.name = "rebuild",
         .arguments = "",
         .summary = "make all facts anew from the ledger and the evidence",
         .options = rebuild_options,
         .option_count = REBUILD_OPTION_COUNT,
         .config_size = sizeof(struct rebuild_config),
         .run = rebuild_command},
        {.name = "ledger",
         .arguments = "",
         .summary = "is every event received applied, quarantined, or a duplicate?",
         .options = ledger_options,
         .option_count = LEDGER_OPTION_COUNT,
         .config_size = sizeof(struct ledger_config),
         .run = ledger_command},
        {.name = "retention",
         .arguments = "",
         .summary = "which months of the ledger may go; with --apply they do",
         .options = retention_options,
         .option_count = RETENTION_OPTION_COUNT,
         .config_size = sizeof(struct retention_config),
         .run = retention_command},
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
        {.name = "assets",
         .arguments = "",
         .summary = "the classes of images, each with its digest",
         .options = assets_options,
         .option_count = ASSETS_OPTION_COUNT,
         .config_size = sizeof(struct list_command_config),
         .run = assets_command},
        {.name = "history",
         .arguments = "UAI|DIGEST|POD",
         .summary = "what became of one thing, in order",
         .options = subject_options,
         .option_count = SUBJECT_OPTION_COUNT,
         .config_size = sizeof(struct list_command_config),
         .run = history_command},
        {.name = "whowas",
         .arguments = "POD|NODE|OWNER|UAI|DIGEST",
         .summary = "what ran there, or as that, at an instant",
         .options = subject_options,
         .option_count = SUBJECT_OPTION_COUNT,
         .config_size = sizeof(struct list_command_config),
         .run = whowas_command},
        {.name = "diff",
         .arguments = "",
         .summary = "what changed between two instants, each with its cause",
         .options = diff_options,
         .option_count = DIFF_OPTION_COUNT,
         .config_size = sizeof(struct list_command_config),
         .run = diff_command},
        {.name = "sources",
         .arguments = "",
         .summary = "who tells of registries and clusters, and who went silent",
         .options = sources_options,
         .option_count = SOURCES_OPTION_COUNT,
         .config_size = sizeof(struct list_command_config),
         .run = sources_command},
        {.name = "failures",
         .arguments = "",
         .summary = "where detection failed: scans given up, silent sources",
         .options = failures_options,
         .option_count = FAILURES_OPTION_COUNT,
         .config_size = sizeof(struct list_command_config),
         .run = failures_command},
        {.name = "sample",
         .arguments = "",
         .summary = "running containers by a seed, spread over all assets",
         .options = sample_options,
         .option_count = SAMPLE_OPTION_COUNT,
         .config_size = sizeof(struct list_command_config),
         .run = sample_command},
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
                   "      --evidence-dir=/var/lib/muster/evidence "
                   "--access-file=/etc/muster/access\n"
                   "  muster-inventory coverage --postgres='host=db dbname=muster'\n"
                   "  muster-inventory explain --postgres='host=db dbname=muster' "
                   "registry.example/app:1.0\n"
                   "\n"
                   "'run' migrates the database when it starts.\n"
                   "\n"
                   "Exit codes: 0 done; 1 coverage: some container is not covered; ledger: "
                   "something is\n"
                   "unaccounted for; explain, "
                   "history, whowas,\n"
                   "sample: nothing is known; diff: there are differences; sources: one is silent; "
                   "failures:\n"
                   "one is open; 2 wrong usage or configuration; 3 it could not be done.\n",
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
};
