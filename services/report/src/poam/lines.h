/* lines: different lines of texts of several lines, in the order in which they came, up to a number
 * that people read. */
#ifndef REPORT_POAM_LINES_H
#define REPORT_POAM_LINES_H

#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>

enum { LINES_MAX = 64 };

struct lines {
    const char *line[LINES_MAX];
    size_t count;
    bool more; /* there were others */
};

/* `text` may be NULL. */
void lines_add(struct lines *lines, const char *text, struct mu_arena *arena);
/* With `between` between them; NULL when there are none. */
const char *lines_join(const struct lines *lines, const char *between, struct mu_arena *arena);

#endif
