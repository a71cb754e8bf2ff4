#include "package/language/lang_report.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The type's own place for one text with its NUL. */
struct text_place {
    char text[FINDER_TEXT_MAX_BYTES + 1];
};

struct lang_report lang_report_on(const struct finder_sink *sink)
{
    return (struct lang_report){.sink = sink, .trouble = {.status = MU_OK}};
}

static bool has_control(struct lang_span span)
{
    for (size_t i = 0; i < span.len; i++) {
        if ((unsigned char)span.text[i] < ' ' || span.text[i] == 0x7f)
            return true;
    }
    return false;
}

static bool usable(struct lang_span span)
{
    return span.len > 0 && span.len <= LANG_TEXT_MAX_BYTES && !has_control(span) &&
           mu_utf8_valid(span.text, span.len);
}

static const char *placed(struct text_place *place, struct lang_span span)
{
    memcpy(place->text, span.text, span.len);
    place->text[span.len] = '\0';
    return place->text;
}

/* A place is shown whatever bytes it has: control characters and broken UTF-8 as '?'. */
static const char *placed_path(struct text_place *place, struct lang_span path)
{
    path = lang_head(path, FINDER_TEXT_MAX_BYTES);
    if (path.len == 0)
        return NULL;
    (void)placed(place, path);
    for (size_t i = 0; i < path.len; i++) {
        if ((unsigned char)place->text[i] < ' ' || place->text[i] == 0x7f)
            place->text[i] = '?';
    }
    mu_utf8_clean(place->text);
    return place->text;
}

static void unusable(struct lang_report *report, const struct lang_package *package)
{
    struct text_place shown;

    lang_report_trouble(report, MU_E_INVALID, "a %s package without a usable %s%s", package->type,
                        usable(package->name) ? "version: " : "name",
                        usable(package->name) ? placed(&shown, package->name) : "");
}

enum mu_status lang_report_package(struct lang_report *report, const struct lang_package *package,
                                   struct mu_error *err)
{
    struct text_place name, version, license, inner_path;
    struct found_package found = {.type = package->type, .source_version = package->recorded};

    if (!usable(package->name) || !usable(package->version)) {
        unusable(report, package);
        return MU_OK;
    }
    found.name = placed(&name, package->name);
    found.version = placed(&version, package->version);
    if (usable(package->license))
        found.license = placed(&license, package->license);
    found.inner_path = placed_path(&inner_path, package->inner_path);
    if (report->sink->package(report->sink->opaque, &found, err) == MU_OK)
        return MU_OK;
    report->stopped = true;
    return err->status;
}

void lang_report_trouble(struct lang_report *report, enum mu_status status, const char *fmt, ...)
{
    char text[MU_ERROR_MESSAGE_MAX];
    va_list args;

    if (report->trouble.status != MU_OK)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    (void)mu_fail(&report->trouble, status, "%s", text);
}

enum mu_status lang_report_absorb(struct lang_report *report, const struct mu_error *err)
{
    if (report->stopped || (err->status != MU_E_INVALID && err->status != MU_E_LIMIT))
        return err->status;
    if (report->trouble.status == MU_OK)
        report->trouble = *err;
    return MU_OK;
}

enum mu_status lang_report_end(const struct lang_report *report, struct mu_error *err)
{
    if (report->trouble.status != MU_OK)
        *err = report->trouble;
    return report->trouble.status;
}
