#include "check/history_check.h"

#include "check/checks.h"
#include "check/config_secrets.h"
#include "check/secret_rules.h"
#include "check/secret_text.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX_BYTES = 160, STEP_MAX_BYTES = 64 * 1024 };

struct step {
    struct text_piece text;      /* whole */
    struct text_piece command;   /* of a RUN, or the instruction with its arguments */
    struct text_piece arguments; /* of the build: "NAME=value NAME=value" */
    uint32_t number;
    const struct finder_sink *sink;
};

static enum mu_status tell_words(const struct step *step, enum check_kind kind, const char *words,
                                 struct text_piece more, struct mu_error *err)
{
    char text[SHOWN_MAX_BYTES + 1];
    bool any = more.len > 0;

    (void)snprintf(text, sizeof(text), "%s%s%.*s", words, any && words[0] ? " " : "",
                   (int)(more.len < SHOWN_MAX_BYTES ? more.len : SHOWN_MAX_BYTES),
                   any ? more.text : "");
    return check_tell(kind, text, step->number, step->sink, err);
}

/* Scheme, host and path of a URL: user and query may hold a secret. */
static struct text_piece url_shown(struct text_piece url)
{
    size_t end = 0;

    while (end < url.len && !strchr("?#@|;\"')", url.text[end]))
        end++;
    return end < url.len && url.text[end] == '@' ? (struct text_piece){NULL, 0}
                                                 : (struct text_piece){url.text, end};
}

/* The first URL of a command. */
static struct text_piece url_in(struct text_piece command)
{
    const char *mark = command.len > 0 ? memmem(command.text, command.len, "://", 3) : NULL;
    struct text_piece rest;
    size_t start;

    if (!mark)
        return (struct text_piece){NULL, 0};
    start = (size_t)(mark - command.text);
    while (start > 0 && secret_run(command, start - 1, 1, SECRET_ALNUM) > 0)
        start--;
    rest = (struct text_piece){command.text + start, command.len - start};
    return url_shown(text_piece_word(&rest));
}

/* ---- forms of a step ---- */

static struct text_piece after(struct text_piece text, const char *prefix)
{
    if (text_piece_starts(text, prefix))
        text = (struct text_piece){text.text + strlen(prefix), text.len - strlen(prefix)};
    return text_piece_trimmed(text);
}

/* "|2 A=b C=d /bin/sh -c command": the arguments end where the shell begins. */
static void arguments_cut(struct step *step)
{
    static const char *const shells[] = {"/bin/sh -c", "/bin/bash ", "/bin/ash "};
    const char *shell = NULL;

    if (step->command.len == 0 || step->command.text[0] != '|')
        return;
    for (size_t i = 0; !shell && i < sizeof(shells) / sizeof(shells[0]); i++)
        shell = memmem(step->command.text, step->command.len, shells[i], strlen(shells[i]));
    if (!shell)
        return;
    step->arguments = (struct text_piece){step->command.text, (size_t)(shell - step->command.text)};
    step->command.len -= step->arguments.len;
    step->command.text = shell;
}

static void step_read(struct step *step)
{
    step->command = after(step->text, "RUN ");
    arguments_cut(step);
    step->command = after(step->command, "/bin/sh -c ");
    step->command = after(step->command, "#(nop)");
}

/* ---- secrets ---- */

struct secrets {
    const struct step *step;
    unsigned hits;
};

static enum mu_status on_hit(void *opaque, const struct secret_hit *hit, struct mu_error *err)
{
    struct secrets *secrets = opaque;
    char text[SECRET_SHOWN_MAX_BYTES];

    if (secrets->hits++ > 0)
        return MU_OK;
    secret_hit_text(hit, text);
    return check_tell(CHECK_SECRET_IN_HISTORY, text, secrets->step->number, secrets->step->sink,
                      err);
}

/* Build arguments: in the form above, and ARG with a value. */
static enum mu_status check_arguments(const struct step *step, struct mu_error *err)
{
    struct text_piece words = step->arguments.len > 0 ? step->arguments : step->command;
    struct text_piece word, name;

