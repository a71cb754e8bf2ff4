#include "check/config_check.h"

#include "check/checks.h"
#include "check/config_secrets.h"
#include "check/history_check.h"

#include "base/text.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

struct config {
    const struct check_config_input *input;
    const json_t *root, *settings; /* the blob; its member "config" */
    const struct finder_sink *sink;
};

/* ---- user ---- */

/* "user", "uid", either with ":group". */
static void user_of(const char *text, char *ret_user, size_t size)
{
    (void)snprintf(ret_user, size, "%.*s", (int)strcspn(text, ":"), text);
}

static bool all_digits(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* `users` has a newline after each name. */
static bool user_known(const char *users, const char *user)
{
    size_t len = strlen(user);

    for (const char *at = users; *at;) {
        size_t name = strcspn(at, "\n");

        if (name == len && memcmp(at, user, len) == 0)
            return true;
        at += name + (at[name] ? 1 : 0);
    }
    return false;
}

static enum mu_status check_user(const struct config *config, struct mu_error *err)
{
    const char *text = mu_json_text_at(config->settings, "User"), *users = config->input->users;
    char user[128], evidence[160];

    user_of(text ? text : "", user, sizeof(user));
    if (user[0] == '\0')
        return check_tell(CHECK_ROOT_USER, "no USER", 0, config->sink, err);
    (void)snprintf(evidence, sizeof(evidence), "USER %s", user);
    if (strcmp(user, "root") == 0 || (all_digits(user) && strspn(user, "0") == strlen(user)))
        return check_tell(CHECK_ROOT_USER, evidence, 0, config->sink, err);
    if (users && !all_digits(user) && !user_known(users, user))
        return check_tell(CHECK_UNKNOWN_USER, evidence, 0, config->sink, err);
    return MU_OK;
}

/* ---- health, ports, PATH ---- */

static enum mu_status check_health(const struct config *config, struct mu_error *err)
{
    const char *kind = mu_json_text_at(config->settings, "Healthcheck.Test.0");

    if (kind && strcmp(kind, "NONE") != 0)
        return MU_OK;
    return check_tell(CHECK_NO_HEALTHCHECK, NULL, 0, config->sink, err);
}

static enum mu_status check_ports(const struct config *config, struct mu_error *err)
{
    static const char *const remote[] = {"22", "22/tcp", "23", "23/tcp"};
    const json_t *ports = mu_json_at(config->settings, "ExposedPorts");

    for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++) {
        if (json_object_get(ports, remote[i]) &&
            check_tell(CHECK_REMOTE_SHELL_PORT, remote[i], 0, config->sink, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status check_path(const struct config *config, struct mu_error *err)
{
    const json_t *env = mu_json_at(config->settings, "Env"), *entry;
    size_t index;

    json_array_foreach (env, index, entry) {
        const char *text = json_string_value(entry);

        if (!text || !mu_text_starts(text, "PATH="))
            continue;
        for (const char *at = text + strlen("PATH="); at; at = strchr(at, ':')) {
            at += at[0] == ':' ? 1 : 0;
            if (at[0] != '/' && at[0] != '$' && at[0] != '%')
                return check_tell(CHECK_RELATIVE_PATH, text, 0, config->sink, err);
        }
    }
    return MU_OK;
}

/* ---- base image ---- */

/* "debian", "debian:latest", "registry.example:5000/debian"; not one with a digest. */
static bool is_floating(const char *reference)
{
    const char *slash = strrchr(reference, '/'), *name = slash ? slash + 1 : reference;
    const char *tag = strchr(name, ':');

    if (strchr(reference, '@') || mu_text_equal(name, "scratch"))
        return false;
    return !tag || strcmp(tag + 1, "latest") == 0;
}

/* One layer has no base below it that could be told. */
static bool has_base(const struct config *config)
{
    return json_array_size(mu_json_at(config->root, "rootfs.diff_ids")) > 1;
}

static const char *label_of(const struct config *config, const char *annotation, const char *name)
{
    const json_t *labels = mu_json_at(config->settings, "Labels");

    return annotation ? annotation : json_string_value(json_object_get(labels, name));
}

static enum mu_status check_base(const struct config *config, struct mu_error *err)
{
    const char *name =
            label_of(config, config->input->base_name, "org.opencontainers.image.base.name");
    const char *digest =
            label_of(config, config->input->base_digest, "org.opencontainers.image.base.digest");

    if (!digest && has_base(config) &&
        check_tell(CHECK_NO_BASE_DIGEST, NULL, 0, config->sink, err) != MU_OK)
        return err->status;
    if (name && is_floating(name))
        return check_tell(CHECK_FLOATING_BASE, name, 0, config->sink, err);
    return MU_OK;
}

/* ---- all ---- */

static enum mu_status check_steps(const struct config *config, struct mu_error *err)
{
    const json_t *history = mu_json_at(config->root, "history"), *step;
    size_t index;

    json_array_foreach (history, index, step) {
        const char *text = mu_json_text_at(step, "created_by");

        if (index == CHECK_CONFIG_STEPS_MAX)
            break;
        if (text && history_check(text, (uint32_t)index + 1, config->sink, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

/* What the table says of Linux containers. */
static enum mu_status check_linux(const struct config *config, struct mu_error *err)
{
    static enum mu_status (*const rows[])(const struct config *, struct mu_error *) = {
            check_user, check_health, check_ports, check_path, check_base, check_steps,
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i](config, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

enum mu_status check_config(const struct check_config_input *input, const struct finder_sink *sink,
                            struct mu_error *err)
{
    static const struct mu_json_limits limits = {CHECK_CONFIG_MAX_BYTES, 32};
    json_auto_t *root = NULL;
    struct config config = {.input = input, .sink = sink};

    if (mu_json_parse(input->json, input->len, &limits, &root, err) != MU_OK)
        return mu_wrap(err, "config");
    config.root = root;
    config.settings = mu_json_at(root, "config");
    if (config_secrets_check(root, sink, err) != MU_OK)
        return err->status;
    if (mu_text_equal(mu_json_text_at(root, "os"), "windows"))
        return MU_OK;
    return check_linux(&config, err);
}
