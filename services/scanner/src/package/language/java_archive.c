/*
 * Java archives, and archives within them (FINDER_NESTING_MAX deep): every pom.properties below
 * META-INF/maven, as shaded archives have many, and the archive itself by its manifest and file
 * name (java_name.h) when none of those is its own.
 *
 * A pom.properties is the archive's own when its artifact is the file name's, or with its version
 * the file name's beginning; when it begins or
 * ends as that does, or is the only one, its version must be the file's or the manifest's as well,
 * if they have one. Without any, a single pom.xml tells group and artifact by its place.
 * An archive of which no version is known is not told: nothing could be judged by it. One with
 * Weave-Classes is an agent's instrumentation that bears the name of what it instruments.
 *
 * Limits: all that one file unpacks, what of it is held at once, and the members of all archives.
 * Trouble in one member or nested archive is kept, and the rest is read.
 *
 * Source: "JAR File Specification"; Maven Archiver "pom.properties"; java.util.Properties.
 */
#include "package/language/java_manifest.h"
#include "package/language/java_name.h"
#include "package/language/lang_report.h"
#include "package/language/language_finders.h"
#include "package/language/zip_directory.h"

#include <string.h>

enum {
    TEXT_MAX_BYTES = 4 * 1024 * 1024, /* of a manifest or pom.properties */
    MEMBERS_MAX = 2000000             /* of all archives within one file */
};

#define FILE_MAX_BYTES     (4ULL << 30)
#define UNPACKED_MAX_BYTES (2ULL << 30)
#define HELD_MAX_BYTES     (64ULL << 20)

static bool archive_named(struct lang_span path)
{
    static const char *const endings[] = {".jar", ".war", ".ear", ".par", ".sar", ".nar",
                                          ".kar", ".far", ".hpi", ".jpi", ".rar", ".lpkg"};

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (lang_ends_folded(path, endings[i]))
            return true;
    }
    return false;
}

static bool wants(const struct finder_entry *entry)
{
    struct lang_span path = {.text = entry->path, .len = entry->path_len};
    char last = lang_last(path);

    return entry->kind == FINDER_FILE && last != '\0' && strchr("rRiIgG", last) &&
           archive_named(path);
}

/* A text of bounded length that outlives what it was read from. */
struct kept_text {
    char text[LANG_TEXT_MAX_BYTES];
    size_t len;
};

static void keep(struct kept_text *kept, struct lang_span span)
{
    kept->len = lang_head(span, sizeof(kept->text)).len;
    if (kept->len > 0)
        memcpy(kept->text, span.text, kept->len);
}

static struct lang_span kept_span(const struct kept_text *kept)
{
    return (struct lang_span){.text = kept->text, .len = kept->len};
}

/* What one file's archives share. */
struct reading {
    struct lang_report report;
    uint64_t unpacked_left, held_left, members_left;
};

/* A member that is taken: its name in the archive, the way to it from the file, its bytes. */
struct taken {
    struct lang_span name, inner_path;
    struct zip_content content;
};

static void taken_done(struct taken *taken)
{
    zip_content_done(&taken->content);
}

static struct lang_span taken_text(const struct taken *taken)
{
    return lang_bytes(taken->content.bytes, taken->content.len);
}

/* One archive, while its members are read. */
struct archive {
    struct reading *reading;
    struct zip_directory directory;
    struct lang_span path; /* in the image or in the archive around it: its last name counts */
    struct lang_span inner_path; /* from the file's beginning; empty for the file itself */
    struct java_name file;       /* by its name */
    struct java_manifest manifest;
    unsigned depth;
    size_t poms;
    bool own_pom;              /* one is of the file's name */
    bool near_pom;             /* one begins or ends as the file's name does */
    struct kept_text versions; /* of the near one, or of the last */
    size_t descriptors;        /* pom.xml, not read: their place has group and artifact */
    struct lang_span descriptor_group, descriptor_artifact; /* of the last */
};

static void archive_done(struct archive *archive)
{
    java_manifest_done(&archive->manifest);
}

