/* foreign_state: what the two readers of foreign.h share with it. Internal to src/verify. */
#ifndef REPORT_FOREIGN_STATE_H
#define REPORT_FOREIGN_STATE_H

#include "verify/state.h"

enum { FOREIGN_NAME_SIZE = 1024 };

/* One spelling of a name, to be compared: "host/path/version". */
void foreign_name(const char *name, char ret_name[FOREIGN_NAME_SIZE]);
/* The checksum that a text holds ("sha256:HEX", or 64 hex digits alone, also behind "@"); false:
 * none. */
bool foreign_digest(const char *text, size_t len, char ret_digest[128]);

/* Fills rows, digests, names of rows. */
void foreign_read_workbook(struct verify_state *state, const char *path);
/* Fills scans, names; `name` is what the file is called. */
void foreign_read_scan(struct verify_state *state, const char *name, FILE *in);

#endif
