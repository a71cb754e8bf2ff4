/* Any words, one a line, as a command line: refused with a message, or a config within its limits.
 */
#include "base/config.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 32 };

struct settings {
    char *text;
    int64_t number, size_bytes, wait_ms;
    bool flag;
};

#define AT(member) offsetof(struct settings, member)
static const struct mu_option options[] = {
        {"text", MU_OPTION_TEXT, AT(text), "x", 0, 0, MU_OPTION_REQUIRED, "a text"},
        {"number", MU_OPTION_INT, AT(number), "1", -5, 5, 0, "a number"},
        {"size", MU_OPTION_BYTES, AT(size_bytes), "1MiB", 1, INT64_MAX, 0, "a size"},
        {"wait", MU_OPTION_DURATION_MS, AT(wait_ms), "1s", 0, 86400000, 0, "a duration"},
        {"flag", MU_OPTION_BOOL, AT(flag), "false", 0, 0, 0, "or not"},
};
enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

static void check(const struct settings *s, int rest, int count)
{
    if (!s->text || !*s->text || s->number < -5 || s->number > 5 || s->size_bytes < 1 ||
        s->wait_ms < 0 || s->wait_ms > 86400000 || rest < 0 || rest > count)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = strndup((const char *)bytes, len), *next = text, *words[MAX_WORDS + 1] = {NULL};
    struct settings settings = {0};
    struct mu_error err = {0};
    int count = 0, rest = -1;

    if (!text)
        return 0;
    while (next && count < MAX_WORDS)
        words[count++] = strsep(&next, "\n");
    if (mu_config_load(options, OPTION_COUNT, count, words, &settings, &rest, &err) == MU_OK) {
        check(&settings, rest, count);
        mu_config_done(options, OPTION_COUNT, &settings);
    } else if (!err.message[0]) {
        abort();
    }
    free(text);
    return 0;
}
