/* status: the health of every source of a running ingest. */
#include "app/commands.h"

#include "base/table.h"
#include "base/text.h"
#include "http/http_client.h"
#include "json/json_doc.h"

#include <stdio.h>

enum { ANSWER_MAX_BYTES = 4 * 1024 * 1024, STATUS_DEADLINE_MS = 10000, CELL_SIZE = 400 };

#define OPTION(member) offsetof(struct status_config, member)

const struct mu_option status_options[STATUS_OPTION_COUNT] = {
        {"url", MU_OPTION_TEXT, OPTION(url), "http://127.0.0.1:8081", 0, 0, 0,
         "where that ingest listens"},
        {"ca-file", MU_OPTION_TEXT, OPTION(ca_file), NULL, 0, 0, 0,
         "PEM bundle that vouches for it, of https"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text or json"},
};

static const char *const columns[] = {"name",
                                      "kind",
                                      "state",
                                      "last_event_at",
                                      "events_last_hour",
                                      "events_per_minute",
                                      "lag_seconds",
                                      "silent_after_seconds",
                                      "last_error"};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static const char *cell(const json_t *value, char text[CELL_SIZE])
{
    if (json_is_string(value))
        return json_string_value(value);
    if (!json_is_number(value))
        return NULL;
    (void)snprintf(text, CELL_SIZE, "%.6g", json_number_value(value));
    return text;
}

/* True when a source is silent. */
static bool add_row(struct mu_table *table, const json_t *source)
{
    char texts[COLUMNS][CELL_SIZE];
    const char *cells[COLUMNS];

    for (size_t i = 0; i < COLUMNS; i++)
        cells[i] = cell(json_object_get(source, columns[i]), texts[i]);
    mu_table_row(table, cells);
    return mu_text_equal(mu_json_text_at(source, "state"), "silent");
}

static enum mu_status ask(const struct status_config *config, json_t **ret_root,
                          struct mu_error *err)
{
    static const struct mu_json_limits limits = {ANSWER_MAX_BYTES, 8};
    const struct mu_http_client_config client_config = {.user_agent = "muster-ingest",
                                                        .deadline_ms = STATUS_DEADLINE_MS,
                                                        .ca_file = config->ca_file};
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    char url[2048];
    struct mu_http_request request = {.method = "GET", .url = url};
    struct mu_http_response response;
    enum mu_status st = mu_http_client_new(&client_config, &client, err);

    mu_buf_init(&body, ANSWER_MAX_BYTES);
    (void)snprintf(url, sizeof(url), "%s/v1/sources", config->url);
    if (st == MU_OK)
        st = mu_http_fetch(client, &request, &body, &response, err);
    if (st == MU_OK && response.status != 200)
        st = mu_http_status_error(&request, &response, err);
    return st == MU_OK ? mu_json_parse(body.data, body.len, &limits, ret_root, err) : st;
}

int status_command(void *config_struct, int argc, char **argv)
{
    const struct status_config *config = config_struct;
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, COLUMNS);
    json_auto_t *root = NULL;
    const json_t *source;
    bool silent = false;
    enum mu_format format;
    struct mu_error err;
    size_t index;

    (void)argc, (void)argv;
    if (mu_format_parse(config->format, &format, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-ingest: %s\n", err.message);
        return MU_EXIT_USAGE;
    }
    if (ask(config, &root, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-ingest: %s\n", err.message);
        return MU_EXIT_FAILURE;
    }
    json_array_foreach (json_object_get(root, "sources"), index, source)
        silent |= add_row(table, source);
    mu_table_print(table, format, 0, stdout);
    return silent ? MU_EXIT_DIFFERENCE : MU_EXIT_OK;
}