    if (step->arguments.len == 0 && !text_piece_starts(step->command, "ARG "))
        return MU_OK;
    while ((word = text_piece_word(&words)).len > 0) {
        char text[SHOWN_MAX_BYTES];

        if (!config_secret_assigned(word, &name))
            continue;
        (void)snprintf(text, sizeof(text), "build argument %.*s: ****",
                       (int)(name.len < 100 ? name.len : 100), name.text);
        if (check_tell(CHECK_SECRET_IN_HISTORY, text, step->number, step->sink, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status check_secrets(const struct step *step, struct mu_error *err)
{
    struct secrets secrets = {.step = step};
    struct text_piece user;

    if (text_piece_starts(step->command, "ENV "))
        return MU_OK; /* told of the environment */
    if (secret_search(step->text, on_hit, &secrets, err) != MU_OK)
        return err->status;
    if (secrets.hits == 0 && secret_url_password(step->text, &user) &&
        check_tell(CHECK_SECRET_IN_HISTORY, "a URL with a password ****", step->number, step->sink,
                   err) != MU_OK)
        return err->status;
    return check_arguments(step, err);
}

/* ---- ADD ---- */

static enum mu_status check_add(const struct step *step, struct mu_error *err)
{
    struct text_piece rest = step->command, word;
    bool verified = false;

    if (!text_piece_starts(rest, "ADD "))
        return MU_OK;
    (void)text_piece_word(&rest);
    while ((word = text_piece_word(&rest)).len > 0) {
        verified = verified || text_piece_starts(word, "--checksum=");
        if (!verified &&
            (text_piece_starts(word, "http://") || text_piece_starts(word, "https://") ||
             text_piece_starts(word, "git@") || text_piece_starts(word, "ftp://")))
            return tell_words(step, CHECK_ADD_FROM_URL, "ADD", url_shown(word), err);
    }
    return MU_OK;
}

/* ---- commands of a RUN ---- */

/* The next command; a pipeline is one. */
static bool command_next(struct text_piece *rest, struct text_piece *ret_command)
{
    size_t len = 0;

    if (rest->len == 0)
        return false;
    while (len < rest->len && rest->text[len] != ';' && rest->text[len] != '\n' &&
           !(len + 1 < rest->len && ((rest->text[len] == '&' && rest->text[len + 1] == '&') ||
                                     (rest->text[len] == '|' && rest->text[len + 1] == '|'))))
        len++;
    *ret_command = text_piece_trimmed((struct text_piece){rest->text, len});
    while (len < rest->len && strchr(";&|\n", rest->text[len]))
        len++;
    *rest = (struct text_piece){rest->text + len, rest->len - len};
    return true;
}

static struct text_piece base_name(struct text_piece word)
{
    const char *slash = word.len > 0 ? memrchr(word.text, '/', word.len) : NULL;

    if (slash) {
        word.len -= (size_t)(slash + 1 - word.text);
        word.text = slash + 1;
    }
    return word;
}

static bool is_any(struct text_piece word, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text_piece_is(word, names[i]))
            return true;
    }
    return false;
}

static bool is_download(struct text_piece word)
{
    static const char *const names[] = {"curl", "wget", "fetch"};

    return is_any(base_name(word), names, sizeof(names) / sizeof(names[0]));
}

static bool is_interpreter(struct text_piece word)
{
    static const char *const names[] = {"sh",     "bash",    "ash",  "dash", "zsh",  "ksh",
                                        "python", "python3", "perl", "ruby", "node", "php"};

    return is_any(base_name(word), names, sizeof(names) / sizeof(names[0]));
}

/* What a pipe hands over to: "sudo -E bash -", "VAR=x sh". */
static bool pipes_to_interpreter(struct text_piece part)
{
    struct text_piece word;

    while ((word = text_piece_word(&part)).len > 0) {
        if (is_interpreter(word))
            return true;
        if (!text_piece_is(word, "sudo") && !text_piece_is(word, "env") && word.text[0] != '-' &&
            !memchr(word.text, '=', word.len))
            return false;
    }
    return false;
}

static bool has_download(struct text_piece part)
{
    struct text_piece word;

    while ((word = text_piece_word(&part)).len > 0) {
        if (is_download(word))
            return true;
    }
    return false;
}

/* bash <(curl ..), sh -c "$(curl ..)", eval "$(wget ..)" */
static bool substitutes_download(struct text_piece command)
{
    static const char *const starts[] = {"<(curl ", "<(wget ", "$(curl ",
                                         "$(wget ", "`curl ",  "`wget "};
    struct text_piece rest = command, word = text_piece_word(&rest);

    if (!is_interpreter(word) && !text_piece_is(word, "eval") && !text_piece_is(word, "source") &&
        !text_piece_is(word, "."))
        return false;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (text_piece_has(rest, starts[i]))
            return true;
    }
    return false;
}

static bool runs_download(struct text_piece command)
{
    struct text_piece rest = command;
    bool downloaded = false;
    const char *bar;

    if (substitutes_download(command))
        return true;
    while (rest.len > 0) {
        struct text_piece part = rest;

        bar = memchr(rest.text, '|', rest.len);
        part.len = bar ? (size_t)(bar - rest.text) : rest.len;
        if (downloaded && pipes_to_interpreter(part))
            return true;
        downloaded = downloaded || has_download(part);
        rest = bar ? (struct text_piece){bar + 1, rest.len - part.len - 1}
                   : (struct text_piece){rest.text, 0};
    }
    return false;
}

/* An option that turns a check off, of the tool that it must stand with. */
struct unverified {
    const char *tool, *option;
};

static const struct unverified unverified[] = {
        {"apt", "--allow-unauthenticated"},
        {"apt", "--force-yes"},
        {"apt", "AllowInsecureRepositories=true"},
        {"apt", "trusted=yes"},
        {"apk", "--allow-untrusted"},
        {"dnf", "--nogpgcheck"},
        {"yum", "--nogpgcheck"},
        {"zypper", "--no-gpg-checks"},
        {"rpm", "--nosignature"},
        {"rpm", "--nodigest"},
        {"pip", "--trusted-host"},
        {"npm", "strict-ssl false"},
        {"yarn", "strict-ssl false"},
        {"curl", " --insecure"},
        {"curl", " -k "},
        {"wget", "--no-check-certificate"},
        {"git", "http.sslVerify=false"},
        {"git", "http.sslVerify false"},
        {"", "NODE_TLS_REJECT_UNAUTHORIZED=0"},
        {"", "GIT_SSL_NO_VERIFY=1"},
        {"", "GIT_SSL_NO_VERIFY=true"},
        {"", "[trusted=yes]"},
};

/* The option that is there; NULL: none. */
static const char *unverified_option(struct text_piece command)
{
    for (size_t i = 0; i < sizeof(unverified) / sizeof(unverified[0]); i++) {
        if (text_piece_has(command, unverified[i].option) &&
            text_piece_has(command, unverified[i].tool))
            return unverified[i].option;
    }
    return NULL;
}

static bool is_update(struct text_piece command)
{
    static const char *const starts[] = {
            "apt-get update", "apt-get -y update", "apt-get -qq update", "apt-get -q update",
            "apt update",     "apt -y update",     "apk update",         "aptitude update"};

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (text_piece_starts(command, starts[i]))
            return true;
    }
    return false;
}

