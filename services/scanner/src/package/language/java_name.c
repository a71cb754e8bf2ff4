#include "package/language/java_name.h"

#include "package/language/java_known.h"

#include <string.h>

/* Whether `text` begins as a version does. */
static bool version_begins(struct lang_span text)
{
    static const char *const words[] = {"", "build", "rc", "r"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t len = strlen(words[i]);

        if (text.len > len && lang_is_folded(lang_head(text, len), words[i]) &&
            lang_digit(text.text[len]))
            return true;
    }
    return false;
}

static bool version_word(struct lang_span word)
{
    static const char *const words[] = {"alpha", "beta", "milestone",  "m",     "rc",  "cr",
                                        "final", "ga",   "snapshot",   "build", "sp",  "jre",
                                        "b",     "a",    "incubating", "pre",   "rev", "preview"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (lang_is_folded(word, words[i]))
            return true;
    }
    return false;
}

/* Where the version begins behind a '-': see the header. `len` when it does not. */
static size_t dashed_version(struct lang_span name)
{
    size_t found = name.len;
    bool foreign = true; /* a word stood between that is no part of versions */

    for (size_t at = lang_find(name, '-'); at < name.len;
         at += 1 + lang_find(lang_tail(name, at + 1), '-')) {
        struct lang_span rest = lang_tail(name, at + 1), part = rest;

        part = lang_head(part, lang_find(part, '-'));
        if (version_begins(rest)) {
            if (foreign)
                found = at + 1;
            foreign = false;
        } else if (found < name.len && part.len > 0 && !version_word(part) &&
                   lang_alpha(part.text[part.len - 1])) {
            foreign = true;
        }
    }
    return found;
}

static size_t other_version(struct lang_span name)
{
    for (size_t at = 1; at + 1 < name.len; at++) {
        if ((name.text[at] == '_' || name.text[at] == '.') && lang_digit(name.text[at + 1]))
            return at + 1;
    }
    return name.len;
}

/* "org.mortbay.jasper.apache-el" is the artifact "apache-el" of the group before it. Not so below
 * javax, jakarta and org.eclipse, where artifacts have dots themselves. */
static size_t dotted_group(struct lang_span name)
{
    static const char *const domains[] = {"com.", "org.", "net.", "io."};
    const char *dot = name.len > 0 ? memrchr(name.text, '.', name.len) : NULL;
    size_t at = dot ? (size_t)(dot - name.text) : 0;

    if (at == 0 || at + 1 >= name.len || !lang_alpha(dot[1]) || lang_starts(name, "org.eclipse."))
        return 0;
    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
        if (lang_starts(name, domains[i]) && at > strlen(domains[i]))
            return at;
    }
    return 0;
}

/* A version without a classifier. */
static struct lang_span unclassified(struct lang_span version)
{
    static const char *const classifiers[] = {"-exec", "-native", "-shaded", "-tests",
                                              "-jar-with-dependencies"};

    for (size_t i = 0; i < sizeof(classifiers) / sizeof(classifiers[0]); i++) {
        if (lang_ends(version, classifiers[i]))
            return lang_head(version, version.len - strlen(classifiers[i]));
    }
    return version;
}

struct java_name java_name_of_file(struct lang_span path)
{
    struct lang_span base = lang_path_base(path);
    const char *dot = base.len > 0 ? memrchr(base.text, '.', base.len) : NULL;
    struct lang_span name = dot ? lang_head(base, (size_t)(dot - base.text)) : base;
    size_t at = dashed_version(name);
    struct java_name found = {.artifact = name};
    size_t group_len;

    if (at == name.len)
        at = other_version(name);
    if (at < name.len)
        found = (struct java_name){.artifact = lang_head(name, at - 1),
                                   .version = unclassified(lang_tail(name, at))};
    group_len = dotted_group(found.artifact);
    if (group_len > 0) {
        found.group = lang_head(found.artifact, group_len);
        found.artifact = lang_tail(found.artifact, group_len + 1);
    }
    return found;
}

static struct lang_span first_of(const struct java_manifest *manifest, const char *const *names,
                                 size_t count)
{
    struct lang_span value = {0};

    for (size_t i = 0; i < count && value.len == 0; i++)
        value = java_manifest_any(manifest, names[i]);
    return value;
}

struct java_name java_name_complete(struct java_name name, const struct java_manifest *manifest)
{
    static const char *const names[] = {"Bundle-SymbolicName", "Short-Name", "Extension-Name",
                                        "Implementation-Title"};
    static const char *const versions[] = {"Implementation-Version", "Specification-Version",
                                           "Plugin-Version", "Bundle-Version"};
    const struct java_known *known;

    if (name.version.len == 0)
        name.version = first_of(manifest, versions, sizeof(versions) / sizeof(versions[0]));
    if (name.artifact.len == 0)
        name.artifact = first_of(manifest, names, sizeof(names) / sizeof(names[0]));
    known = java_known_find(name.artifact, name.version);
    if (known && known->published)
        name.artifact = lang_span_of(known->published);
    return name;
}

/* ".../repository/org/springframework/spring-core/6.1.0/spring-core-6.1.0.jar" of Maven and
 * ".../files-2.1/org.springframework/spring-core/6.1.0/HASH/spring-core-6.1.0.jar" of Gradle. */
