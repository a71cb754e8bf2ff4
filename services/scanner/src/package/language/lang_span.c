#include "package/language/lang_span.h"

#include <string.h>
#include <strings.h>

struct lang_span lang_span_of(const char *text)
{
    return (struct lang_span){.text = text, .len = text ? strlen(text) : 0};
}

struct lang_span lang_bytes(const uint8_t *bytes, size_t len)
{
    return (struct lang_span){.text = (const char *)bytes, .len = len};
}

bool lang_same(struct lang_span a, struct lang_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.text, b.text, a.len) == 0);
}

bool lang_is(struct lang_span span, const char *word)
{
    return lang_same(span, lang_span_of(word));
}

bool lang_is_folded(struct lang_span span, const char *word)
{
    return span.len == strlen(word) &&
           (span.len == 0 || strncasecmp(span.text, word, span.len) == 0);
}

bool lang_starts(struct lang_span span, const char *prefix)
{
    return lang_is(lang_head(span, strlen(prefix)), prefix);
}

bool lang_ends(struct lang_span span, const char *suffix)
{
    size_t len = strlen(suffix);

    return span.len >= len && lang_is(lang_tail(span, span.len - len), suffix);
}

bool lang_ends_folded(struct lang_span span, const char *suffix)
{
    size_t len = strlen(suffix);

    return span.len >= len && lang_is_folded(lang_tail(span, span.len - len), suffix);
}

bool lang_has(struct lang_span span, const char *needle)
{
    return span.len > 0 && memmem(span.text, span.len, needle, strlen(needle)) != NULL;
}

bool lang_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool lang_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct lang_span lang_head(struct lang_span span, size_t len)
{
    span.len = len < span.len ? len : span.len;
    return span;
}

struct lang_span lang_tail(struct lang_span span, size_t from)
{
    from = from < span.len ? from : span.len;
    if (from > 0)
        span.text += from;
    span.len -= from;
    return span;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct lang_span lang_trim(struct lang_span span)
{
    while (span.len > 0 && is_space(span.text[0])) {
        span.text++;
        span.len--;
    }
    while (span.len > 0 && is_space(span.text[span.len - 1]))
        span.len--;
    return span;
}

size_t lang_find(struct lang_span span, char c)
{
    const char *found = span.len > 0 ? memchr(span.text, c, span.len) : NULL;

    return found ? (size_t)(found - span.text) : span.len;
}

struct lang_span lang_take_until(struct lang_span *rest, char end)
{
    size_t len = lang_find(*rest, end);
    struct lang_span taken = lang_head(*rest, len);

    *rest = lang_tail(*rest, len + 1);
    return taken;
}

bool lang_take_line(struct lang_span *rest, struct lang_span *ret_line)
{
    struct lang_span line;

    if (rest->len == 0)
        return false;
    line = lang_take_until(rest, '\n');
    if (line.len > 0 && line.text[line.len - 1] == '\r')
        line.len--;
    *ret_line = line;
    return true;
}

static size_t base_at(struct lang_span path)
{
    const char *slash = path.len > 0 ? memrchr(path.text, '/', path.len) : NULL;

    return slash ? (size_t)(slash - path.text) + 1 : 0;
}

struct lang_span lang_path_base(struct lang_span path)
{
    return lang_tail(path, base_at(path));
}

struct lang_span lang_path_parent(struct lang_span path)
{
    size_t at = base_at(path);

    return lang_head(path, at > 0 ? at - 1 : 0);
}
