/*
 * oscal_poam: the parts of oscal/poam.json. Internal to oscal.
 *
 * A POA&M item, its risk and its observation are made of one weakness: an item of the findings
 * (finding_row.item) or a failure of detection that is open.
 */
#ifndef REPORT_OSCAL_POAM_H
#define REPORT_OSCAL_POAM_H

#include "items/item_reader.h"
#include "oscal/oscal.h"

struct oscal_weakness {
    const char *id;                        /* the number of the POA&M item */
    const struct item *item;               /* NULL: a failure */
    const char *title, *text;              /* of a failure: what failed */
    const char *tool;                      /* who found it */
    const char *summary, *evidence_digest; /* of the vulnerability, in a raw scan; or NULL */
    int64_t detected_at_us;
};

typedef enum mu_status oscal_weakness_fn(struct oscal *oscal, const struct oscal_weakness *weakness,
                                         struct mu_error *err);

/* Calls `each` for every weakness. */
enum mu_status oscal_weaknesses(struct oscal *oscal, oscal_weakness_fn *each,
                                struct mu_error *err) MU_MUST_CHECK;

/* Elements of the lists of the document. */
oscal_weakness_fn oscal_put_observation, oscal_put_risk, oscal_put_poam_item;

/* Tool of what finds that our detection fails. */
#define OSCAL_WATCH "Muster"

#endif
