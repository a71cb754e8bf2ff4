/*
 * roles: who may do what at inventory's API. What each role may do stands in one table,
 * api/endpoints.c.
 */
#ifndef INVENTORY_ROLES_H
#define INVENTORY_ROLES_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>

enum role {
    ROLE_VIEWER = 1 << 0,   /* an engineer: what runs, what it is, whether it was scanned */
    ROLE_ASSESSOR = 1 << 1, /* also raw evidence and who asked what */
    ROLE_OPERATOR = 1 << 2, /* also decides */
    ROLE_SCANNER = 1 << 3,  /* writes evidence */
    ROLE_INGEST = 1 << 4,   /* asks after its own sources */
    ROLE_PIPELINE = 1 << 5  /* asks whether its images may go on */
};

enum {
    ROLES_PEOPLE = ROLE_VIEWER | ROLE_ASSESSOR | ROLE_OPERATOR,
    ROLES_TEXT_SIZE = 64 /* of all, comma-separated */
};

/* "viewer,operator". Errors: MU_E_INVALID naming what is no role. */
enum mu_status roles_from_words(const char *text, size_t len, unsigned *ret_roles,
                                struct mu_error *err) MU_MUST_CHECK;
void roles_to_words(unsigned roles, char ret_text[ROLES_TEXT_SIZE]);

#endif
