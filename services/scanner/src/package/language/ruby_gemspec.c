/*
 * Ruby's installed gems: *.gemspec below a "specifications" folder (also specifications/default).
 *
 * RubyGems writes the line "# stub: NAME VERSION PLATFORM PATHS" into what it installs; that
 * counts. Else the assignments "s.name = "..."" and "s.version = "..."" (or Gem::Version.new), and
 * for a version that is an expression the file's name, "NAME-VERSION.gemspec".
 *
 * Source: RubyGems, Gem::StubSpecification and Gem::Specification#to_ruby; guides.rubygems.org
 * "Specification Reference".
 */
#include "package/language/lang_report.h"
#include "package/language/language_finders.h"

#include <string.h>

enum { GEMSPEC_MAX_BYTES = 4 * 1024 * 1024 };

static bool wants(const struct finder_entry *entry)
{
    struct lang_span path = {.text = entry->path, .len = entry->path_len};

    return entry->kind == FINDER_FILE && lang_last(path) == 'c' && lang_ends(path, ".gemspec") &&
           (lang_has(path, "/specifications/") || lang_starts(path, "specifications/"));
}

struct gem {
    struct lang_span name, version, license;
};

static bool stub_take(struct lang_span line, struct gem *gem)
{
    struct lang_span rest = lang_tail(line, 8);

    if (!lang_starts(line, "# stub: "))
        return false;
    gem->name = lang_take_until(&rest, ' ');
    gem->version = lang_take_until(&rest, ' ');
    return gem->name.len > 0 && gem->version.len > 0 && lang_digit(gem->version.text[0]);
}

/* The first quoted text; empty when there is none or it holds an expression. */
static struct lang_span quoted(struct lang_span text)
{
    size_t at = 0;
    struct lang_span rest, value;

    while (at < text.len && text.text[at] != '"' && text.text[at] != '\'')
        at++;
    rest = lang_tail(text, at + 1);
    value = lang_head(rest, at < text.len ? lang_find(rest, text.text[at]) : 0);
    return value.len == rest.len || lang_has(value, "#{") ? (struct lang_span){0} : value;
}

/* The value of "anything.NAME = value". */
static void assignment_take(struct lang_span line, const char *name, struct lang_span *to)
{
    struct lang_span value = line, variable = lang_trim(lang_take_until(&value, '='));

    if (to->len == 0 && lang_ends(variable, name) && lang_find(variable, ' ') == variable.len)
        *to = quoted(value);
}

static struct gem gem_read(struct lang_span text)
{
    struct gem gem = {0}, stub = {0};
    struct lang_span line;
    bool stubbed = false;

    while (lang_take_line(&text, &line)) {
        line = lang_trim(line);
        if (!stubbed && stub_take(line, &stub))
            stubbed = true;
        assignment_take(line, ".name", &gem.name);
        assignment_take(line, ".version", &gem.version);
        assignment_take(line, ".licenses", &gem.license);
        assignment_take(line, ".license", &gem.license);
    }
    if (stubbed) {
        gem.name = stub.name;
        gem.version = stub.version;
    }
    return gem;
}

/* "NAME-VERSION[-PLATFORM].gemspec" */
static void file_name_take(struct lang_span path, struct gem *gem)
{
    struct lang_span base = lang_path_base(path);
    size_t end = base.len - strlen(".gemspec");

    base = lang_head(base, end);
    for (size_t at = lang_find(base, '-'); at + 1 < base.len;
         at += 1 + lang_find(lang_tail(base, at + 1), '-')) {
        struct lang_span version = lang_tail(base, at + 1);

        if (!lang_digit(version.text[0]))
            continue;
        if (gem->name.len == 0)
            gem->name = lang_head(base, at);
        gem->version = lang_head(version, lang_find(version, '-'));
        return;
    }
}

static enum mu_status read(const struct finder_input *input, const struct finder_sink *sink,
                           struct mu_error *err)
{
    struct lang_report report = lang_report_on(sink);
    struct gem gem = gem_read(lang_bytes(input->bytes, input->len));
    struct lang_package package = {.type = "gem"};

    if (gem.name.len == 0 || gem.version.len == 0)
        file_name_take(lang_span_of(input->path), &gem);
    package.name = gem.name;
    package.version = gem.version;
    package.license = gem.license;
    if (lang_report_package(&report, &package, err) != MU_OK)
        return err->status;
    return lang_report_end(&report, err);
}

const struct finder finder_ruby_gemspec = {.name = "ruby-gemspec",
                                           .version = 1,
                                           .max_bytes = GEMSPEC_MAX_BYTES,
                                           .wants = wants,
                                           .read = read};
