/*
 * human_report: the month's numbers and the report for people, as two files of the bundle that say
 * the same: numbers.json (numbers/numbers_json.h) and report.html (html/html_report.h).
 */
#ifndef REPORT_BUNDLE_HUMAN_REPORT_H
#define REPORT_BUNDLE_HUMAN_REPORT_H

#include "bundle/render.h"

/* Errors: MU_E_UNAVAILABLE, MU_E_LIMIT, MU_E_INVALID, MU_E_NOT_FOUND (an earlier month's file). */
enum mu_status human_report_render(const struct render *render, struct mu_error *err) MU_MUST_CHECK;

#endif
