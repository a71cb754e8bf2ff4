/*
 * triggers: what makes an agency escalate, now and at the next submission.
 *
 * Source: FedRAMP Continuous Monitoring Playbook (2025-11), Table 1, "Operational Visibility":
 * minimum escalation level DFR (Detailed Finding Review) or CAP (Corrective Action Plan). Of that
 * table these are the rows that can be measured; "untimely or inaccurate deliverable" and "lack of
 * transparency" cannot.
 */
#ifndef REPORT_TRIGGERS_H
#define REPORT_TRIGGERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trigger {
    TRIGGER_UNIQUE,
    TRIGGER_UNAUTHENTICATED,
    TRIGGER_HIGH_30,
    TRIGGER_HIGH_60,
    TRIGGER_MODERATE_90,
    TRIGGER_MODERATE_120,
    TRIGGER_COUNT
};

enum trigger_measure {
    MEASURE_UNIQUE,
    MEASURE_UNAUTHENTICATED,
    MEASURE_AGED_HIGH,
    MEASURE_AGED_MODERATE
};

struct trigger_rule {
    const char *id, *title, *unit;
    enum trigger_measure measure;
    int64_t limit;       /* reached at it; of the unique count: NUMBERS_UNKNOWN, see numbers */
    int64_t beyond_days; /* of aged ones: days behind the due date of its rating */
    const char *level;   /* DFR or CAP */
    const char *advice;
};
extern const struct trigger_rule trigger_rules[TRIGGER_COUNT];
extern const char trigger_source[];

struct trigger_item {
    const char *item;
    bool now; /* else: by the next submission */
};

struct trigger_result {
    int64_t limit, now, next; /* NUMBERS_UNKNOWN where nothing tells */
    bool reached_now, reached_next;
    int64_t recurrences;        /* earlier months of the last six in which it was reached */
    const char *level;          /* with recurrences CAP */
    struct trigger_item *items; /* the first NUMBERS_MAX_ITEMS of `next` */
    size_t item_count;
};

#endif
