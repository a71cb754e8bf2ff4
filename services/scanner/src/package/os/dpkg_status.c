#include "package/os/dpkg_status.h"

#include "package/os/os_text.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* The fields we read, of one stanza. */
struct stanza {
    struct dpkg_text package, version, source, architecture, status, maintainer;
    bool any; /* it has at least one line */
};

static const char *const present_states[] = {"installed", "unpacked", "half-configured",
                                             "triggers-awaited", "triggers-pending"};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct dpkg_text trimmed(const char *text, size_t len)
{
    while (len > 0 && is_blank(text[0])) {
        text++;
        len--;
    }
    while (len > 0 && is_blank(text[len - 1]))
        len--;
    return (struct dpkg_text){.text = text, .len = len};
}

static bool text_is(struct dpkg_text text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.text, word, text.len) == 0;
}

static struct dpkg_text *field_of(struct stanza *stanza, struct dpkg_text name)
{
    const struct {
        const char *name;
        struct dpkg_text *to;
    } fields[] = {{"Package", &stanza->package},       {"Version", &stanza->version},
                  {"Source", &stanza->source},         {"Architecture", &stanza->architecture},
                  {"Maintainer", &stanza->maintainer}, {"Status", &stanza->status}};

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (text_is(name, fields[i].name))
            return fields[i].to;
    }
    return NULL;
}

/* A line of a stanza. Continuation lines belong to fields we do not read. The first of two wins. */
static void line_take(struct stanza *stanza, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    struct dpkg_text *to;

    stanza->any = true;
    if (!colon || is_blank(line[0]))
        return;
    to = field_of(stanza, trimmed(line, (size_t)(colon - line)));
    if (to && !to->text)
        *to = trimmed(colon + 1, len - (size_t)(colon + 1 - line));
}

static bool word_usable(struct dpkg_text text)
{
    return os_word_usable(text.text, text.len);
}

/* "want eflag status": the third word. */
static struct dpkg_text third_word(struct dpkg_text status)
{
    for (int word = 0; word < 2; word++) {
        while (status.len > 0 && !is_blank(status.text[0])) {
            status.text++;
            status.len--;
        }
        status = trimmed(status.text, status.len);
    }
    return status;
}

static bool stanza_present(const struct stanza *stanza, enum dpkg_form form)
{
    struct dpkg_text state;

    if (!stanza->any)
        return false;
    if (form == DPKG_STATUS_D && !stanza->status.text)
        return true;
    if (!stanza->status.text)
        return false;
    state = third_word(stanza->status);
    for (size_t i = 0; i < sizeof(present_states) / sizeof(present_states[0]); i++) {
        if (text_is(state, present_states[i]))
            return true;
    }
    return false;
}

/* "name" or "name (version)". */
static void source_split(struct dpkg_text source, struct dpkg_package *package)
{
    const char *open = source.len > 0 ? memchr(source.text, '(', source.len) : NULL;
    struct dpkg_text name, version = {0};

    if (source.len == 0)
        return;
    name = trimmed(source.text, open ? (size_t)(open - source.text) : source.len);
    if (open) {
        version = trimmed(open + 1, source.len - (size_t)(open + 1 - source.text));
        if (version.len > 0 && version.text[version.len - 1] == ')')
            version = trimmed(version.text, version.len - 1);
    }
    if (word_usable(name))
        package->source_name = name;
    if (word_usable(version))
        package->source_version = version;
}

static bool package_of(const struct stanza *stanza, struct dpkg_package *ret_package)
{
    struct dpkg_package package = {.name = stanza->package,
                                   .version = stanza->version,
                                   .source_name = stanza->package,
                                   .source_version = stanza->version};

    if (!word_usable(package.name) || !word_usable(package.version))
        return false;
    if (word_usable(stanza->architecture))
        package.architecture = stanza->architecture;
    if (os_line_usable(stanza->maintainer.text, stanza->maintainer.len))
        package.maintainer = stanza->maintainer;
    source_split(stanza->source, &package);
    *ret_package = package;
    return true;
}

struct parse {
    enum dpkg_form form;
    dpkg_package_fn *on_package;
    void *opaque;
    size_t unreadable;
    struct stanza stanza;
};

static enum mu_status stanza_end(struct parse *parse, struct mu_error *err)
{
    struct stanza stanza = parse->stanza;
    struct dpkg_package package;

    parse->stanza = (struct stanza){0};
    if (!stanza_present(&stanza, parse->form))
        return MU_OK;
    if (!package_of(&stanza, &package)) {
        parse->unreadable++;
        return MU_OK;
    }
    return parse->on_package(parse->opaque, &package, err);
}

static enum mu_status parse_line(struct parse *parse, const char *line, size_t len,
                                 struct mu_error *err)
{
    if (trimmed(line, len).len == 0)
        return stanza_end(parse, err);
    line_take(&parse->stanza, line, len);
    return MU_OK;
}

enum mu_status dpkg_status_parse(const char *bytes, size_t len, enum dpkg_form form,
                                 dpkg_package_fn *on_package, void *opaque, size_t *ret_unreadable,
                                 struct mu_error *err)
{
    struct parse parse = {.form = form, .on_package = on_package, .opaque = opaque};
    size_t at = 0;

    while (at < len) {
        const char *newline = memchr(bytes + at, '\n', len - at);
        size_t end = newline ? (size_t)(newline - bytes) : len;

        if (parse_line(&parse, bytes + at, end - at, err) != MU_OK)
            return err->status;
        at = end + 1;
    }
    if (stanza_end(&parse, err) != MU_OK)
        return err->status;
    *ret_unreadable = parse.unreadable;
    return MU_OK;
}
