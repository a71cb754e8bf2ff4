/* rating: Muster's severities as the ratings that FedRAMP's forms know. */
#ifndef REPORT_POAM_RATING_H
#define REPORT_POAM_RATING_H

/* High for critical and for unknown; NULL for negligible, which needs no item, and for NULL. */
const char *poam_rating_of(const char *severity);

#endif
