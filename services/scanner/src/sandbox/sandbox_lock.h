/*
 * sandbox_lock: gives up, for good, all that reading a layer does not need.
 *
 * After it no file can be opened, no connection made, no program run, no descriptor gained; memory
 * and processor time have an end; no capability is left. Calls that are not on the list fail with
 * EPERM; those that only an attack would make end the process.
 *
 * Threads: called once; holds for all threads of the process.
 * Sources: seccomp(2), setrlimit(2), capabilities(7).
 */
#ifndef SCANNER_SANDBOX_SANDBOX_LOCK_H
#define SCANNER_SANDBOX_SANDBOX_LOCK_H

#include "base/error.h"

#include <stdint.h>

#define SANDBOX_DATA_BYTES ((uint64_t)64 * 1024 * 1024)       /* private memory, without scratch */
#define SANDBOX_FILE_BYTES ((uint64_t)8 * 1024 * 1024 * 1024) /* each temporary file */

/* Errors: MU_E_UNAVAILABLE (the system does not let us). */
enum mu_status sandbox_lock(uint64_t cpu_seconds, struct mu_error *err) MU_MUST_CHECK;

#endif
