#include "workbook/template_styles.h"

#include "workbook/xlsx_part.h"
#include "workbook/xml_text.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_FORMATS = 64 * 1024,
    MAX_NUMBER_FORMATS = 1024,
    MAX_MADE = 4096,
    STYLES_ARENA_BYTES = 32 * 1024 * 1024,
    ATTRIBUTES_MAX_BYTES = 4096,
    FORMAT_TEXT = 49, /* "@" */
    FORMAT_DATE = 14  /* mm-dd-yy */
};

/* A format of the template, its parts as they are written again. */
struct format {
    const char *attributes; /* without number format and applyAlignment, applyNumberFormat */
    const char *alignment;  /* without wrapText, vertical and shrinkToFit */
    uint64_t number_format;
};

struct made {
    uint32_t base;
    enum style_variant variant;
};

struct template_styles {
    struct mu_arena *arena;
    const char *xml;
    size_t len;
    const char *prefix;             /* "x:" or "" */
    size_t tag_begin, tag_end, end; /* of cellXfs: its start tag, and where its end tag begins */
    const char *tag_attributes;     /* without count */
    struct format *formats;
    size_t format_count, format_capacity;
    uint64_t dates[MAX_NUMBER_FORMATS]; /* numbers of the template's own formats of dates */
    size_t date_count;
    struct made made[MAX_MADE];
    size_t made_count;
};

/* ---- reading ---- */

struct reading {
    struct template_styles *styles;
    bool inside; /* cellXfs */
    struct mu_buf scratch;
};

static size_t here(const struct xlsx_part *part)
{
    return (size_t)XML_GetCurrentByteIndex(part->parser);
}

static size_t behind(const struct xlsx_part *part)
{
    return here(part) + (size_t)XML_GetCurrentByteCount(part->parser);
}

static const char *keep_attributes(struct xlsx_part *part, const char **attributes,
                                   const char *const *without)
{
    struct reading *reading = part->opaque;
    const char *kept;

    mu_buf_reset(&reading->scratch);
    xml_attributes(attributes, without, &reading->scratch);
    kept = reading->scratch.failed ? NULL
                                   : mu_arena_strdup(reading->styles->arena, reading->scratch.data);
    if (!kept)
        xlsx_part_stop(part, mu_fail(part->err, MU_E_LIMIT, "formats are too large"));
    return kept;
}

/* Whether the code shows a day: a y outside of brackets and quotes. */
static bool is_date_code(const char *code)
{
    char until = '\0';

    for (; *code; code++) {
        if (until)
            until = *code == until ? '\0' : until;
        else if (*code == '[' || *code == '"')
            until = *code == '[' ? ']' : '"';
        else if (*code == 'y' || *code == 'Y')
            return true;
    }
    return false;
}

static void take_number_format(struct xlsx_part *part, const char **attributes)
{
    struct template_styles *styles = ((struct reading *)part->opaque)->styles;
    const char *code = xlsx_attribute(attributes, "formatCode");
    const char *id = xlsx_attribute(attributes, "numFmtId");
    uint64_t number;
    struct mu_error ignored;

    if (code && id && is_date_code(code) && styles->date_count < MAX_NUMBER_FORMATS &&
        mu_text_to_u64(id, "number format", &number, &ignored) == MU_OK)
        styles->dates[styles->date_count++] = number;
}

static bool grow(struct template_styles *styles)
{
    size_t capacity = styles->format_capacity ? 2 * styles->format_capacity : 64;
    struct format *formats =
            capacity <= MAX_FORMATS ? realloc(styles->formats, capacity * sizeof(*formats)) : NULL;

    if (!formats)
        return false;
    styles->formats = formats;
    styles->format_capacity = capacity;
    return true;
}

static void take_format(struct xlsx_part *part, const char **attributes)
{
    static const char *const without[] = {"numFmtId", "applyNumberFormat", "applyAlignment", NULL};
    struct template_styles *styles = ((struct reading *)part->opaque)->styles;
    const char *id = xlsx_attribute(attributes, "numFmtId");
    struct format *format;
    struct mu_error ignored;

    if (styles->format_count == styles->format_capacity && !grow(styles)) {
        xlsx_part_stop(part, mu_fail(part->err, MU_E_LIMIT, "more than %d formats", MAX_FORMATS));
        return;
    }
    format = &styles->formats[styles->format_count++];
    format->alignment = "";
    format->attributes = keep_attributes(part, attributes, without);
    if (!id || mu_text_to_u64(id, "number format", &format->number_format, &ignored) != MU_OK)
        format->number_format = 0;
}

static void take_tag(struct xlsx_part *part, const char **attributes)
{
    struct reading *reading = part->opaque;
    const char *colon = strchr(part->qualified_name, ':');
    struct template_styles *styles = reading->styles;

    styles->prefix = colon ? mu_arena_strndup(styles->arena, part->qualified_name,
                                              (size_t)(colon - part->qualified_name) + 1)
                           : "";
    styles->tag_begin = here(part);
    styles->tag_end = behind(part);
    styles->tag_attributes =
            keep_attributes(part, attributes, (const char *const[]){"count", NULL});
    reading->inside = true;
}

