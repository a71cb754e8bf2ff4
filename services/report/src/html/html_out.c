#include "html/html_out.h"

#include "base/scope.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum mu_status html_open(const char *path, struct html *ret_html, struct mu_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

    *ret_html = (struct html){.file = fd >= 0 ? fdopen(fd, "w") : NULL, .path = path};
    if (!ret_html->file)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    return MU_OK;
}

enum mu_status html_close(struct html *html, struct mu_error *err)
{
    const bool written = fflush(html->file) == 0 && !ferror(html->file);

    if (!written)
        return mu_fail(err, MU_E_UNAVAILABLE, "write '%s': %s", html->path, strerror(errno));
    html_done(html);
    return MU_OK;
}

void html_done(struct html *html)
{
    mu_release_file(&html->file);
    html->file = NULL;
}

void html_put(struct html *html, const char *markup)
{
    (void)fputs(markup, html->file);
}

void html_putf(struct html *html, const char *fmt, ...)
{
    va_list arguments;

    va_start(arguments, fmt);
    (void)vfprintf(html->file, fmt, arguments);
    va_end(arguments);
}

/* ---- text of others ---- */

enum { NOT_UTF8 = 0xfffd, LONGEST_SEQUENCE = 4 };

/* The character at `text` and its bytes; bytes that begin none are one U+FFFD each. */
static uint32_t character_at(const unsigned char *text, size_t *ret_len)
{
    const unsigned char lead = *text;
    const size_t len = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    uint32_t code = lead;

    *ret_len = 1;
    if (len == 1)
        return code;
    if (strnlen((const char *)text, LONGEST_SEQUENCE) < len ||
        !mu_utf8_valid((const char *)text, len))
        return NOT_UTF8;
    code = lead & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++)
        code = code << 6 | (text[i] & 0x3f);
    *ret_len = len;
    return code;
}

/* What a reader would not see, or what would show other text than there is. */
static const struct {
    uint32_t first, last;
} unseen[] = {
        {0x00, 0x08},     {0x0b, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},       {0x61c, 0x61c},
        {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},   {0xfe00, 0xfe0f},
        {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff},
};

static bool is_unseen(uint32_t code)
{
    for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
        if (code >= unseen[i].first && code <= unseen[i].last)
            return true;
    return false;
}

static const char *reference_of(uint32_t code)
{
    static const struct {
        uint32_t code;
        const char *reference;
    } references[] = {
            {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++)
        if (references[i].code == code)
            return references[i].reference;
    return NULL;
}

static void put_escaped(struct html *html, const char *text, const char *line_feed)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t done = 0, len;

    for (; at && *at; at += len, done += len) {
        const uint32_t code = character_at(at, &len);

        if (done + len > HTML_TEXT_MAX_BYTES) {
            (void)fputs("\xe2\x80\xa6", html->file);
            return;
        }
        if (code == '\n')
            (void)fputs(line_feed, html->file);
        else if (code == '\t')
            (void)fputc(' ', html->file);
        else if (is_unseen(code))
            (void)fprintf(html->file, "[U+%04X]", (unsigned)code);
        else if (code == NOT_UTF8)
            (void)fputs("\xef\xbf\xbd", html->file);
        else if (reference_of(code))
            (void)fputs(reference_of(code), html->file);
        else
            (void)fwrite(at, 1, len, html->file);
    }
}

void html_text(struct html *html, const char *text)
{
    put_escaped(html, text, "<br>");
}

void html_attribute(struct html *html, const char *text)
{
    put_escaped(html, text, " ");
}

void html_id(struct html *html, const char *prefix, const char *text)
{
    (void)fputs(prefix, html->file);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        const bool plain = (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') ||
                           (*at >= 'A' && *at <= 'Z') || *at == '-' || *at == '.';

        if (plain)
            (void)fputc(*at, html->file);
        else
            (void)fprintf(html->file, "_%02X", *at);
    }
}

void html_number(struct html *html, int64_t number)
{
    char digits[MU_NUMBER_TEXT_SIZE];
    size_t len;

    if (number < 0) {
        html_put(html, "not known");
        return;
    }
    len = mu_text_of_number(number, digits);
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            (void)fputc(',', html->file);
        (void)fputc(digits[i], html->file);
    }
}

void html_day(struct html *html, const char *time)
{
    enum { DAY_BYTES = 10 };
    char day[DAY_BYTES + 1];

    if (!time) {
        html_put(html, "\xe2\x80\x93");
        return;
    }
    (void)snprintf(day, sizeof(day), "%s", time);
    html_put(html, "<time datetime=\"");
    html_attribute(html, time);
    html_put(html, "\">");
    html_text(html, day);
    html_put(html, "</time>");
}
