/* One asset, one digest: a JSON object straight from the database. */
#include "api/server.h"

#include "api/accept.h"
#include "api/question.h"

#include "base/sha256.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { ETAG_SIZE = 40 };

static const char *const forms[] = {"application/json"};
static const struct list_filter name_filter = {.name = "the name"};

struct thing {
    enum inventory_query query;
    const char *name;
    struct question question;
    struct mu_pg_result *result;
};

static enum mu_status ask_thing(void *opaque, struct mu_pg *pg, struct mu_error *err)
{
    struct thing *thing = opaque;
    struct instants instants;
    enum mu_status st =
            instants_ask(pg, thing->question.valid_at, thing->question.known_at, &instants, err);

    return st == MU_OK ? mu_pg_execute(pg, (int)thing->query,
                                       (const char *const[]){thing->name, instants.valid_at,
                                                             instants.known_at},
                                       &thing->result, err)
                       : st;
}

static void send_thing(struct mu_request *request, const char *json)
{
    char digest[MU_DIGEST_TEXT_SIZE], etag[ETAG_SIZE];
    const char *const headers[] = {"ETag", etag, "Cache-Control", "private, no-cache", NULL};
    const char *wanted = mu_request_header(request, "If-None-Match");

    mu_sha256_text(json, strlen(json), digest);
    (void)snprintf(etag, sizeof(etag), "\"%.24s\"", digest + 7);
    if (wanted && (mu_text_equal(wanted, "*") || strstr(wanted, etag)))
        mu_httpd_reply(request, 304, NULL, NULL, 0, headers);
    else
        mu_httpd_reply(request, 200, NULL, json, strlen(json), headers);
}

static void reply_thing(struct api *api, struct mu_request *request, enum inventory_query query)
{
    struct thing thing = {.query = query, .name = mu_request_path_rest(request)};
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    char name[LIST_TEXT_MAX_BYTES + 1];
    const char *json = NULL;
    struct mu_error err;
    enum mu_status st;

    if (accept_choose(mu_request_header(request, "Accept"), forms, 1) == ACCEPT_NONE) {
        mu_httpd_reply_error(request, 406, "there is application/json");
        return;
    }
    st = question_of_thing(request, &thing.question, &err);
    if (st == MU_OK)
        st = list_filter_value(&name_filter, "the name", thing.name, name, &err);
    thing.name = name;
    if (st == MU_OK)
        st = api_ask(api, ask_thing, &thing, &err);
    result = thing.result;
    if (st == MU_OK && mu_pg_rows(result) > 0)
        json = mu_pg_text(result, 0, 0);
    if (st != MU_OK)
        mu_httpd_reply_failure(request, &err);
    else if (!json)
        mu_httpd_reply_error(request, 404, "nothing is known of it");
    else
        send_thing(request, json);
}

void api_get_asset(void *opaque, struct mu_request *request)
{
    reply_thing(opaque, request, QUERY_ASSET_JSON);
}

void api_get_digest(void *opaque, struct mu_request *request)
{
    reply_thing(opaque, request, QUERY_DIGEST_JSON);
}
