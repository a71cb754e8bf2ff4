/*
 * scan_progress: an image_source that tells a person at a terminal how far the reading of another
 * one is, on standard error. Where that is no terminal, it is the other source itself.
 */
#ifndef SCANNER_APP_SCAN_PROGRESS_H
#define SCANNER_APP_SCAN_PROGRESS_H

#include "source/image_source.h"

/* Takes `source` over. */
struct image_source *scan_progress_over(struct image_source *source);

/* Takes the line away before something else is printed. */
void scan_progress_clear(void);

#endif
