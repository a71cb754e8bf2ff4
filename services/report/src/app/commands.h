/*
 * commands: the verbs of muster-report: run, verify and numbers. Each returns an exit code of
 * base/config.h and speaks to the person at the terminal.
 */
#ifndef REPORT_COMMANDS_H
#define REPORT_COMMANDS_H

#include "base/config.h"

extern const struct mu_program report_program;

#endif
