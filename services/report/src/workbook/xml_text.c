#include "workbook/xml_text.h"

#include "base/text.h"

#include <string.h>

static const char *entity_of(char c)
{
    static const struct {
        char c;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\r', "&#13;"}};

    for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
        if (entities[i].c == c)
            return entities[i].entity;
    return NULL;
}

void xml_escape(const char *text, struct mu_buf *out)
{
    for (size_t len; *text; text += len) {
        len = strcspn(text, "&<>\"\r");
        mu_buf_append(out, text, len);
        if (text[len])
            mu_buf_puts(out, entity_of(text[len++]));
    }
}

/* Attribute values lose line ends and tabs that are not written as references. */
static void escape_value(const char *text, struct mu_buf *out)
{
    for (size_t len; *text; text += len) {
        char one[2] = {*text, '\0'};

        len = 1;
        if (*text == '\n' || *text == '\t')
            mu_buf_printf(out, "&#%d;", *text);
        else
            xml_escape(one, out);
    }
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (mu_text_equal(name, *names))
            return true;
    return false;
}

void xml_attributes(const char **attributes, const char *const *without, struct mu_buf *out)
{
    for (; attributes[0]; attributes += 2) {
        if (is_one_of(attributes[0], without))
            continue;
        mu_buf_printf(out, " %s=\"", attributes[0]);
        escape_value(attributes[1], out);
        mu_buf_puts(out, "\"");
    }
}
