/*
 * oscal: what the OSCAL documents are made of, streamed. Internal to oscal.
 *
 * Identifiers are of version 5 (RFC 9562): namespace 2d8cf2d3-710e-5803-b34a-73923f23a0cb, which is
 * that of URLs applied to "urn:muster:oscal"; the name is the FedRAMP identifier (or the system's
 * name), the kind of thing, and its own key, a line each. Things keep theirs from month to month.
 *
 * Extensions stand in FedRAMP's namespace "http://fedramp.gov/ns/oscal". Texts that OSCAL wants in
 * one line are made so: runs of blanks and control characters become one blank.
 *
 * Sources: NIST OSCAL 1.1.3; FedRAMP "Expressing FedRAMP System Inventory in OSCAL" (2025-01-21);
 * FedRAMP constraints of 2024-12-20 (asset-id once on each inventory item and image, unique over
 * both; checksum once on each image; fedramp-version, marking, published).
 */
#ifndef REPORT_OSCAL_H
#define REPORT_OSCAL_H

#include "bundle/assets.h"
#include "bundle/render.h"

#include "base/buf.h"
#include "base/sha256.h"
#include "json/json_stream.h"

#define OSCAL_FEDRAMP "http://fedramp.gov/ns/oscal"

struct oscal {
    const struct render *render;
    struct json_stream *out;
    struct mu_arena *arena; /* of one asset or item */
    struct mu_buf line, name;
};

bool oscal_is_wanted(const struct render *render);

/* A list that is left out when it is empty, as the schemas ask. */
struct oscal_list {
    const char *name;
    bool open;
};

/* Opens the list with its first element. */
void oscal_element(struct oscal *oscal, struct oscal_list *list);
void oscal_list_end(struct oscal *oscal, struct oscal_list *list);

/* `kind` and `key` name the thing. */
void oscal_uuid_of(struct oscal *oscal, const char *kind, const char *key,
                   char ret_uuid[MU_UUID_TEXT_SIZE]);
/* The member `name` with such an identifier. */
void oscal_uuid(struct oscal *oscal, const char *name, const char *kind, const char *key);

/* The text in one line; "" when nothing is left of it. Borrowed until the next one. */
const char *oscal_line(struct oscal *oscal, const char *text);
/* The member in one line, `instead` when nothing is left. */
void oscal_text(struct oscal *oscal, const char *name, const char *text, const char *instead);
/* A property, left out when its value says nothing. `space`: NULL for OSCAL's own. */
void oscal_prop(struct oscal *oscal, const char *space, const char *name, const char *value);
/* As FedRAMP has it, in small letters. */
void oscal_prop_yes_no(struct oscal *oscal, const char *name, bool yes);

/* Members `uuid` and `metadata`. */
void oscal_put_head(struct oscal *oscal, const char *kind, const char *title);
/* Member `back-matter`: what links lead to. */
void oscal_put_back_matter(struct oscal *oscal);

/* Elements of the list: one an image of each asset. `with_status`: of a system, beside the
 * inventory items that have what is not the image's own. */
enum mu_status oscal_put_components(struct oscal *oscal, struct oscal_list *list, bool with_status,
                                    struct mu_error *err) MU_MUST_CHECK;
/* One an asset, that runs or of which a finding speaks. */
enum mu_status oscal_put_inventory(struct oscal *oscal, struct oscal_list *list,
                                   struct mu_error *err) MU_MUST_CHECK;

/* Writes a document under that name: the members of its one member `root` are what `put` puts. */
enum mu_status oscal_write(const struct render *render, const char *name, const char *root,
                           enum mu_status (*put)(struct oscal *oscal, struct mu_error *err),
                           struct mu_error *err) MU_MUST_CHECK;

#endif
