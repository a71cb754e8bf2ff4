/*
 * listener: the socket that lets connections in, and how it ends while libmicrohttpd's threads
 * watch it. Not for others than common/httpd.
 *
 * MHD_quiesce_daemon is not for us: it takes the socket out of the sets of threads that may do so
 * at the same instant, and whoever comes second ends the process ("Failed to remove listen FD from
 * epoll set": libmicrohttpd 0.9.75). So the socket is shut, which wakes the threads that
 * watch it again and again, and then something that never wakes them takes its place: the kernel
 * takes a file that is gone out of every set.
 */
#ifndef MU_HTTPD_LISTENER_H
#define MU_HTTPD_LISTENER_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* "host:port", "[v6]:port" or ":port"; the caller owns the descriptor. Errors: MU_E_INVALID (no
 * address), MU_E_UNAVAILABLE. */
enum mu_status listener_open(const char *listen_on, int *ret_fd,
                             struct mu_error *err) MU_MUST_CHECK;
/* Port actually bound; 0 when it is not known. */
uint16_t listener_port(int fd);
/* Who comes from now on is refused. */
void listener_refuse(int fd);
/* Nobody is woken by it any more. The number stays in use, for its owner to close. No thread may
 * take it out of its set meanwhile. False: there was no descriptor left. */
bool listener_vacate(int fd) MU_MUST_CHECK;

#endif
