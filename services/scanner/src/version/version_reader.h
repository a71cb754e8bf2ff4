/*
 * version_reader: a version as a row of tokens. Two versions compare by the first tokens that
 * differ; that is one order for all texts as long as what a reader gives depends on its own text
 * alone.
 */
#ifndef SCANNER_VERSION_READER_H
#define SCANNER_VERSION_READER_H

#include "version/version_text.h"

/* How two tokens of the same rank compare; the same for all tokens of one rank. */
enum version_token_kind { VERSION_RANK_ONLY, VERSION_NUMBER, VERSION_BYTES, VERSION_FOLDED };

struct version_token {
    int rank; /* decides first */
    enum version_token_kind kind;
    struct version_text text;
    bool last; /* nothing follows; asked again, the reader gives it again */
};

struct version_reader {
    struct version_text rest;
    /* The scheme's own; 0 and NULL at the start. */
    int state;
    const char *mark, *other_mark;
};

typedef struct version_token version_next(struct version_reader *reader);

struct version_reader version_read(const char *text);
int version_token_compare(const struct version_token *a, const struct version_token *b);
int version_compare_read(const char *a, const char *b, version_next *next);

#endif
