#include "bus/bus_link.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

enum { PROPERTIES_MAX = 4096 };

void bus_link_init(struct bus_link *link)
{
    atomic_init(&link->state, LINK_UNKNOWN);
    atomic_init(&link->fatal, false);
    (void)pthread_mutex_init(&link->lock, NULL);
    link->last_error[0] = '\0';
}

void bus_link_done(struct bus_link *link)
{
    (void)pthread_mutex_destroy(&link->lock);
}

static void set_state(struct bus_link *link, enum bus_link_state state)
{
    atomic_store_explicit(&link->state, state, memory_order_relaxed);
}

void bus_link_set_up(struct bus_link *link)
{
    if (!bus_link_is_up(link))
        set_state(link, LINK_UP);
}

bool bus_link_is_up(const struct bus_link *link)
{
    return atomic_load_explicit(&link->state, memory_order_relaxed) == LINK_UP;
}

bool bus_link_is_down(const struct bus_link *link)
{
    return atomic_load_explicit(&link->state, memory_order_relaxed) == LINK_DOWN;
}

void bus_link_last_error(struct bus_link *link, char ret_text[LINK_ERROR_SIZE])
{
    (void)pthread_mutex_lock(&link->lock);
    (void)snprintf(ret_text, LINK_ERROR_SIZE, "%s",
                   link->last_error[0] ? link->last_error : "no broker connection");
    (void)pthread_mutex_unlock(&link->lock);
}

static void on_error(rd_kafka_t *handle, int code, const char *reason, void *opaque)
{
    struct bus_link *link = opaque;

    (void)handle;
    if (code == RD_KAFKA_RESP_ERR__FATAL)
        atomic_store(&link->fatal, true);
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        set_state(link, LINK_DOWN); /* its text only counts brokers: keep the reason before it */
        return;
    }
    (void)pthread_mutex_lock(&link->lock);
    (void)snprintf(link->last_error, sizeof(link->last_error), "%s", reason);
    (void)pthread_mutex_unlock(&link->lock);
}

/* The statistics are the only report of connections that came up (STATISTICS.md, "brokers", state).
 */
static int on_statistics(rd_kafka_t *handle, char *json, size_t len, void *opaque)
{
    static const char up[] = "\"state\":\"UP\"";
    struct bus_link *link = opaque;

    (void)handle;
    if (memmem(json, len, up, sizeof(up) - 1) != NULL)
        set_state(link, LINK_UP);
    else if (bus_link_is_up(link))
        set_state(link, LINK_DOWN);
    return 0; /* librdkafka frees `json` */
}

static enum mu_status set_one(rd_kafka_conf_t *conf, const char *name, const char *value,
                              struct mu_error *err)
{
    char why[256];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
        return mu_fail(err, MU_E_INVALID, "Kafka property '%s': %s", name, why);
    return MU_OK;
}

/* "key=value,key=value"; a value with a comma in it cannot be given this way. */
static enum mu_status set_properties(rd_kafka_conf_t *conf, const char *properties,
                                     struct mu_error *err)
{
    MU_AUTO_FREE char *copy = NULL;
    char *rest, *item;

    if (strlen(properties) > PROPERTIES_MAX)
        return mu_fail(err, MU_E_LIMIT, "Kafka properties: over %d bytes", PROPERTIES_MAX);
    copy = mu_xstrdup(properties);
    rest = copy;
    while ((item = strsep(&rest, ",")) != NULL) {
        char *value;

        item += strspn(item, " ");
        if (*item == '\0')
            continue;
        value = strchr(item, '=');
        if (value == NULL)
            return mu_fail(err, MU_E_INVALID, "Kafka property '%s': expected key=value", item);
        *value++ = '\0';
        if (set_one(conf, item, value, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status set_all(rd_kafka_conf_t *conf, const struct mu_bus_config *config,
                              const struct bus_setting *settings, struct mu_error *err)
{
    const struct bus_setting common[] = {
            {"bootstrap.servers", config->brokers},
            {"client.id", config->client_id != NULL ? config->client_id : "muster"},
            {"statistics.interval.ms", "500"}, /* how connections that came up are seen */
            {"reconnect.backoff.ms", "100"},
            {"reconnect.backoff.max.ms", "2000"}, /* recover soon after the broker did */
            {"socket.keepalive.enable", "true"},
            {NULL, NULL},
    };
    const struct bus_setting *lists[] = {common, settings};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        for (const struct bus_setting *s = lists[i]; s->name != NULL; s++)
            if (set_one(conf, s->name, s->value, err) != MU_OK)
                return err->status;
    return config->properties != NULL ? set_properties(conf, config->properties, err) : MU_OK;
}

enum mu_status bus_conf_new(const struct mu_bus_config *config, const struct bus_setting *settings,
                            struct bus_link *link, rd_kafka_conf_t **ret_conf, struct mu_error *err)
{
    rd_kafka_conf_t *conf;

    if (config->brokers == NULL || config->brokers[0] == '\0')
        return mu_fail(err, MU_E_INVALID, "Kafka brokers: none given");
    conf = rd_kafka_conf_new();
    if (set_all(conf, config, settings, err) != MU_OK) {
        rd_kafka_conf_destroy(conf);
        return err->status;
    }
    rd_kafka_conf_set_opaque(conf, link);
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_stats_cb(conf, on_statistics);
    *ret_conf = conf;
    return MU_OK;
}

enum mu_status bus_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret_handle,
                              struct mu_error *err)
{
    char why[256];
    rd_kafka_t *handle = rd_kafka_new(type, conf, why, sizeof(why));

    if (handle == NULL) {
        rd_kafka_conf_destroy(conf); /* rd_kafka_new takes it only on success */
        return mu_fail(err, MU_E_INVALID, "Kafka client: %s", why);
    }
    *ret_handle = handle;
    return MU_OK;
}

enum mu_status bus_code_status(rd_kafka_resp_err_t code)
{
    static const struct {
        rd_kafka_resp_err_t code;
        enum mu_status status;
    } rows[] = {
            {RD_KAFKA_RESP_ERR_NO_ERROR, MU_OK},
            {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, MU_E_LIMIT},
            {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, MU_E_LIMIT},
            {RD_KAFKA_RESP_ERR_INVALID_RECORD, MU_E_INVALID},
            {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, MU_E_INVALID},
            {RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, MU_E_INVALID},
            {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, MU_E_INVALID},
            {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, MU_E_INVALID},
            {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, MU_E_DENIED},
            {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, MU_E_DENIED},
            {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, MU_E_DENIED},
            {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, MU_E_DENIED},
            {RD_KAFKA_RESP_ERR__AUTHENTICATION, MU_E_DENIED},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].code == code)
            return rows[i].status;
    return MU_E_UNAVAILABLE;
}
