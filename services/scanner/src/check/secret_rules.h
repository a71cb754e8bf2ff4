/*
 * secret_rules: tokens and keys in any text, told by structure, checksum and entropy.
 *
 * One pass: three small tables say for each place which rules' first three bytes stand there; only
 * then is a rule asked. What no rule can prove (a word "password" in a file) is no hit.
 *
 * Threads: none held. Trust: any bytes. Sources: beside each rule.
 */
#ifndef SCANNER_CHECK_SECRET_RULES_H
#define SCANNER_CHECK_SECRET_RULES_H

#include "check/text_lines.h"

#include "base/error.h"

struct secret_hit {
    const char *kind;        /* "GitHub token" */
    struct text_piece shown; /* its beginning, which may be told: "ghp_" */
    uint32_t line;           /* 1 is the first */
    bool private_key;
};

/* "GitHub token ghp_****"; the text for an issue. */
enum { SECRET_SHOWN_MAX_BYTES = 128 };
void secret_hit_text(const struct secret_hit *hit, char ret_text[SECRET_SHOWN_MAX_BYTES]);

typedef enum mu_status secret_hit_fn(void *opaque, const struct secret_hit *hit,
                                     struct mu_error *err);

/* Calls `on_hit` for each secret, in order. Errors: what on_hit returned. */
enum mu_status secret_search(struct text_piece text, secret_hit_fn *on_hit, void *opaque,
                             struct mu_error *err) MU_MUST_CHECK;

#endif
