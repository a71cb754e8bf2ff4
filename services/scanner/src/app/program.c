#include "app/commands.h"

#include "image/image_scan.h"
#include "match/vex.h"
#include "package/finder.h"

#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const struct mu_command commands[] = {
        {.name = "run",
         .arguments = "",
         .summary = "scan what inventory asks for",
         .options = run_options,
         .option_count = RUN_OPTION_COUNT,
         .config_size = sizeof(struct run_config),
         .run = run_command},
        {.name = "scan",
         .arguments = "PATH | IMAGE:TAG | IMAGE@DIGEST",
         .summary = "scan one image now and show the findings",
         .options = scan_options,
         .option_count = SCAN_OPTION_COUNT,
         .config_size = sizeof(struct scan_config),
         .run = scan_command},
        {.name = "db",
         .arguments = "build INPUT... | update | info FILE | verify FILE | query PURL",
         .summary = "build the vulnerability database, refresh it, look into it",
         .options = db_options,
         .option_count = DB_OPTION_COUNT,
         .config_size = sizeof(struct db_config),
         .run = db_command},
        {.name = "match",
         .arguments = "[PACKAGES.jsonl]",
         .summary = "judge a list of distinct packages, all or those whose advisories changed",
         .options = match_options,
         .option_count = MATCH_OPTION_COUNT,
         .config_size = sizeof(struct match_config),
         .run = match_command},
        {.name = "compare",
         .arguments = "ECOSYSTEM [FILE]",
         .summary = "print <, = or > for each line of two versions, a tab between",
         .config_size = 1,
         .run = compare_command},
        {.name = "checks",
         .arguments = "",
         .summary = "list what is looked for in an image besides vulnerabilities",
         .options = checks_options,
         .option_count = CHECKS_OPTION_COUNT,
         .config_size = sizeof(struct checks_config),
         .run = checks_command},
        {.name = "import",
         .arguments = "FILE",
         .summary = "read another scanner's report and print its findings as JSON",
         .options = import_options,
         .option_count = IMPORT_OPTION_COUNT,
         .config_size = sizeof(struct import_config),
         .run = import_command},
};

const struct mu_program scanner_program = {
        .name = "muster-scanner",
        .summary = "finds packages and vulnerabilities in images, without unpacking them.",
        .details =
                "First a database, from any of: OSV records, Alpine secdb, Debian's tracker, Red "
                "Hat's CSAF\n"
                "and VEX, CISA KEV, EPSS, CVSS and SSVC, NVD; zips, folders, files (also gzip, "
                "zstd). What an\n"
                "input is, its content tells; KIND:PATH says it where it does not:\n"
                "\n"
                "  muster-scanner db build --out=vulnerabilities.db Debian.zip npm.zip kev.json\n"
                "  muster-scanner run --database=vulnerabilities.db --kafka-brokers=kafka:9092 \\\n"
                "      --inventory-url=http://inventory:8080\n"
                "\n"
                "One image, now: of a registry (host/path:tag, host/path@sha256:...), or a file or "
                "folder\n"
                "that is an OCI layout, an OCI archive or what 'docker save' writes:\n"
                "\n"
                "  muster-scanner scan --database=vulnerabilities.db image.tar\n"
                "\n"
                "Packages of a whole fleet, each once, a line of JSON each ({\"purl\": "
                "\"pkg:...\"}), all of\n"
                "them or, with --previous, those that a new database says something new of:\n"
                "\n"
                "  muster-scanner match --database=new.db --previous=old.db packages.jsonl\n"
                "\n"
                "Order of versions as an ecosystem has it (\"Debian:12\", \"npm\", \"Red Hat\"; "
                "any "
                "other\n"
                "word lists them), from standard input or a file:\n"
                "\n"
                "  printf '1.10\\t1.9\\n' | muster-scanner compare PyPI      # prints >\n"
                "\n"
                "Exit codes: 0 done; 1 scan: the image could not be scanned whole, import: the "
                "report is not\n"
                "enough for a scan of record, compare: a text is no version of that ecosystem (it "
                "has its place\n"
                "all the same), match: a line names no package, db update: a source failed and "
                "its last copy\n"
                "was used, db verify: the file is damaged, db query: nothing is known of that "
                "ecosystem;\n"
                "2 wrong usage or configuration; 3 it could not be done.\n",
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
};

void limits_from(const struct limit_config *config, struct image_limits *ret_limits)
{
    *ret_limits =
            (struct image_limits){.max_layer_unpacked_bytes = (uint64_t)config->max_layer_unpacked,
                                  .max_image_unpacked_bytes = (uint64_t)config->max_image_unpacked,
                                  .max_layer_bytes = (uint64_t)config->max_layer,
                                  .max_layer_entries = (uint64_t)config->max_entries,
                                  .max_layers = (uint32_t)config->max_layers,
                                  .max_packages = (uint32_t)config->max_packages,
                                  .deadline_ms = config->deadline_ms};
}

enum mu_status engine_from(const struct engine_config *config, struct layer_engine **ret_engine,
                           struct mu_error *err)
{
    struct layer_engine_config engine = {.temp_dir = config->temp_dir,
                                         .cache_dir = config->cache_dir,
                                         .cache_max_bytes = (uint64_t)config->cache_max_bytes,
                                         .memory_budget_bytes = (uint64_t)config->memory_budget,
                                         .finders = finders,
                                         .finder_count = finder_count};

    if (mu_text_equal(config->sandbox, "none"))
        engine.isolation = LAYER_IN_PROCESS;
    else if (!mu_text_equal(config->sandbox, "process"))
        return mu_fail(err, MU_E_INVALID, "--sandbox is 'process' or 'none', not '%.100s'",
                       config->sandbox);
    return layer_engine_new(&engine, ret_engine, err);
}

static enum mu_status vex_load_all(const char *paths, struct vex_set *set, struct mu_error *err)
{
    char path[PATH_MAX];

    for (const char *at = paths; *at != '\0';) {
        size_t len = strcspn(at, ",");

        if (len >= sizeof(path))
            return mu_fail(err, MU_E_LIMIT, "--vex: '%.40s...' is too long a name", at);
        (void)snprintf(path, sizeof(path), "%.*s", (int)len, at);
        if (len > 0 && vex_set_load(set, path, err) != MU_OK)
            return mu_wrap(err, "--vex");
        at += len + (at[len] == ',');
    }
    return MU_OK;
}

enum mu_status vex_option_load(const char *paths, struct vex_set **ret_set, struct mu_error *err)
{
    MU_AUTO(vex_set) struct vex_set *set = NULL;

    if (!paths || paths[0] == '\0')
        return MU_OK;
    set = vex_set_new();
    if (vex_load_all(paths, set, err) != MU_OK)
        return err->status;
    *ret_set = set;
    set = NULL;
    return MU_OK;
}
