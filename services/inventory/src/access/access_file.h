/*
 * access_file: who may use the API, one line each; '#' begins a comment line.
 *
 *     token   alice  viewer,operator  3f9c...          a bearer token of 16 characters or more,
 *     token   report assessor         sha256:9f86...   or its SHA-256
 *     token   ann    operator,as:AO   8d41...          who may state that they speak as AO
 *     subject scanner                 CN=scanner-*     client certificates: the subject (RFC 4514),
 *                                                      or its beginning when it ends with '*'
 *     claim   assessor                fedramp-3pao     a value of the role claim of OIDC tokens
 *
 * The last word of subject and claim goes to the end of the line. Two tokens with one name are
 * right at once, so that one can be replaced.
 *
 * Trust: the operator's file. Tokens are kept as hashes only.
 */
#ifndef INVENTORY_ACCESS_FILE_H
#define INVENTORY_ACCESS_FILE_H

#include "base/error.h"
#include "base/scope.h"
#include "base/sha256.h"

#include <stddef.h>

enum {
    ACCESS_FILE_MAX_BYTES = 1024 * 1024,
    ACCESS_MAX_RULES = 4096,
    ACCESS_TOKEN_MIN = 16,
    ACCESS_NAME_MAX = 128
};

enum access_rule_kind { ACCESS_TOKEN, ACCESS_SUBJECT, ACCESS_CLAIM };

struct access_rule {
    enum access_rule_kind kind;
    unsigned roles;
    char *speaks_as;                      /* roles of people, comma-separated; NULL: none; owned */
    char *text;                           /* name of a token; pattern; value of the claim; owned */
    char token_hash[MU_DIGEST_TEXT_SIZE]; /* of a token: "sha256:<hex>" */
};

struct access_rules {
    struct access_rule *items;
    size_t count;
};

/* Adds the lines of the text. Errors: MU_E_INVALID and MU_E_LIMIT naming the line; then the rules
 * are as far as they were read. */
enum mu_status access_file_parse(const char *text, size_t len, struct access_rules *rules,
                                 struct mu_error *err) MU_MUST_CHECK;
/* The same from a file. Errors also as mu_file_read. */
enum mu_status access_file_load(const char *path, struct access_rules *rules,
                                struct mu_error *err) MU_MUST_CHECK;
/* Adds a token that was not in a file. */
void access_rules_add_token(struct access_rules *rules, const char *name, unsigned roles,
                            const char *token);
void access_rules_done(struct access_rules *rules);

#endif
