#include "app/commands.h"

static const struct mu_command commands[] = {
        {.name = "run",
         .arguments = "",
         .summary = "receive webhooks and watch clusters, into Kafka",
         .options = run_options,
         .option_count = RUN_OPTION_COUNT,
         .config_size = sizeof(struct run_config),
         .run = run_command},
        {.name = "check-config",
         .arguments = "",
         .summary = "check the file of sources and show what it says",
         .options = check_options,
         .option_count = CHECK_OPTION_COUNT,
         .config_size = sizeof(struct check_config),
         .run = check_command},
        {.name = "explain",
         .arguments = "FILE",
         .summary =
                 "show what a recorded request (FILE.http) or body would become; needs no broker",
         .options = explain_options,
         .option_count = EXPLAIN_OPTION_COUNT,
         .config_size = sizeof(struct explain_config),
         .run = explain_command},
        {.name = "list",
         .arguments = "",
         .summary = "list a registry and show what differs from what is known; sends nothing",
         .options = list_options,
         .option_count = LIST_OPTION_COUNT,
         .config_size = sizeof(struct list_config),
         .run = list_command},
        {.name = "sources",
         .arguments = "",
         .summary = "list the kinds of sources",
         .options = sources_options,
         .option_count = SOURCES_OPTION_COUNT,
         .config_size = sizeof(struct sources_config),
         .run = sources_command},
        {.name = "status",
         .arguments = "",
         .summary = "show how every source of a running ingest does; exit 1 when one is silent",
         .options = status_options,
         .option_count = STATUS_OPTION_COUNT,
         .config_size = sizeof(struct status_config),
         .run = status_command},
        {.name = "quarantine",
         .arguments = "list|show|replay [ID...]",
         .summary = "look at what was not understood, and feed it again",
         .options = quarantine_options,
         .option_count = QUARANTINE_OPTION_COUNT,
         .config_size = sizeof(struct quarantine_config),
         .run = quarantine_command},
        {.name = "replay",
         .arguments = "FILE...",
         .summary = "feed recorded requests (FILE.http, bodies, .ndjson) into Kafka",
         .options = replay_options,
         .option_count = REPLAY_OPTION_COUNT,
         .config_size = sizeof(struct replay_config),
         .run = replay_command},
        {.name = "retire",
         .arguments = "",
         .summary = "tell every pod of a cluster that is gone for good as removed",
         .options = retire_options,
         .option_count = RETIRE_OPTION_COUNT,
         .config_size = sizeof(struct retire_config),
         .run = retire_command},
};

const struct mu_program ingest_program = {
        .name = "muster-ingest",
        .summary = "takes registry pushes and cluster changes into Kafka, and loses none.",
        .details =
                "Wiring a source: describe it in the file of sources, then\n"
                "\n"
                "  muster-ingest check-config --config=sources.yaml\n"
                "  muster-ingest explain --config=sources.yaml --source=main captured-body.json\n"
                "  muster-ingest run --config=sources.yaml --kafka-brokers=kafka:9092\n"
                "\n"
                "A cluster that is gone for good: take it out of that file, send SIGHUP, then\n"
                "\n"
                "  muster-ingest retire --source=production --spool-dir=/var/lib/muster/spool\n"
                "  muster-ingest retire ... --kafka-brokers=kafka:9092 --apply\n"
                "\n"
                "Exit codes: 0 done; 1 not all was understood, or a source is silent; 2 wrong "
                "usage or\n"
                "configuration; 3 it could not be done.\n",
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
};
