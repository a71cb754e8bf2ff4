/*
 * tag_wishes: tags to look up soon: bounded, none twice, first come first served.
 *
 * Threads: any; one takes.
 */
#ifndef INGEST_TAG_WISHES_H
#define INGEST_TAG_WISHES_H

#include "oci/reference.h"

#include <stdbool.h>
#include <stdint.h>

enum { TAG_WISHES_MAX = 1000 };

struct tag_wishes;

struct tag_wish {
    char repository[MU_OCI_REPOSITORY_SIZE]; /* without host */
    char tag[MU_OCI_TAG_SIZE];
    unsigned attempts; /* made so far */
};

struct tag_wishes *tag_wishes_new(void);
void tag_wishes_free(struct tag_wishes *wishes); /* NULL is fine */

/* False when there is no room. One that waits already counts as added. */
bool tag_wishes_add(struct tag_wishes *wishes, const struct tag_wish *wish);
/* Waits for a wish; false when tag_wishes_close was called. */
bool tag_wishes_take(struct tag_wishes *wishes, struct tag_wish *ret_wish);
void tag_wishes_close(struct tag_wishes *wishes);

#endif
