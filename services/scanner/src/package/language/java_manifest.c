#include "package/language/java_manifest.h"

#include <stdlib.h>
#include <string.h>

enum mu_status java_manifest_unfold(struct lang_span text, struct java_manifest *ret_manifest,
                                    struct mu_error *err)
{
    struct java_manifest manifest = {.text = malloc(text.len + 1)};
    struct lang_span line;

    if (!manifest.text)
        return mu_fail(err, MU_E_NOMEM, "no memory for a manifest of %zu bytes", text.len);
    while (lang_take_line(&text, &line)) {
        if (line.len > 0 && line.text[0] == ' ' && manifest.len > 0) {
            manifest.len--; /* over the line's end */
            line = lang_tail(line, 1);
        }
        if (line.len > 0)
            memcpy(manifest.text + manifest.len, line.text, line.len);
        manifest.len += line.len;
        manifest.text[manifest.len++] = '\n';
    }
    *ret_manifest = manifest;
    return MU_OK;
}

void java_manifest_done(struct java_manifest *manifest)
{
    free(manifest->text);
    *manifest = (struct java_manifest){0};
}

static struct lang_span attribute_find(const struct java_manifest *manifest, const char *name,
                                       bool main_only)
{
    struct lang_span rest = {.text = manifest->text, .len = manifest->len}, line;

    while (lang_take_line(&rest, &line)) {
        struct lang_span value = line, key = lang_take_until(&value, ':');

        if (line.len == 0 && main_only)
            break;
        value = lang_trim(value);
        if (value.len > 0 && lang_is_folded(lang_trim(key), name))
            return value;
    }
    return (struct lang_span){0};
}

struct lang_span java_manifest_main(const struct java_manifest *manifest, const char *name)
{
    return attribute_find(manifest, name, true);
}

struct lang_span java_manifest_any(const struct java_manifest *manifest, const char *name)
{
    struct lang_span value = java_manifest_main(manifest, name);

    return value.len > 0 ? value : attribute_find(manifest, name, false);
}
