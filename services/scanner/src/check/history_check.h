/*
 * history_check: what one step of a build did that it should not.
 *
 * Steps are read in the forms that the classic builder, BuildKit and buildah write: "/bin/sh -c
 * #(nop) ADD ...", "|2 NAME=value ... /bin/sh -c command", "RUN /bin/sh -c command # buildkit".
 * Commands are told apart by ; && || and line ends, not by a shell's whole grammar.
 *
 * Trust: hostile text; linear in its length.
 */
#ifndef SCANNER_CHECK_HISTORY_CHECK_H
#define SCANNER_CHECK_HISTORY_CHECK_H

#include "package/finder.h"

#include "base/error.h"

/* `created_by` of step number `step_number`. Errors: the sink's. */
enum mu_status history_check(const char *created_by, uint32_t step_number,
                             const struct finder_sink *sink, struct mu_error *err) MU_MUST_CHECK;

#endif
