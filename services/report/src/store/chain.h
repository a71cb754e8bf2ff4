/*
 * chain: whether a store of closed months is what was closed. Every close but the first names the
 * close before it by the SHA-256 of its close.json, and close.json names its files by theirs: what
 * is changed, exchanged or taken out shows. What was taken off at the end shows only to who kept
 * the last hash (it stands in the package, and close prints it).
 *
 * Problems are one line of text; "" when there is none.
 */
#ifndef REPORT_STORE_CHAIN_H
#define REPORT_STORE_CHAIN_H

#include "store/month_store.h"

enum { CHAIN_PROBLEM_SIZE = 512 };

/* Numbers without a gap, and the hashes between it and its neighbours. Reads no file. */
bool chain_links_hold(const struct month_store *store, const struct month_close *close,
                      char ret_problem[CHAIN_PROBLEM_SIZE]);

/* Its files are those of close.json, and its evidence is there; with `hash_evidence` each of them
 * is read and compared. */
bool chain_files_hold(const struct month_store *store, const struct month_close *close,
                      bool hash_evidence, char ret_problem[CHAIN_PROBLEM_SIZE]);

#endif
