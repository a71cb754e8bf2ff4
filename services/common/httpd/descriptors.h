/*
 * descriptors: how many connections the process may have open. Not for others than common/httpd.
 */
#ifndef MU_HTTPD_DESCRIPTORS_H
#define MU_HTTPD_DESCRIPTORS_H

/* Raises the soft limit of open files for `wanted` connections; gives how many there can be. */
unsigned descriptors_for(unsigned wanted);

#endif
