/*
 * private_key: whether a PEM block holds a private key that anybody could use.
 *
 * A block counts when its base64 body has the structure its label says: DER whose outer SEQUENCE
 * has exactly the body's length, OpenSSH's "openssh-key-v1" without cipher, an OpenPGP secret key.
 * Line ends may be escaped ("\n" in JSON and in environment). Encrypted keys do not count, nor
 * public keys, certificates, and blocks whose body is cut or a placeholder.
 *
 * Sources: RFC 7468 (labels), RFC 5958, RFC 8017 A.1.2, RFC 5915; PROTOCOL.key of OpenSSH;
 *          RFC 4880 sections 4.2 and 6.2.
 */
#ifndef SCANNER_CHECK_PRIVATE_KEY_H
#define SCANNER_CHECK_PRIVATE_KEY_H

#include "check/text_lines.h"

/* `at` is where "-----BEGIN " stands. The length of the block, 0 when it is none. */
size_t private_key_length(struct text_piece text, size_t at);

#endif
