/*
 * raw_scan: the raw result of one scan as JSON (schemas/raw-scan.v1.schema.json): a deliverable,
 * kept unmodified under its SHA-256, naming every UAI and the digest it is about.
 *
 * Written as a stream to a file without name, hashed on the way; memory does not grow with it.
 * Same facts, same bytes: members and rows in a fixed order.
 */
#ifndef SCANNER_RAW_SCAN_H
#define SCANNER_RAW_SCAN_H

#include "database/database.h"
#include "image/image_scan.h"
#include "match/match.h"
#include "result/result_file.h"

#include "msg/msg.h"

struct raw_scan {
    const struct mu_scan_request *request;
    const struct image_analysis *image;
    const struct match_result *match;
    const struct database_facts *database;
    const char *scanner_name, *scanner_version, *configuration_checksum;
    int64_t started_at_us, finished_at_us;
};

/* `folder` is where the file without name lives. Ownership: the caller closes ret_file->fd. Errors:
 * MU_E_UNAVAILABLE. */
enum mu_status raw_scan_write(const struct raw_scan *scan, const char *folder,
                              struct raw_file *ret_file, struct mu_error *err) MU_MUST_CHECK;

/* Whether raw results can be written there. Errors: MU_E_UNAVAILABLE naming the folder. */
enum mu_status raw_scan_check_folder(const char *folder, struct mu_error *err) MU_MUST_CHECK;

#endif
