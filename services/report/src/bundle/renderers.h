/*
 * renderers: the functions of the table in render.c. Each is in a folder of its own, which includes
 * this header; this folder includes none of theirs.
 */
#ifndef REPORT_BUNDLE_RENDERERS_H
#define REPORT_BUNDLE_RENDERERS_H

#include "bundle/render.h"

typedef enum mu_status renderer_fn(const struct render *render, struct mu_error *err);

renderer_fn render_poam;
renderer_fn render_deviation_requests;

#endif
