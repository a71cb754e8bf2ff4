/*
 * credential_files: credentials in the files that tools keep them in, told by name and form.
 *
 * Docker's config.json, netrc(5), apt_auth.conf(5), .pgpass, .npmrc, .pypirc, pip.conf,
 * .git-credentials, kubeconfig, my.cnf, AWS's and other clients' INI files. A value that is
 * encrypted, empty, a placeholder or a reference to the environment does not count.
 *
 * Threads: none held. Trust: any bytes; JSON with limits of its own.
 */
#ifndef SCANNER_CHECK_CREDENTIAL_FILES_H
#define SCANNER_CHECK_CREDENTIAL_FILES_H

#include "check/text_lines.h"

#include "base/error.h"

enum { CREDENTIAL_SHOWN_MAX_BYTES = 200 };

/* `text` says which, masked: "password of machine registry.example". `line` 0: not known. */
typedef enum mu_status credential_fn(void *opaque, const char *text, uint32_t line,
                                     struct mu_error *err);

/* Calls `on_credential` for each when `path` is such a file. Errors: what it returned. */
enum mu_status credential_file_read(const char *path, struct text_piece text,
                                    credential_fn *on_credential, void *opaque,
                                    struct mu_error *err) MU_MUST_CHECK;

#endif
