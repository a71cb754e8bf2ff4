#include "app/progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 30, BAR_EVERY_MS = 100, LINE_EVERY_MS = 10000, PERCENT = 100 };

/* Whether it is time to say something again; the end always is. */
static bool is_due(uint64_t every_ms, size_t done, size_t total)
{
    static uint64_t last_ms;
    const uint64_t now_ms = mu_monotonic_ms();

    if (last_ms == 0)
        last_ms = now_ms;
    if (done < total && now_ms - last_ms < every_ms)
        return false;
    last_ms = now_ms;
    return true;
}

void progress_stage(const char *doing)
{
    (void)fprintf(stderr, "%s%s\n", isatty(STDERR_FILENO) ? "  " : "", doing);
}

void progress_raw_scans(size_t done, size_t total)
{
    static const char full[] = "##############################";
    const size_t part = total > 0 ? done * BAR_WIDTH / total : BAR_WIDTH;

    if (!isatty(STDERR_FILENO)) {
        if (is_due(LINE_EVERY_MS, done, total) && total > 0)
            (void)fprintf(stderr, "raw scans: %zu of %zu (%zu%%)\n", done, total,
                          done * PERCENT / total);
    } else if (is_due(BAR_EVERY_MS, done, total)) {
        (void)fprintf(stderr, "\r  raw scans [%-*.*s] %zu of %zu%s", BAR_WIDTH, (int)part, full,
                      done, total, done == total ? "\n" : "");
    }
}
