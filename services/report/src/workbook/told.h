/*
 * told: texts that an image's maker, a registry or an adviser chose, made fit for a cell: control
 * characters and those that turn the direction of writing are replaced, long ones are shortened
 * with an ellipsis.
 */
#ifndef REPORT_WORKBOOK_TOLD_H
#define REPORT_WORKBOOK_TOLD_H

#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether the text says anything: not blank, and not the "n/a" that FedRAMP's forms forbid. */
bool told_is(const char *text);

/* One line of at most `max_bytes` and the ellipsis; NULL stays NULL, or the arena is exhausted. */
const char *told_line(const char *text, size_t max_bytes, struct mu_arena *arena);

/* The same with its line feeds. */
const char *told_text(const char *text, size_t max_bytes, struct mu_arena *arena);

/* In place: characters that turn the direction of writing become U+FFFD, those of two bytes a dot.
 */
void told_clean(char *text);

#endif