static enum mu_status archive_read(struct archive *archive, const uint8_t *bytes, size_t len,
                                   struct mu_error *err);

/* The place of a member of `archive`, for people: "lib/a.war!/WEB-INF/lib/b.jar". */
static struct lang_span inner_path_write(const struct archive *archive, struct lang_span name,
                                         char (*buffer)[FINDER_TEXT_MAX_BYTES])
{
    const struct lang_span parts[] = {archive->inner_path,
                                      lang_span_of(archive->inner_path.len > 0 ? "!/" : ""), name};
    size_t len = 0;

    for (size_t i = 0; i < 3; i++) {
        struct lang_span part = lang_head(parts[i], sizeof(*buffer) - len);

        if (part.len > 0)
            memcpy(*buffer + len, part.text, part.len);
        len += part.len;
    }
    return (struct lang_span){.text = *buffer, .len = len};
}

static enum mu_status package_tell(struct archive *archive, struct lang_span group,
                                   struct java_name name, struct lang_span inner_path,
                                   struct mu_error *err)
{
    bool own = lang_same(name.artifact, archive->file.artifact);
    char full[2 * LANG_TEXT_MAX_BYTES];
    struct lang_package package = {.type = "maven",
                                   .version = name.version,
                                   .license =
                                           java_manifest_main(&archive->manifest, "Bundle-License"),
                                   .inner_path = inner_path};

    if (!own)
        package.license.len = 0;
    group = lang_head(group, LANG_TEXT_MAX_BYTES - 1);
    name.artifact = lang_head(name.artifact, LANG_TEXT_MAX_BYTES);
    for (size_t i = 0; i < group.len; i++)
        full[i] = (char)(group.text[i] == '/' ? '.' : group.text[i]);
    full[group.len] = ':';
    memcpy(full + group.len + 1, name.artifact.text, name.artifact.len);
    package.name = (struct lang_span){.text = full, .len = group.len + 1 + name.artifact.len};
    return lang_report_package(&archive->reading->report, &package, err);
}

struct pom {
    struct lang_span group, artifact, version;
};

static struct pom pom_parse(struct lang_span text)
{
    struct pom pom = {0};
    const struct {
        const char *name;
        struct lang_span *to;
    } keys[] = {{"groupId", &pom.group}, {"artifactId", &pom.artifact}, {"version", &pom.version}};
    struct lang_span line;

    while (lang_take_line(&text, &line)) {
        struct lang_span by_equals = line, by_colon = line;
        struct lang_span key = lang_take_until(&by_equals, '=');
        struct lang_span other = lang_take_until(&by_colon, ':');
        bool colon = other.len < key.len;

        key = lang_trim(colon ? other : key);
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            if (lang_is(key, keys[i].name))
                *keys[i].to = lang_trim(colon ? by_colon : by_equals);
        }
    }
    return pom;
}

static bool is_filled_in(struct lang_span text)
{
    return text.len > 0 && !lang_has(text, "${");
}

/* "artifact-version", then the ending or a classifier. */
static bool pom_spells(const struct pom *pom, struct lang_span name)
{
    struct lang_span rest = lang_tail(name, pom->artifact.len);

    return lang_same(lang_head(name, pom->artifact.len), pom->artifact) && lang_starts(rest, "-") &&
           lang_same(lang_head(lang_tail(rest, 1), pom->version.len), pom->version);
}

static void pom_hold_against_file(struct archive *archive, const struct pom *pom)
{
    struct lang_span file = archive->file.artifact, artifact = pom->artifact;
    bool near = file.len > 0 && artifact.len > 0 &&
                (lang_same(lang_head(artifact, file.len), file) ||
                 (artifact.len <= file.len &&
                  lang_same(lang_tail(file, file.len - artifact.len), artifact)));

    archive->poms++;
    archive->own_pom |= lang_same(artifact, file) || pom_spells(pom, lang_path_base(archive->path));
    if (!archive->near_pom)
        keep(&archive->versions, pom->version);
    archive->near_pom |= near;
}

