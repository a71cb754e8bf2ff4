/*
 * listener: the socket that lets connections in. Not for others than common/httpd.
 */
#ifndef MU_HTTPD_LISTENER_H
#define MU_HTTPD_LISTENER_H

#include "base/error.h"

#include <stdint.h>

/* "host:port", "[v6]:port" or ":port"; the caller owns the descriptor. Errors: MU_E_INVALID (no
 * address), MU_E_UNAVAILABLE. */
enum mu_status listener_open(const char *listen_on, int *ret_fd,
                             struct mu_error *err) MU_MUST_CHECK;
/* Port actually bound; 0 when it is not known. */
uint16_t listener_port(int fd);

#endif
