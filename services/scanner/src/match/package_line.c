#include "match/package_line.h"

#include "match/purl_package.h"

#include <string.h>

static const char *text(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

static struct image_os read_os(const json_t *os)
{
    return (struct image_os){.found = json_is_object(os),
                             .id = text(os, "id"),
                             .version_id = text(os, "version_id"),
                             .version_codename = text(os, "version_codename"),
                             .pretty_name = text(os, "pretty_name"),
                             .cpe_name = text(os, "cpe_name")};
}

static enum mu_status read_members(const json_t *root, struct package_line *line,
                                   struct mu_error *err)
{
    line->package = (struct image_package){.type = text(root, "type"),
                                           .name = text(root, "name"),
                                           .version = text(root, "version"),
                                           .source_name = text(root, "source_name"),
                                           .source_version = text(root, "source_version"),
                                           .architecture = text(root, "architecture"),
                                           .module = text(root, "module"),
                                           .vendor = text(root, "vendor")};
    line->os = read_os(json_object_get(root, "os"));
    if (!line->package.type || !line->package.name || !line->package.version)
        return mu_fail(err, MU_E_INVALID, "package: purl, or type, name and version are needed");
    return MU_OK;
}

static enum mu_status read_purl(const char *written, struct mu_arena *arena,
                                struct package_line *line, struct mu_error *err)
{
    struct purl purl;
    enum mu_status st = purl_parse(written, strlen(written), arena, &purl, err);

    return st == MU_OK ? purl_package(&purl, arena, &line->package, &line->os, err) : st;
}

enum mu_status package_line_read(const char *bytes, size_t len, struct mu_arena *arena,
                                 struct package_line *ret_line, struct mu_error *err)
{
    static const struct mu_json_limits limits = {PACKAGE_LINE_MAX_BYTES, 4};
    struct package_line line = {0};
    const char *purl;
    enum mu_status st = mu_json_parse(bytes, len, &limits, &line.document, err);

    if (st != MU_OK)
        return st;
    line.key = text(line.document, "key");
    purl = text(line.document, "purl");
    st = purl ? read_purl(purl, arena, &line, err) : read_members(line.document, &line, err);
    if (st != MU_OK) {
        json_decref(line.document);
        return st;
    }
    *ret_line = line;
    return MU_OK;
}

void package_line_done(struct package_line *line)
{
    json_decref(line->document);
    line->document = NULL;
}
