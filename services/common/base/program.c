/* The command line of a program: commands, help, exit codes (config.h, mu_program_main). */
#include "base/config.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUMMARY_COLUMN = 29 };

#ifndef MU_VERSION
#    define MU_VERSION "0.0.0"
#endif

static void print_overview(const struct mu_program *program, FILE *out)
{
    (void)fprintf(out, "%s %s\n\nUsage: %s COMMAND [--option=value ...]\n\nCommands:\n",
                  program->name, program->summary, program->name);
    for (size_t i = 0; i < program->command_count; i++) {
        const struct mu_command *command = &program->commands[i];
        int len = fprintf(out, "  %s %s", command->name, command->arguments);
        bool is_long = len >= SUMMARY_COLUMN; /* then it has the line for itself */

        (void)fprintf(out, "%s%*s%s\n", is_long ? "\n" : "",
                      is_long ? SUMMARY_COLUMN : SUMMARY_COLUMN - len, "", command->summary);
    }
    (void)fprintf(out,
                  "\n%s\n'%s help COMMAND' lists the options of a command. Each option may also be "
                  "given in\nthe environment: --some-option is MUSTER_SOME_OPTION.\n",
                  program->details, program->name);
}

static const char *type_text(const struct mu_option *option)
{
    static const char *const texts[] = {[MU_OPTION_TEXT] = "TEXT",
                                        [MU_OPTION_INT] = "N",
                                        [MU_OPTION_BYTES] = "SIZE",
                                        [MU_OPTION_DURATION_MS] = "TIME",
                                        [MU_OPTION_BOOL] = "true|false"};

    return texts[option->type];
}

/* Help that says the default itself says it better: "never" for a number. */
static bool shows_default(const struct mu_option *option)
{
    return option->default_value && *option->default_value && !strstr(option->help, "(default:");
}

static void print_option(const struct mu_option *option, FILE *out)
{
    char head[160], environment[MU_ENVIRONMENT_NAME_SIZE];

    mu_environment_name(option->name, environment);
    if (option->flags & MU_OPTION_SECRET)
        (void)snprintf(head, sizeof(head), "%s[_FILE]", environment);
    else
        (void)snprintf(head, sizeof(head), "--%s=%s", option->name, type_text(option));
    (void)fprintf(out, "  %-34s %s", head, option->help);
    if (option->flags & MU_OPTION_REQUIRED)
        (void)fputs(" (required)", out);
    else if (shows_default(option))
        (void)fprintf(out, " (default %s)", option->default_value);
    (void)fputc('\n', out);
}

static void print_command(const struct mu_program *program, const struct mu_command *command,
                          FILE *out)
{
    (void)fprintf(out, "%s %s: %s\n\nUsage: %s %s %s%s\n", program->name, command->name,
                  command->summary, program->name, command->name, command->arguments,
                  command->option_count ? " [--option=value ...]" : "");
    if (command->option_count > 0)
        (void)fputs("\nOptions:\n", out);
    for (size_t i = 0; i < command->option_count; i++)
        print_option(&command->options[i], out);
}

static const struct mu_command *find_command(const struct mu_program *program, const char *name)
{
    for (size_t i = 0; i < program->command_count; i++)
        if (mu_text_equal(program->commands[i].name, name))
            return &program->commands[i];
    return NULL;
}

static int unknown_command(const struct mu_program *program, const char *name)
{
    (void)fprintf(stderr, "%s: no command '%.60s'; there are:", program->name, name);
    for (size_t i = 0; i < program->command_count; i++)
        (void)fprintf(stderr, " %s", program->commands[i].name);
    (void)fputc('\n', stderr);
    return MU_EXIT_USAGE;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (mu_text_equal(argv[i], "--help") || mu_text_equal(argv[i], "-h"))
            return true;
    return false;
}

static int run_command(const struct mu_program *program, const struct mu_command *command, int argc,
                       char **argv)
{
    MU_AUTO_FREE void *config = mu_xcalloc(1, command->config_size);
    struct mu_error err;
    int rest = 0, code;

    if (asks_for_help(argc, argv)) {
        print_command(program, command, stdout);
        return MU_EXIT_OK;
    }
    if (mu_config_load(command->options, command->option_count, argc, argv, config, &rest, &err) !=
        MU_OK) {
        (void)fprintf(stderr, "%s %s: %s\n", program->name, command->name, err.message);
        return MU_EXIT_USAGE;
    }
    code = command->run(config, argc - rest, argv + rest);
    mu_config_done(command->options, command->option_count, config);
    return code;
}

static int help(const struct mu_program *program, int argc, char **argv)
{
    const struct mu_command *command;

    if (argc < 1) {
        print_overview(program, stdout);
        return MU_EXIT_OK;
    }
    command = find_command(program, argv[0]);
    if (!command)
        return unknown_command(program, argv[0]);
    print_command(program, command, stdout);
    return MU_EXIT_OK;
}

int mu_program_main(const struct mu_program *program, int argc, char **argv)
{
    const struct mu_command *command;

    if (argc < 2) {
        print_overview(program, stderr);
        return MU_EXIT_USAGE;
    }
    if (mu_text_equal(argv[1], "--version")) {
        (void)printf("%s %s\n", program->name, MU_VERSION);
        return MU_EXIT_OK;
    }
    if (mu_text_equal(argv[1], "help") || mu_text_equal(argv[1], "--help") ||
        mu_text_equal(argv[1], "-h"))
        return help(program, argc - 2, argv + 2);
    command = find_command(program, argv[1]);
    return command ? run_command(program, command, argc - 2, argv + 2)
                   : unknown_command(program, argv[1]);
}
