/*
 * challenge: the WWW-Authenticate header of a registry.
 *
 * One header may hold several challenges, and both they and their parameters are separated by
 * commas; values may be quoted and hold commas, blanks and backslashes themselves.
 *
 * Threads: none held. Trust: hostile text; a challenge or value that does not fit is passed over.
 * Sources: RFC 9110 section 11.6.1; CNCF Distribution "Token Authentication Specification".
 */
#ifndef SCANNER_REGISTRY_CHALLENGE_H
#define SCANNER_REGISTRY_CHALLENGE_H

#include <stdbool.h>

enum challenge_scheme { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
    enum challenge_scheme scheme;
    char realm[512];
    char service[256]; /* "" when absent */
    char scope[512];   /* "" when absent */
};

/*
 * The strongest challenge of the header that we can answer: Bearer with a realm, else Basic.
 * False, with scheme NONE: there is none.
 */
bool challenge_choose(const char *header, struct challenge *ret_challenge);

#endif