static void on_start(struct xlsx_part *part, const char *name, const char **attributes)
{
    static const char *const without[] = {"wrapText", "vertical", "shrinkToFit", NULL};
    struct reading *reading = part->opaque;
    struct template_styles *styles = reading->styles;

    if (mu_text_equal(name, "numFmt"))
        take_number_format(part, attributes);
    else if (mu_text_equal(name, "cellXfs") && !styles->tag_end)
        take_tag(part, attributes);
    else if (reading->inside && mu_text_equal(name, "xf"))
        take_format(part, attributes);
    else if (reading->inside && mu_text_equal(name, "alignment") && styles->format_count > 0)
        styles->formats[styles->format_count - 1].alignment =
                keep_attributes(part, attributes, without);
}

static void on_end(struct xlsx_part *part, const char *name)
{
    struct reading *reading = part->opaque;

    if (!reading->inside || !mu_text_equal(name, "cellXfs"))
        return;
    reading->styles->end = here(part);
    reading->inside = false;
}

static enum mu_status read_styles(struct template_styles *styles, struct mu_error *err)
{
    struct reading reading = {.styles = styles};
    struct xlsx_part part = {.start = on_start, .end = on_end, .opaque = &reading};
    enum mu_status st;

    mu_buf_init(&reading.scratch, ATTRIBUTES_MAX_BYTES);
    mu_buf_init(&part.text, 1);
    st = xlsx_part_parse_memory(styles->xml, styles->len, "xl/styles.xml", &part, err);
    mu_buf_done(&part.text);
    mu_buf_done(&reading.scratch);
    if (st == MU_OK && styles->format_count == 0)
        st = mu_fail(err, MU_E_INVALID, "xl/styles.xml has no cell formats");
    return st;
}

enum mu_status template_styles_new(const char *xml, size_t len, struct template_styles **ret_styles,
                                   struct mu_error *err)
{
    MU_AUTO(template_styles) struct template_styles *styles = mu_xcalloc(1, sizeof(*styles));
    enum mu_status st;

    styles->arena = mu_arena_new(STYLES_ARENA_BYTES);
    styles->xml = xml;
    styles->len = len;
    st = read_styles(styles, err);
    if (st != MU_OK)
        return st;
    *ret_styles = styles;
    styles = NULL;
    return MU_OK;
}

void template_styles_free(struct template_styles *styles)
{
    if (!styles)
        return;
    mu_arena_free(styles->arena);
    free(styles->formats);
    free(styles);
}

/* ---- variants ---- */

uint32_t template_styles_variant(struct template_styles *styles, uint32_t base,
                                 enum style_variant variant)
{
    if (base >= styles->format_count)
        base = 0;
    for (size_t i = 0; i < styles->made_count; i++)
        if (styles->made[i].base == base && styles->made[i].variant == variant)
            return (uint32_t)(styles->format_count + i);
    if (styles->made_count == MAX_MADE)
        return base;
    styles->made[styles->made_count++] = (struct made){base, variant};
    return (uint32_t)(styles->format_count + styles->made_count - 1);
}

static bool is_date(const struct template_styles *styles, uint64_t number_format)
{
    for (size_t i = 0; i < styles->date_count; i++)
        if (styles->dates[i] == number_format)
            return true;
    return number_format >= FORMAT_DATE && number_format <= FORMAT_DATE + 3;
}

static void write_variant(const struct template_styles *styles, const struct made *made,
                          struct mu_buf *out)
{
    const struct format *format = &styles->formats[made->base];
    uint64_t number_format = format->number_format;

    if (made->variant == STYLE_TEXT)
        number_format = FORMAT_TEXT;
    else if (made->variant == STYLE_DATE && !is_date(styles, number_format))
        number_format = FORMAT_DATE;
    else if (made->variant == STYLE_WRAPPED && is_date(styles, number_format))
        number_format = 0;
    mu_buf_printf(out,
                  "<%sxf numFmtId=\"%llu\"%s applyNumberFormat=\"1\" applyAlignment=\"1\">"
                  "<%salignment%s vertical=\"top\" wrapText=\"1\"/></%sxf>",
                  styles->prefix, (unsigned long long)number_format, format->attributes,
                  styles->prefix, format->alignment, styles->prefix);
}

enum mu_status template_styles_write(const struct template_styles *styles, struct mu_buf *out,
                                     struct mu_error *err)
{
    mu_buf_append(out, styles->xml, styles->tag_begin);
    mu_buf_printf(out, "<%scellXfs%s count=\"%zu\">", styles->prefix, styles->tag_attributes,
                  styles->format_count + styles->made_count);
    mu_buf_append(out, styles->xml + styles->tag_end, styles->end - styles->tag_end);
    for (size_t i = 0; i < styles->made_count; i++)
        write_variant(styles, &styles->made[i], out);
    mu_buf_append(out, styles->xml + styles->end, styles->len - styles->end);
    return mu_buf_status(out, "xl/styles.xml", err);
}
