/*
 * http_address: whether an address belongs to the Internet, or to somebody's own network.
 * Internal to http_client. Source: the special-purpose registries of RFC 6890.
 */
#ifndef MU_HTTP_ADDRESS_H
#define MU_HTTP_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* False for loopback, private, link-local, shared, multicast and reserved addresses, for IPv6 that
 * carries such an IPv4 address, and for what is no IP. */
bool http_address_public(const struct sockaddr *address);

#endif
