/*
 * unread_database: tells that an image has a package database that no finder reads, so that its
 * packages are not taken for none.
 *
 * Threads, trust: as package/finder.h says.
 */
#ifndef SCANNER_PACKAGE_UNREAD_DATABASE_H
#define SCANNER_PACKAGE_UNREAD_DATABASE_H

#include "package/finder.h"

#define UNREAD_DATABASE_FACT "UNREAD_DATABASE"

/* Tells the fact, with the path, of known databases that none of finders[] wants. */
extern const struct finder finder_unread_database;

#endif
