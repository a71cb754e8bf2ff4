/* Any bytes as JSON: refused, or read and printed as jansson does, in a form that is read back to
 * the same form. */
#include "json/json_doc.h"

#include <stdlib.h>
#include <string.h>

static void parse_or_stop(const char *bytes, size_t len, const struct mu_json_limits *limits,
                          struct mu_buf *out)
{
    json_auto_t *root = NULL;
    struct mu_error err;

    if (mu_json_parse(bytes, len, limits, &root, &err) != MU_OK ||
        mu_json_print(root, out, &err) != MU_OK)
        abort();
}

static void same_as_jansson(const char *bytes, size_t len, const json_t *root, const char *printed)
{
    json_auto_t *theirs = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
    char *text = theirs ? json_dumps(theirs, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

    if (!text || !json_equal(theirs, root) || strcmp(text, printed) != 0)
        abort();
    free(text);
}

/* What is parsed strictly is parsed leniently too. */
static void parse_foreign(const char *bytes, size_t len, const struct mu_json_limits *limits)
{
    json_auto_t *strict = NULL, *lenient = NULL;
    struct mu_error err;
    enum mu_status st =
            mu_json_parse_foreign(bytes, len, limits, limits->max_bytes, &lenient, &err);

    if (mu_json_parse(bytes, len, limits, &strict, &err) == MU_OK &&
        (st != MU_OK || !json_equal(strict, lenient)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct mu_json_limits limits = {64 * 1024, 16}, wide = {1024 * 1024, 16};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf once;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf twice;
    json_auto_t *root = NULL;
    struct mu_error err;

    mu_buf_init(&once, wide.max_bytes);
    mu_buf_init(&twice, wide.max_bytes);
    parse_foreign((const char *)bytes, len, &limits);
    if (mu_json_parse((const char *)bytes, len, &limits, &root, &err) != MU_OK)
        return 0;
    if (len > limits.max_bytes || mu_json_print(root, &once, &err) != MU_OK)
        abort();
    same_as_jansson((const char *)bytes, len, root, once.data);
    parse_or_stop(once.data, once.len, &wide, &twice);
    if (strcmp(once.data, twice.data) != 0)
        abort();
    (void)mu_json_text_at(root, "target.repository");
    (void)mu_json_text_at(root, "events.0.id");
    return 0;
}
