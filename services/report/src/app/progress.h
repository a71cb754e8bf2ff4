/*
 * progress: how far a long run is, on stderr: what it does now, and a bar on a terminal, else a
 * line every ten seconds for a log. Threads: one.
 */
#ifndef REPORT_APP_PROGRESS_H
#define REPORT_APP_PROGRESS_H

#include <stddef.h>

void progress_stage(const char *doing);
void progress_raw_scans(size_t done, size_t total);

#endif
