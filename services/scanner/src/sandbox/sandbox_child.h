/*
 * sandbox_child: what the program does when it was started as a sandbox: it reads one layer from
 * its socket, answers with the summary and ends.
 *
 * The program's main calls sandbox_child_main, and nothing else, when its only argument is
 * SANDBOX_COMMAND. Trust: the request comes from the worker; the layer is hostile, and is not
 * looked at before everything that is not needed was given up (sandbox_lock.h).
 */
#ifndef SCANNER_SANDBOX_SANDBOX_CHILD_H
#define SCANNER_SANDBOX_SANDBOX_CHILD_H

#include "package/finder.h"

#include <stdbool.h>
#include <stddef.h>

#define SANDBOX_COMMAND "sandbox-worker"

bool sandbox_child_is_asked(int argc, char **argv);

/* Returns only when it was not started by a worker, with an exit code. */
int sandbox_child_main(const struct finder *const *used, size_t used_count);

#endif
