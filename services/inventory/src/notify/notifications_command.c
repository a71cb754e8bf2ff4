#include "notify/notifications_command.h"

#include "notify/notify_store.h"
#include "notify/webhook_sender.h"
#include "query/json_rows.h"
#include "query/table_rows.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "base/table.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

#define OPTION(member) offsetof(struct notifications_config, member)

const struct mu_option notifications_options[NOTIFICATIONS_OPTION_COUNT] = {
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), NULL, 0, 0, 0,
         "list, retry: connection string of the database"},
        {"webhooks", MU_OPTION_TEXT, OPTION(webhooks), NULL, 0, 0, 0,
         "test: file of webhooks, as of run"},
        {"kind", MU_OPTION_TEXT, OPTION(kind), "", 0, 0, 0, "list: only this kind"},
        {"state", MU_OPTION_TEXT, OPTION(state), "", 0, 0, 0,
         "list: only deliveries that are pending, delivered, failed or dropped"},
        {"limit", MU_OPTION_INT, OPTION(limit), "100", 1, 1000000, 0, "list: at most so many"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text or json"},
};

static const char *const columns[] = {"at",     "severity", "kind",     "subject",
                                      "target", "state",    "attempts", "message"};
static const struct table_rows rows = {columns, sizeof(columns) / sizeof(columns[0]), 0, 0};

static enum mu_status list_all(const struct notifications_config *config, struct mu_pg *pg,
                               struct mu_error *err)
{
    char limit[24];
    const char *values[] = {config->kind, config->state, limit};
    enum mu_format format;
    size_t none = 0;
    enum mu_status st = mu_format_parse(config->format, &format, err);

    (void)snprintf(limit, sizeof(limit), "%" PRId64, config->limit);
    if (st == MU_OK && format == MU_FORMAT_JSON)
        return json_rows_print(pg, NOTIFY_LIST_JSON, values, stdout, &none, err);
    if (st == MU_OK)
        st = table_rows_print(pg, NOTIFY_LIST_TEXT, values, &rows, stdout, NULL, err);
    return st;
}

static enum mu_status retry(const char *target, struct mu_pg *pg, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = mu_pg_execute(pg, NOTIFY_RETRY, &target, &result, err);

    if (st == MU_OK)
        (void)printf("%s deliveries are due again\n", mu_pg_text(result, 0, 0));
    return st;
}

static enum mu_status find_target(const struct webhook_config *webhooks, const char *name,
                                  const struct webhook_target **ret_target, struct mu_error *err)
{
    for (size_t i = 0; i < webhook_config_count(webhooks); i++)
        if (mu_text_equal(webhook_config_target(webhooks, i)->name, name)) {
            *ret_target = webhook_config_target(webhooks, i);
            return MU_OK;
        }
    return mu_fail(err, MU_E_INVALID, "the file of webhooks has no target '%s'", name);
}

static int test_target(const struct notifications_config *config, const char *name)
{
    MU_AUTO(webhook_config) struct webhook_config *webhooks = NULL;
    MU_AUTO(webhook_sender) struct webhook_sender *sender = NULL;
    const struct webhook_target *target = NULL;
    struct webhook_sender_config sender_config = {0};
    char now[MU_TIME_TEXT_SIZE], id[MU_UUID_TEXT_SIZE];
    const struct webhook_notification notification = {
            "test", "info", "muster-inventory", "This is a test: whoever reads it is told.", now};
    struct mu_error err;
    int status = 0;
    int64_t asked_ms = -1;
    enum mu_status st = MU_OK;

    mu_time_format(mu_now_us(), now);
    mu_stable_id("muster.webhook-test", (const char *const[]){name, now}, 2, id);
    if (!config->webhooks || !*config->webhooks)
        st = mu_fail(&err, MU_E_INVALID, "--webhooks: test needs the file of webhooks");
    if (st == MU_OK)
        st = webhook_config_load(config->webhooks, &webhooks, &err);
    if (st == MU_OK)
        st = find_target(webhooks, name, &target, &err);
    if (st == MU_OK)
        st = webhook_sender_new(&sender_config, &sender, &err);
    if (st != MU_OK) {
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
        return MU_EXIT_USAGE;
    }
    if (webhook_post(sender, target, id, &notification, &status, &asked_ms, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
        return MU_EXIT_DIFFERENCE;
    }
    (void)printf("%s took it: %d\n", name, status);
    return MU_EXIT_OK;
}

int notifications_command(void *config_struct, int argc, char **argv)
{
    const struct notifications_config *config = config_struct;
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    bool is_list = argc == 1 && mu_text_equal(argv[0], "list");
    bool is_retry = argc >= 1 && argc <= 2 && mu_text_equal(argv[0], "retry");
    struct mu_error err;
    enum mu_status st;

    if (argc == 2 && mu_text_equal(argv[0], "test"))
        return test_target(config, argv[1]);
    if ((!is_list && !is_retry) || !config->postgres || !*config->postgres) {
        (void)fprintf(stderr, "muster-inventory: notifications list, test NAME or retry [NAME]; "
                              "list and retry need --postgres\n");
        return MU_EXIT_USAGE;
    }
    st = notify_store_open(config->postgres, &pg, &err);
    if (st == MU_OK)
        st = is_list ? list_all(config, pg, &err) : retry(argc > 1 ? argv[1] : "", pg, &err);
    if (st == MU_OK)
        return MU_EXIT_OK;
    (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
    return st == MU_E_INVALID ? MU_EXIT_USAGE : MU_EXIT_FAILURE;
}
