#include "package/language/go_version_text.h"

#include <stdio.h>
#include <string.h>

enum { REVISION_BYTES = 12, TIME_BYTES = 20 };

static struct lang_span take_digits(struct lang_span *rest)
{
    size_t len = 0;

    while (len < rest->len && lang_digit(rest->text[len]))
        len++;
    *rest = lang_tail(*rest, len);
    return (struct lang_span){.text = rest->text - len, .len = len};
}

/* Up to three numbers. */
static unsigned take_numbers(struct lang_span *rest)
{
    unsigned count = 0;

    while (count < 3 && take_digits(rest).len > 0) {
        count++;
        if (count == 3 || rest->len < 2 || rest->text[0] != '.' || !lang_digit(rest->text[1]))
            break;
        *rest = lang_tail(*rest, 1);
    }
    return count;
}

struct lang_span go_toolchain_version(struct lang_span text, char (*buffer)[GO_VERSION_BYTES])
{
    struct lang_span rest, numbers, word, digits;
    unsigned count;
    int len;

    text = lang_head(text, lang_find(text, ' '));
    numbers = rest = lang_tail(text, 2);
    count = take_numbers(&rest);
    numbers.len -= rest.len;
    if (!lang_starts(text, "go") || text.len > GO_VERSION_BYTES / 2 || count < 2 ||
        (count == 2 && lang_starts(rest, "-")))
        return lang_span_of("(devel)");
    word = lang_starts(rest, "rc") ? lang_head(rest, 2)
                                   : lang_head(rest, lang_starts(rest, "beta") ? 4 : 0);
    rest = lang_tail(rest, word.len);
    digits = take_digits(&rest);
    if (word.len == 0 || digits.len == 0)
        return numbers;
    len = snprintf(*buffer, sizeof(*buffer), "%.*s%s-%.*s.%.*s", (int)numbers.len, numbers.text,
                   count == 1   ? ".0.0"
                   : count == 2 ? ".0"
                                : "",
                   (int)word.len, word.text, (int)digits.len, digits.text);
    return (struct lang_span){.text = *buffer, .len = (size_t)len};
}

/* "version", "buildVersion", "gitTag": not "goVersion", which is the toolchain's. */
static bool names_version(struct lang_span name)
{
    return (lang_ends_folded(name, "version") || lang_ends_folded(name, "ver") ||
            lang_ends_folded(name, "tag")) &&
           !lang_ends_folded(name, "goversion");
}

static bool of_main(struct lang_span package, struct lang_span main_module)
{
    return lang_is(package, "main") || lang_is(package, "k8s.io/component-base/version") ||
           (main_module.len > 0 && lang_same(lang_head(package, main_module.len), main_module) &&
            (package.len == main_module.len || package.text[main_module.len] == '/'));
}

/* "registry.example/app/v1.2.3-rc.1" is "1.2.3-rc.1". */
static struct lang_span version_of_value(struct lang_span value)
{
    struct lang_span version = lang_path_base(value), rest;

    if (version.len > 0 && version.text[0] == 'v')
        version = lang_tail(version, 1);
    rest = version;
    if (take_numbers(&rest) < 3)
        return (struct lang_span){0};
    while (rest.len > 0 &&
           (lang_alpha(rest.text[0]) || lang_digit(rest.text[0]) || strchr("-._+", rest.text[0])))
        rest = lang_tail(rest, 1);
    return lang_head(version, version.len - rest.len);
}

static bool separates(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\'' || c == '"' || c == '\\' || c == '`';
}

static struct lang_span take_word(struct lang_span *rest)
{
    size_t len = 0;
    struct lang_span word;

    while (rest->len > 0 && separates(rest->text[0]))
        *rest = lang_tail(*rest, 1);
    while (len < rest->len && !separates(rest->text[len]))
        len++;
    word = lang_head(*rest, len);
    *rest = lang_tail(*rest, len);
    return word;
}

struct lang_span go_linked_version(struct lang_span flags, struct lang_span main_module)
{
    struct lang_span word;

    while ((word = take_word(&flags)).len > 0) {
        struct lang_span value = lang_starts(word, "-X=") ? lang_tail(word, 3) : word;
        struct lang_span variable = lang_take_until(&value, '=');
        const char *dot = variable.len > 0 ? memrchr(variable.text, '.', variable.len) : NULL;
        size_t at = dot ? (size_t)(dot - variable.text) : variable.len;
        struct lang_span version = version_of_value(value);

        if (version.len > 0 && names_version(lang_tail(variable, at + 1)) &&
            of_main(lang_head(variable, at), main_module))
            return version;
    }
    return (struct lang_span){0};
}

struct lang_span go_pseudo_version(struct lang_span revision, struct lang_span time,
                                   char (*buffer)[GO_VERSION_BYTES])
{
    char digits[TIME_BYTES];
    size_t count = 0;
    int len;

    for (size_t i = 0; i < time.len && count < sizeof(digits); i++) {
        if (lang_digit(time.text[i]))
            digits[count++] = time.text[i];
    }
    if (count != 14 || revision.len < REVISION_BYTES)
        return (struct lang_span){0};
    len = snprintf(*buffer, sizeof(*buffer), "v0.0.0-%.14s-%.*s", digits, REVISION_BYTES,
                   revision.text);
    return (struct lang_span){.text = *buffer, .len = (size_t)len};
}