static enum mu_status pom_take(struct archive *archive, const struct taken *taken,
                               struct mu_error *err)
{
    struct pom pom = pom_parse(taken_text(taken));
    struct java_name name = {.artifact = pom.artifact, .version = pom.version};

    if (!is_filled_in(pom.artifact) || !is_filled_in(pom.version))
        return MU_OK;
    if (!is_filled_in(pom.group))
        pom.group = pom.artifact;
    pom_hold_against_file(archive, &pom);
    return package_tell(archive, pom.group, name, taken->inner_path, err);
}

static enum mu_status manifest_take(struct archive *archive, const struct taken *taken,
                                    struct mu_error *err)
{
    if (archive->manifest.text)
        return MU_OK; /* of several the first counts */
    return java_manifest_unfold(taken_text(taken), &archive->manifest, err);
}

static enum mu_status nested_take(struct archive *archive, const struct taken *taken,
                                  struct mu_error *err)
{
    MU_AUTO_DONE(archive_done)
    struct archive nested = {.reading = archive->reading,
                             .path = taken->name,
                             .inner_path = taken->inner_path,
                             .depth = archive->depth + 1};

    if (nested.depth > FINDER_NESTING_MAX)
        return mu_fail(err, MU_E_LIMIT, "archives are nested deeper than %d", FINDER_NESTING_MAX);
    return archive_read(&nested, taken->content.bytes, taken->content.len, err);
}

static bool is_manifest(struct lang_span name)
{
    return lang_is_folded(name, "META-INF/MANIFEST.MF");
}

static bool is_pom(struct lang_span name)
{
    return lang_ends(name, "/pom.properties") && lang_has(name, "META-INF/maven/");
}

/* Which members are read, how large they may be, and what takes them. */
struct member_kind {
    bool (*is)(struct lang_span name);
    uint64_t max_bytes;
    enum mu_status (*take)(struct archive *archive, const struct taken *taken,
                           struct mu_error *err);
};

static const struct member_kind member_kinds[] = {
        {is_manifest, TEXT_MAX_BYTES, manifest_take},
        {is_pom, TEXT_MAX_BYTES, pom_take},
        {archive_named, FILE_MAX_BYTES, nested_take},
};

static enum mu_status member_unpack(struct archive *archive, const struct zip_member *member,
                                    uint64_t max_bytes, struct zip_content *ret_content,
                                    struct mu_error *err)
{
    struct reading *reading = archive->reading;
    bool packed = member->method != 0;

    if (packed && max_bytes > reading->held_left)
        max_bytes = reading->held_left;
    if (packed && member->size_bytes > reading->unpacked_left)
        return mu_fail(err, MU_E_LIMIT, "an archive that unpacks to more than %llu bytes",
                       UNPACKED_MAX_BYTES);
    if (packed)
        reading->unpacked_left -= member->size_bytes;
    if (packed && member->size_bytes <= max_bytes &&
        finder_may_unpack(reading->report.sink, member->size_bytes, err) != MU_OK)
        return err->status;
    return zip_member_unpack(&archive->directory, member, max_bytes, ret_content, err);
}

static enum mu_status member_take(struct archive *archive, const struct zip_member *member,
                                  const struct member_kind *kind, struct mu_error *err)
{
    MU_AUTO_DONE(taken_done) struct taken taken = {.name = member->name};
    struct reading *reading = archive->reading;
    char buffer[FINDER_TEXT_MAX_BYTES];
    enum mu_status st;
    size_t held;

    if (member_unpack(archive, member, kind->max_bytes, &taken.content, err) != MU_OK)
        return err->status;
    taken.inner_path = inner_path_write(archive, member->name, &buffer);
    held = taken.content.owned ? taken.content.len : 0;
    reading->held_left -= held;
    st = kind->take(archive, &taken, err);
    reading->held_left += held;
    return st;
}

