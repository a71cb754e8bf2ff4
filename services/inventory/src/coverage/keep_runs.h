/*
 * keep_runs: brings what is kept of runs and of their images (derive_runs and derive_images in
 * sql/migrations) up to what was learned, so that coverage of a large fleet needs not compute it.
 * No answer depends on it but its speed. After an upgrade that emptied it all is made anew, runs
 * and their images step by step: log and metric (muster_inventory_unkept) tell how much is left,
 * and questions use what is there.
 *
 * Threads: runs on the caller's thread until a stop is requested. Several processes may run it: one
 * at a time works.
 */
#ifndef INVENTORY_KEEP_RUNS_H
#define INVENTORY_KEEP_RUNS_H

void keep_runs_run(const char *conninfo);

#endif
