#include "registry/login_http.h"

#include "base/file.h"
#include "base/text.h"
#include "registry/registry_login.h"
#include "json/json_doc.h"

#include <string.h>

enum { DEADLINE_MS = 20000, LIFETIME_MAX_S = 24 * 3600 };

void login_form_add(struct mu_buf *form, const char *name, const char *value)
{
    mu_buf_printf(form, "%s%s=", form->len > 0 ? "&" : "", name);
    mu_text_percent(value, "", form);
}

enum mu_status login_request(const char *what, struct mu_http_request *request,
                             struct mu_buf *answer, struct mu_error *err)
{
    const struct mu_http_client_config config = {
            .user_agent = "muster/" MU_VERSION, .deadline_ms = DEADLINE_MS, .no_redirects = true};
    MU_AUTO(http_client) struct mu_http_client *http = NULL;
    struct mu_http_response response;

    if (mu_http_client_new(&config, &http, err) != MU_OK ||
        mu_http_fetch(http, request, answer, &response, err) != MU_OK)
        return mu_wrap(err, "%s", what);
    if (response.status == 200)
        return MU_OK;
    response.error_body[0] = '\0';
    (void)mu_http_status_error(request, &response, err);
    if (response.status == 400)
        err->status = MU_E_DENIED;
    return mu_wrap(err, "%s", what);
}

enum mu_status login_post_form(const char *what, const char *url, const struct mu_buf *form,
                               struct mu_buf *answer, struct mu_error *err)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    struct mu_http_request request = {.method = "POST",
                                      .url = url,
                                      .headers = headers,
                                      .body = form->data,
                                      .body_len = form->len};

    if (mu_buf_status(form, what, err) != MU_OK)
        return err->status;
    return login_request(what, &request, answer, err);
}

static json_t *json_of(const struct mu_buf *answer)
{
    struct mu_error ignored;
    json_t *root = NULL;

    return mu_json_parse(answer->data, answer->len, &mu_json_message_limits, &root, &ignored) ==
                           MU_OK
                   ? root
                   : NULL;
}

enum mu_status login_text_take(const char *what, const struct mu_buf *answer, const char *path,
                               struct mu_buf *out, struct mu_error *err)
{
    json_auto_t *root = json_of(answer);
    const char *text = root ? mu_json_text_at(root, path) : NULL;

    if (!text || text[0] == '\0')
        return mu_fail(err, MU_E_INVALID, "%s: its answer has no %s", what, path);
    mu_buf_reset(out);
    mu_buf_puts(out, text);
    return mu_buf_status(out, path, err);
}

int64_t login_lifetime_ms(const struct mu_buf *answer, const char *path)
{
    json_auto_t *root = json_of(answer);
    const json_t *value = root ? mu_json_at(root, path) : NULL;
    json_int_t seconds = json_is_integer(value) ? json_integer_value(value) : 0;

    if (seconds < 0)
        return 0;
    return (seconds > LIFETIME_MAX_S ? LIFETIME_MAX_S : seconds) * 1000;
}

enum mu_status login_file_read(const char *what, const char *path, struct mu_buf *out,
                               struct mu_error *err)
{
    if (mu_file_read(path, out, err) != MU_OK)
        return mu_fail(err, MU_E_DENIED, "%s file '%s' cannot be read", what, path);
    while (out->len > 0 && strchr("\r\n", out->data[out->len - 1]))
        out->data[--out->len] = '\0';
    return MU_OK;
}