static struct lang_span group_of_path(struct lang_span artifact, struct lang_span path)
{
    static const char *const roots[] = {"/repository/", "/maven2/", "/maven-repo/", "/files-2.1/"};
    struct lang_span parent = lang_path_parent(path);

    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        const char *found =
                parent.len > 0 ? memmem(parent.text, parent.len, roots[i], strlen(roots[i])) : NULL;
        struct lang_span group;

        if (!found)
            continue;
        group = lang_tail(parent, (size_t)(found - parent.text) + strlen(roots[i]));
        if (i == 3)
            group = lang_path_parent(group); /* the hash */
        group = lang_path_parent(group);     /* the version */
        if (!lang_same(lang_path_base(group), artifact))
            continue;
        return lang_path_parent(group);
    }
    return (struct lang_span){0};
}

static bool domain_begins(struct lang_span text)
{
    static const char *const domains[] = {"com.", "org.", "net.", "io.",      "be.",
                                          "de.",  "dev.", "edu.", "jakarta.", "javax."};

    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
        if (lang_starts(text, domains[i]))
            return true;
    }
    return false;
}

/* Organisations under which groups lie, not artifacts. */
static bool is_umbrella(struct lang_span group)
{
    static const char *const names[] = {"org.apache", "org.codehaus", "org.eclipse",
                                        "com.google", "com.github",   "com.sun"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (lang_is(group, names[i]))
            return true;
    }
    return false;
}

/* Whether `suffix`, with '-' for '.', is what the artifact has behind "LAST-", LAST being the
 * group's last word: "org.mongodb" + "driver-core" is "mongodb-driver-core". */
static bool is_prefixed(struct lang_span group, struct lang_span suffix, struct lang_span artifact)
{
    const char *dot = memrchr(group.text, '.', group.len);
    struct lang_span last = dot ? lang_tail(group, (size_t)(dot - group.text) + 1) : group;

    if (artifact.len != last.len + 1 + suffix.len ||
        !lang_same(lang_head(artifact, last.len), last) || artifact.text[last.len] != '-')
        return false;
    for (size_t i = 0; i < suffix.len; i++) {
        char c = suffix.text[i];

        if (artifact.text[last.len + 1 + i] != (c == '.' ? '-' : c))
            return false;
    }
    return true;
}

/* Whether `suffix` is the artifact, or begins with it: "thing_1.0_spec". */
static bool is_named(struct lang_span suffix, struct lang_span artifact)
{
    return lang_same(lang_head(suffix, artifact.len), artifact) &&
           (suffix.len == artifact.len || suffix.text[artifact.len] == '_' ||
            suffix.text[artifact.len] == '-');
}

/* A name made of group and artifact, as Bundle-SymbolicName is, without the latter. */
static struct lang_span without_artifact(struct lang_span name, struct lang_span artifact)
{
    for (size_t at = lang_find(name, '.') + 1; at < name.len; at++) {
        struct lang_span group = lang_head(name, at), suffix = lang_tail(name, at + 1);

        if (name.text[at] == '.' && !is_umbrella(group) &&
            (is_named(suffix, artifact) || is_prefixed(group, suffix, artifact)))
            return group;
    }
    return name;
}

/* "group#artifact;version", as Nebula's builds have it. */
static struct lang_span group_of_title(struct lang_span artifact,
                                       const struct java_manifest *manifest)
{
    struct lang_span rest = java_manifest_main(manifest, "Implementation-Title");
    struct lang_span group = lang_take_until(&rest, '#');
    struct lang_span name = lang_take_until(&rest, ';');

    return lang_same(name, artifact) ? group : (struct lang_span){0};
}

static bool group_shaped(struct lang_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.text[i];

        if (!lang_alpha(c) && !lang_digit(c) && c != '.' && c != '-' && c != '_')
            return false;
    }
    return text.len > 0;
}

static struct lang_span group_of_manifest(struct lang_span artifact,
                                          const struct java_manifest *manifest)
{
    static const char *const names[] = {"Group-Id", "Implementation-Vendor-Id",
                                        "Bundle-SymbolicName", "Extension-Name",
                                        "Automatic-Module-Name"};
    struct lang_span titled = group_of_title(artifact, manifest);

    if (group_shaped(titled))
        return titled;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct lang_span value = java_manifest_main(manifest, names[i]);

        value = lang_trim(lang_head(value, lang_find(value, ';')));
        if (domain_begins(value) && group_shaped(value) && !is_umbrella(value))
            return without_artifact(value, artifact);
    }
    return (struct lang_span){0};
}

struct lang_span java_group_of(struct java_name name, struct lang_span path,
                               const struct java_manifest *manifest)
{
    struct lang_span artifact = name.artifact, group = group_of_path(artifact, path);
    const struct java_known *known = java_known_find(artifact, name.version);

    if (group.len > 0)
        return group;
    if (name.group.len > 0)
        return name.group;
    if (known)
        return lang_span_of(known->group);
    group = group_of_manifest(artifact, manifest);
    return group.len > 0 ? group : artifact;
}
