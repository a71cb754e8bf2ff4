/*
 * accept: which of the forms that a resource has a client wants, by its Accept header (RFC 9110
 * section 12.5.1).
 */
#ifndef INVENTORY_API_ACCEPT_H
#define INVENTORY_API_ACCEPT_H

#include <stddef.h>

enum { ACCEPT_MAX_BYTES = 4096, ACCEPT_NONE = -1 };

/*
 * The index of the form with the greatest quality, the first of equals; the first when `header` is
 * NULL or empty; ACCEPT_NONE when it wants none of them. `forms` are media types without
 * parameters.
 */
int accept_choose(const char *header, const char *const *forms, size_t form_count);

#endif
