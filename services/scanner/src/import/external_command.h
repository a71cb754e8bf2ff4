/*
 * external_command: the command line of another scanner, split into words, and what is put in for
 * one image. Ownership: a command owns its words.
 */
#ifndef SCANNER_IMPORT_EXTERNAL_COMMAND_H
#define SCANNER_IMPORT_EXTERNAL_COMMAND_H

#include "import/external.h"

#include <stddef.h>

struct external_command {
    char words[EXTERNAL_COMMAND_MAX_BYTES]; /* one after the other, each with its NUL */
    const char *argv[EXTERNAL_WORDS_MAX + 1];
    size_t count;
};

/* Errors: as external_scanner_new; the command is then to be thrown away. */
enum mu_status external_command_split(const char *text, struct external_command *command,
                                      struct mu_error *err) MU_MUST_CHECK;

/* The words for one image, in memory of one piece (freed with free()), NULL at the end. */
char **external_command_fill(const struct external_command *command, const char *repository,
                             const char *digest);

#endif
