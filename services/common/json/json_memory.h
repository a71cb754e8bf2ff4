/*
 * json_memory: where the values of a parsed document live. A webhook's document is a hundred small
 * values that come and go together; malloc takes longer for them than reading the document.
 *
 * Between json_memory_begin and json_memory_end a thread's jansson values come from a pool of its
 * own while there is room, else from malloc; outside they always come from malloc. They may be
 * released anywhere, at any time. The pool starts anew whenever nothing of it is in use.
 *
 * Threads: any; those beyond the number of pools use malloc. Internal to common/json.
 */
#ifndef MU_JSON_MEMORY_H
#define MU_JSON_MEMORY_H

void json_memory_begin(void);
void json_memory_end(void);

#endif
