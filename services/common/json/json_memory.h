/*
 * json_memory: where the values of a parsed document live. A webhook's document is a hundred small
 * values that come and go together; malloc takes longer for them than reading the document.
 *
 * Between json_memory_begin and json_memory_end a thread's jansson values come from a pool of its
 * own while there is room, else from malloc; outside they always come from malloc. They may be
 * released anywhere, at any time. The pool starts anew when a document begins and nothing of it is
 * in use.
 *
 * Threads: any; those beyond the number of pools use malloc. Internal to common/json.
 */
#ifndef MU_JSON_MEMORY_H
#define MU_JSON_MEMORY_H

#include <jansson.h>

void json_memory_begin(void);
void json_memory_end(const json_t *root); /* what was read since the beginning; may be NULL */

/* Releases a document that nobody else holds a value of: at once when it is the thread's newest and
 * lies in its pool, else value by value. NULL is fine. */
void json_memory_drop(json_t *root);

#endif