/* "META-INF/maven/GROUP/ARTIFACT/pom.xml" */
static void descriptor_note(struct archive *archive, struct lang_span name)
{
    static const char root[] = "META-INF/maven/";
    struct lang_span rest = lang_tail(name, sizeof(root) - 1);

    if (!lang_ends(name, "/pom.xml") || !lang_starts(name, root))
        return;
    archive->descriptors++;
    archive->descriptor_group = lang_take_until(&rest, '/');
    archive->descriptor_artifact = lang_take_until(&rest, '/');
    if (!lang_is(rest, "pom.xml"))
        archive->descriptor_artifact.len = 0;
}

static enum mu_status member_read(struct archive *archive, const struct zip_member *member,
                                  struct mu_error *err)
{
    for (size_t i = 0; i < sizeof(member_kinds) / sizeof(member_kinds[0]); i++) {
        if (!member_kinds[i].is(member->name))
            continue;
        if (member_take(archive, member, &member_kinds[i], err) == MU_OK)
            return MU_OK;
        (void)mu_wrap(err, "'%.*s'", (int)lang_head(member->name, 200).len, member->name.text);
        return lang_report_absorb(&archive->reading->report, err);
    }
    return MU_OK;
}

/* Whether one of the pom.properties is about the archive as a whole. */
static bool pom_is_own(const struct archive *archive, struct java_name complete)
{
    if (archive->own_pom)
        return true;
    return (archive->near_pom || archive->poms == 1) &&
           (complete.version.len == 0 ||
            lang_same(kept_span(&archive->versions), complete.version));
}

static enum mu_status archive_tell(struct archive *archive, struct mu_error *err)
{
    struct java_name name = java_name_complete(archive->file, &archive->manifest);
    struct lang_span group;

    if (archive->poms == 0 && archive->descriptors == 1 && archive->descriptor_artifact.len > 0) {
        name.artifact = archive->descriptor_artifact;
        name.group = archive->descriptor_group;
    }
    if (pom_is_own(archive, name) || name.artifact.len == 0 || !is_filled_in(name.version) ||
        java_manifest_main(&archive->manifest, "Weave-Classes").len > 0)
        return MU_OK;
    group = java_group_of(name, archive->path, &archive->manifest);
    return package_tell(archive, group, name, archive->inner_path, err);
}

static enum mu_status archive_read(struct archive *archive, const uint8_t *bytes, size_t len,
                                   struct mu_error *err)
{
    struct zip_member member;
    enum mu_status st;

    if (zip_directory_open(bytes, len, &archive->directory, err) != MU_OK) {
        if (err->status != MU_E_NOT_FOUND)
            return err->status;
        if (lang_starts(lang_bytes(bytes, len), "Rar!"))
            return MU_OK; /* the other kind of archive with that ending */
        return mu_fail(err, MU_E_INVALID, "not a ZIP archive");
    }
    if (archive->directory.members > archive->reading->members_left)
        return mu_fail(err, MU_E_LIMIT, "archives of more than %d members together", MEMBERS_MAX);
    archive->reading->members_left -= archive->directory.members;
    archive->file = java_name_of_file(archive->path);
    while ((st = zip_directory_next(&archive->directory, &member, err)) == MU_OK) {
        descriptor_note(archive, member.name);
        if (member_read(archive, &member, err) != MU_OK)
            return err->status;
    }
    return st == MU_END ? archive_tell(archive, err) : st;
}

static enum mu_status read(const struct finder_input *input, const struct finder_sink *sink,
                           struct mu_error *err)
{
    struct reading reading = {.report = lang_report_on(sink),
                              .unpacked_left = UNPACKED_MAX_BYTES,
                              .held_left = HELD_MAX_BYTES,
                              .members_left = MEMBERS_MAX};
    MU_AUTO_DONE(archive_done)
    struct archive archive = {.reading = &reading, .path = lang_span_of(input->path)};

    if (archive_read(&archive, input->bytes, input->len, err) != MU_OK)
        return err->status;
    return lang_report_end(&reading.report, err);
}

const struct finder finder_java_archive = {.name = "java-archive",
                                           .version = 3,
                                           .max_bytes = FILE_MAX_BYTES,
                                           .wants = wants,
                                           .read = read};
