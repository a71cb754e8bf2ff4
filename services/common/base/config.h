/*
 * config: one option table per program gives parsing, --help and checking.
 *
 * An option "kafka-brokers" of program "muster-ingest" is read from the command
 * line (--kafka-brokers=VALUE or --kafka-brokers VALUE), else the environment
 * (MUSTER_KAFKA_BROKERS), else its default. A secret is read only from the
 * environment or, with the suffix _FILE, from the file that names
 * (MUSTER_KAFKA_PASSWORD_FILE); never from the command line, never printed.
 *
 * Errors name the option, the value and what would be right.
 */
#ifndef MU_BASE_CONFIG_H
#define MU_BASE_CONFIG_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mu_option_type {
    MU_OPTION_TEXT,        /* const char * */
    MU_OPTION_INT,         /* int64_t, min..max */
    MU_OPTION_BYTES,       /* int64_t, suffix KiB MiB GiB allowed */
    MU_OPTION_DURATION_MS, /* int64_t milliseconds, suffix ms s m h d; bare number is ms */
    MU_OPTION_BOOL         /* bool: --x, --x=true|false */
};

enum mu_option_flag {
    MU_OPTION_REQUIRED = 1 << 0, /* no default: must be given and not empty */
    MU_OPTION_SECRET = 1 << 1
};

struct mu_option {
    const char *name; /* kebab-case */
    enum mu_option_type type;
    size_t offset;             /* of the member in the config struct */
    const char *default_value; /* NULL: no value (NULL, 0, false) */
    int64_t min, max;          /* for the number types */
    unsigned flags;
    const char *help; /* one line, says the unit; "(default: ...)" in it goes before the value */
};

/* A number as options write it, with the suffixes of the type: "64MiB", "30s"; false when it is
 * none, or too large. */
bool mu_option_number(enum mu_option_type type, const char *text, int64_t *ret_value);

/* A verb of a program: `muster-inventory explain`. */
struct mu_command {
    const char *name;
    const char *arguments; /* "<uai|digest|pod>" or "" */
    const char *summary;   /* one line */
    const struct mu_option *options;
    size_t option_count;
    size_t config_size; /* of the struct the options fill */
    int (*run)(void *config, int argc,
               char **argv); /* argv: what is no option; returns the exit code */
};

struct mu_program {
    const char *name;    /* "muster-inventory" */
    const char *summary; /* what it is, one sentence */
    const char *details; /* paragraphs for --help: what to run first, exit codes */
    const struct mu_command *commands;
    size_t command_count;
};

/* Exit codes that all programs share; each program's --help lists its own beside them. */
enum mu_exit {
    MU_EXIT_OK = 0,
    MU_EXIT_DIFFERENCE = 1, /* the question was answered, and the answer is "no" or "not found" */
    MU_EXIT_USAGE = 2,      /* command line or configuration is wrong */
    MU_EXIT_FAILURE = 3     /* it could not be done; the message says why */
};

/* "kafka-brokers" gives "MUSTER_KAFKA_BROKERS". */
enum { MU_ENVIRONMENT_NAME_SIZE = 128 };
void mu_environment_name(const char *option, char ret_name[MU_ENVIRONMENT_NAME_SIZE]);

/* Finds the command, fills its config, runs it; handles --help, --version, help. */
int mu_program_main(const struct mu_program *program, int argc, char **argv);

/*
 * Fills `config` (zeroed by the caller) from argv, environment and defaults.
 * Strings are owned by the config until mu_config_done. `ret_rest` is the index in argv of the
 * first word that is no option (options may also follow; they are permuted to the front).
 * Errors: MU_E_INVALID naming the option.
 */
enum mu_status mu_config_load(const struct mu_option *options, size_t option_count, int argc,
                              char **argv, void *config, int *ret_rest,
                              struct mu_error *err) MU_MUST_CHECK;
void mu_config_done(const struct mu_option *options, size_t option_count, void *config);

#endif