static bool is_install(struct text_piece command)
{
    return text_piece_has(command, "install") || text_piece_has(command, "upgrade") ||
           text_piece_has(command, "apk add") || text_piece_has(command, "build-dep");
}

static enum mu_status check_commands(const struct step *step, struct mu_error *err)
{
    struct text_piece rest = step->command, command, update = {NULL, 0};
    const struct text_piece none = {NULL, 0};
    const char *option;
    bool installed = false;
    enum mu_status st = MU_OK;

    while (st == MU_OK && command_next(&rest, &command)) {
        if (runs_download(command))
            st = tell_words(step, CHECK_PIPE_TO_SHELL, "a shell runs", url_in(command), err);
        if (st == MU_OK && (option = unverified_option(command)))
            st = tell_words(step, CHECK_UNVERIFIED_PACKAGES, option, none, err);
        if (is_update(command))
            update = command;
        installed = installed || is_install(command);
    }
    if (st == MU_OK && update.text && !installed)
        st = tell_words(step, CHECK_UPDATE_ALONE, "", update, err);
    return st;
}

/* ---- all ---- */

enum mu_status history_check(const char *created_by, uint32_t step_number,
                             const struct finder_sink *sink, struct mu_error *err)
{
    size_t len = strnlen(created_by, STEP_MAX_BYTES);
    struct step step = {.text = {created_by, len}, .number = step_number, .sink = sink};

    step_read(&step);
    if (check_secrets(&step, err) != MU_OK || check_add(&step, err) != MU_OK)
        return err->status;
    return check_commands(&step, err);
}
