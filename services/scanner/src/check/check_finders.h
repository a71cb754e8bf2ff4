/*
 * check_finders: what single files and entries of an image get wrong.
 *
 * Threads: constant. Trust: paths and bytes are hostile; every file is read in one pass.
 */
#ifndef SCANNER_CHECK_CHECK_FINDERS_H
#define SCANNER_CHECK_CHECK_FINDERS_H

#include "package/finder.h"

/* Looks at every entry: setuid and setgid, rights of everybody, remote shells, leftovers. */
extern const struct finder check_entries_finder;

/* Small text files outside of what packages bring: secrets, private keys, tools' credentials.
 * What is looked into: check/secret_files.h. */
extern const struct finder check_secrets_finder;

/*
 * /etc/passwd and /etc/shadow: accounts without password, second roots. Tells the fact
 * CHECK_USERS_FACT: the names, a newline after each; not told when they are too many for one fact.
 */
#define CHECK_USERS_FACT "users"
extern const struct finder check_accounts_finder;

/* /etc/sudoers and /etc/sudoers.d: NOPASSWD. */
extern const struct finder check_sudoers_finder;

#endif
