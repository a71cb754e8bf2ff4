#include "listing/tag_line.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_SIZE = 24, FIELDS = 5 };

enum mu_status tag_line_print(const struct tag_line *line, struct mu_buf *out, struct mu_error *err)
{
    mu_buf_printf(out, "%s\t%s\t%s\t%s\t%" PRId64 "\n", line->repository, line->tag, line->digest,
                  line->media_type, line->seen_at_us);
    return mu_buf_status(out, "tag", err);
}

/* Up to the next tab, or the end for the last field; NULL when it does not fit or holds anything
 * that no name holds. */
static const char *take_field(const char *at, const char *end, bool last, char *out, size_t size)
{
    const char *tab = last ? end : memchr(at, '\t', (size_t)(end - at));

    if (!tab || (size_t)(tab - at) >= size)
        return NULL;
    for (const char *c = at; c < tab; c++)
        if (*c < ' ' || *c > '~')
            return NULL;
    memcpy(out, at, (size_t)(tab - at));
    out[tab - at] = '\0';
    return last ? tab : tab + 1;
}

static bool is_right(const struct tag_line *line)
{
    if (line->repository[0] == '\0')
        return false;
    if (line->tag[0] == '\0')
        return line->digest[0] == '\0';
    return mu_oci_tag_valid(line->tag, strlen(line->tag)) &&
           mu_oci_digest_valid(line->digest, strlen(line->digest));
}

enum mu_status tag_line_parse(const char *bytes, size_t len, struct tag_line *ret_line,
                              struct mu_error *err)
{
    struct tag_line line;
    char number[NUMBER_SIZE];
    const struct {
        char *to;
        size_t size;
    } fields[FIELDS] = {{line.repository, sizeof(line.repository)},
                        {line.tag, sizeof(line.tag)},
                        {line.digest, sizeof(line.digest)},
                        {line.media_type, sizeof(line.media_type)},
                        {number, sizeof(number)}};
    const char *at = bytes, *end = bytes + len;
    uint64_t seen = 0;

    for (size_t i = 0; at && i < FIELDS; i++)
        at = take_field(at, end, i == FIELDS - 1, fields[i].to, fields[i].size);
    if (!at || !is_right(&line) || mu_text_to_u64(number, "seen", &seen, err) != MU_OK ||
        seen > INT64_MAX)
        return mu_fail(err, MU_E_INVALID, "a line that tells no tag");
    line.seen_at_us = (int64_t)seen;
    *ret_line = line;
    return MU_OK;
}

int tag_line_compare(const struct tag_line *a, const struct tag_line *b)
{
    int order = strcmp(a->repository, b->repository);

    return order ? order : strcmp(a->tag, b->tag);
}
