/*
 * exit_codes: what muster-report exits with beside base/config.h's, so that a schedule can tell
 * what to do: 1 look, 2 correct the call, 3 try again or mend, 4 try again later, 5 nothing to do.
 */
#ifndef REPORT_APP_EXIT_CODES_H
#define REPORT_APP_EXIT_CODES_H

enum report_exit {
    REPORT_EXIT_BUSY = 4,   /* another run holds the store's lock */
    REPORT_EXIT_CLOSED = 5, /* the month is closed already; nothing was done */
};

#endif
