/*
 * db: the parts of `muster-scanner db`, one file each. Each returns an exit code of base/config.h
 * and speaks to the person at the terminal.
 */
#ifndef SCANNER_APP_DB_H
#define SCANNER_APP_DB_H

#include "app/commands.h"

#include "base/error.h"

int db_build(const struct db_config *config, int count, char **inputs);
int db_update(const struct db_config *config, int count, char **arguments);
int db_info(const struct db_config *config, int count, char **files);
int db_verify(const struct db_config *config, int count, char **files);
int db_query(const struct db_config *config, int count, char **purls);

/* Prints the message; returns `code`. */
int db_fail(const struct mu_error *err, int code);

struct builder;

/*
 * Reads the inputs (database/input.h) and writes `out`, whole or not at all; what is left out is
 * said on standard error. `built_at_us` MU_TIME_NONE: of the newest record. Errors: as input_add,
 * builder_finish, mu_file_write_atomic.
 */
enum mu_status db_build_file(const char *out, int64_t built_at_us, int count,
                             const char *const *inputs, struct mu_error *err) MU_MUST_CHECK;

#endif
