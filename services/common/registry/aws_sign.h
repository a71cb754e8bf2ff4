/*
 * aws_sign: Signature Version 4 of a request.
 * Threads: none held. Trust: our own requests. Source: AWS "Signature Version 4 signing process".
 */
#ifndef MU_REGISTRY_AWS_SIGN_H
#define MU_REGISTRY_AWS_SIGN_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

struct aws_keys {
    const char *id, *secret;
};

struct aws_header {
    const char *name, *value; /* lower case; as it is sent */
};

struct aws_request {
    const char *method, *path, *query; /* path and query in their canonical form; "" when none */
    const struct aws_header *headers;  /* all that are signed, by name; with host and x-amz-date */
    size_t header_count;
    const void *body;
    size_t body_len;
    const char *region, *service;
};

enum { AWS_DATE_SIZE = 17 };

/* "20150830T123600Z". */
void aws_date(int64_t at_us, char ret_date[AWS_DATE_SIZE]);

/* Appends the value of the Authorization header. `date` is that of x-amz-date. */
void aws_sign(const struct aws_request *request, const struct aws_keys *keys,
              const char date[AWS_DATE_SIZE], struct mu_buf *out);

#endif
