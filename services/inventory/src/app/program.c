#include "app/commands.h"

#include "coverage/coverage_command.h"
#include "explain/explain_command.h"
#include "gate/cache_command.h"
#include "gate/gate_server.h"
#include "policy/approval_command.h"
#include "policy/pipeline_command.h"
#include "policy/policy_command.h"

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
        {.name = "dump",
         .arguments = "",
         .summary = "all facts, sorted: two databases that saw the same events agree",
         .options = explain_options,
         .option_count = DUMP_OPTION_COUNT,
         .config_size = sizeof(struct explain_config),
         .run = dump_command},
        {.name = "gate-server",
         .arguments = "",
         .summary = "answer clusters and pipelines whether an image may start",
         .options = gate_server_options,
         .option_count = GATE_SERVER_OPTION_COUNT,
         .config_size = sizeof(struct gate_server_config),
         .run = gate_server_command},
        {.name = "gate-cache",
         .arguments = "build|info|verify",
         .summary = "the file the gate answers from",
         .options = cache_command_options,
         .option_count = CACHE_COMMAND_OPTION_COUNT,
         .config_size = sizeof(struct cache_command_config),
         .run = cache_command},
        {.name = "gate",
         .arguments = "IMAGE",
         .summary = "may this image go on? One line in a pipeline",
         .options = pipeline_options,
         .option_count = PIPELINE_OPTION_COUNT,
         .config_size = sizeof(struct pipeline_config),
         .run = pipeline_command},
        {.name = "policy",
         .arguments = "check|store|list|show|dry-run [FILE|DIGEST]",
         .summary = "what makes an image good enough",
         .options = policy_command_options,
         .option_count = POLICY_COMMAND_OPTION_COUNT,
         .config_size = sizeof(struct policy_command_config),
         .run = policy_command},
        {.name = "approve",
         .arguments = "IMAGE",
         .summary = "let an image through in spite of the policy, until a time",
         .options = approval_options,
         .option_count = APPROVAL_OPTION_COUNT,
         .config_size = sizeof(struct approval_config),
         .run = approve_command},
        {.name = "revoke",
         .arguments = "IMAGE",
         .summary = "stop an image in spite of the policy",
         .options = approval_options,
         .option_count = APPROVAL_OPTION_COUNT,
         .config_size = sizeof(struct approval_config),
         .run = revoke_command},
        {.name = "withdraw",
         .arguments = "IMAGE",
         .summary = "take back what was said of an image",
         .options = approval_options,
         .option_count = APPROVAL_OPTION_COUNT,
         .config_size = sizeof(struct approval_config),
         .run = withdraw_command},
        {.name = "approvals",
         .arguments = "",
         .summary = "what people said of images",
         .options = approvals_options,
         .option_count = APPROVALS_OPTION_COUNT,
         .config_size = sizeof(struct approval_config),
         .run = approvals_command},
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
                   "known, gate: rejected; 2 wrong usage or configuration; 3 it could not be done; "
                   "4 gate: "
                   "no\n"
                   "verdict yet.\n",
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
};
