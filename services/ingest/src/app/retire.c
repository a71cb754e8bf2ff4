/*
 * retire: the pods of a cluster that is gone for good, told as removed, as a listing that has them
 * no more would tell them. What they are was left in the spool's folder by the watch. Those that
 * another source of that folder knows too, since the cluster's was renamed, are only forgotten.
 *
 * Ids are made of uid and the watch's last position, so that a command that was killed is given
 * again and nothing doubles.
 */
#include "app/commands.h"
#include "app/feed.h"

#include "delivery/outbound.h"
#include "source/source.h"
#include "watch/known_pods.h"
#include "watch/kube_position.h"

#include "base/table.h"
#include "base/text.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RETIRE_ARENA_MAX_BYTES = 64 * 1024 * 1024, PODS_AT_ONCE = 1000, LINE_BYTES = 64 * 1024 };

#define OPTION(member) offsetof(struct retire_config, member)

const struct mu_option retire_options[RETIRE_OPTION_COUNT] = {
        {"source", MU_OPTION_TEXT, OPTION(source), NULL, 0, 0, MU_OPTION_REQUIRED,
         "the source of kind kubernetes, which no file of sources has any more"},
        {"spool-dir", MU_OPTION_TEXT, OPTION(spool_dir), NULL, 0, 0, MU_OPTION_REQUIRED,
         "folder of the ingest that watched it, which may be running"},
        {"cluster", MU_OPTION_TEXT, OPTION(cluster), NULL, 0, 0, 0,
         "name in workload events, when the folder does not tell it"},
        {"kafka-brokers", MU_OPTION_TEXT, OPTION(kafka_brokers), NULL, 0, 0, 0,
         "brokers to start from, host:port,host:port"},
        {"kafka-properties", MU_OPTION_TEXT, OPTION(kafka_properties), "", 0, 0, 0,
         "librdkafka settings, key=value,key=value"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text or json"},
        {"apply", MU_OPTION_BOOL, OPTION(apply), NULL, 0, 0, 0,
         "tell them; for ever, a pod told as removed never runs again. Without it nothing is sent"},
};

struct retiring {
    struct source_config source;
    struct known_pods *known;
    json_t *elsewhere; /* uids that other sources know */
    size_t pods;       /* without these */
    struct kube_position position;
    char cluster[KUBE_CLUSTER_SIZE], *known_path, *position_path;
    struct feed feed;
    struct mu_arena *arena; /* of one batch */
    struct mu_outgoing messages[PODS_AT_ONCE];
    size_t count; /* of messages */
};

static int told(int code, const struct mu_error *err)
{
    (void)fprintf(stderr, "muster-ingest retire: %s\n", err->message);
    return code;
}

/* ---- telling ---- */

static enum mu_status flush(struct retiring *retiring, struct mu_error *err)
{
    enum mu_status st = feed_send(&retiring->feed, retiring->messages, retiring->count, err);

    retiring->count = 0;
    mu_arena_reset(retiring->arena);
    return st;
}

/* The line that a listing without the pod makes. */
static enum mu_status absent_line(const struct retiring *retiring, json_t *pod, struct mu_buf *line,
                                  struct mu_error *err)
{
    json_auto_t *object = json_deep_copy(pod);
    json_auto_t *event = json_pack("{s:s, s:O}", "type", "ABSENT", "object", object);

    if (!event)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    (void)json_object_set_new(json_object_get(object, "metadata"), "resourceVersion",
                              json_string(retiring->position.version));
    return mu_json_print(event, line, err);
}

static enum mu_status add_pod(void *opaque, const char *uid, json_t *pod, struct mu_error *err)
{
    struct retiring *retiring = opaque;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf line;
    struct source_input input = {
            .source = &retiring->source, .received_at_us = mu_now_us(), .arena = retiring->arena};
    struct source_events events = {.arena = retiring->arena};
    struct mu_outgoing *messages = NULL;
    enum mu_status st;

    mu_buf_init(&line, LINE_BYTES);
    st = absent_line(retiring, pod, &line, err);
    input.body = st == MU_OK ? mu_arena_strndup(retiring->arena, line.data, line.len) : NULL;
    input.len = line.len;
    if (st == MU_OK && !input.body)
        st = mu_fail(err, MU_E_NOMEM, "out of memory");
    if (st == MU_OK)
        st = source_decode(&input, &events, err);
    if (st == MU_OK)
        st = outbound_make(&input, &events, NULL, &messages, err);
    if (st == MU_OK && (events.count != 1 || events.items[0].type != MU_MSG_WORKLOAD_EVENT))
        st = mu_fail(err, MU_E_INVALID, "'%s' has a pod that is not understood: %.100s",
                     retiring->known_path, uid);
    if (st != MU_OK)
        return st;
    retiring->messages[retiring->count++] = messages[0];
    known_pods_leave(retiring->known, uid);
    return retiring->count == PODS_AT_ONCE ? flush(retiring, err) : MU_OK;
}

static enum mu_status forget(void *opaque, const char *uid, json_t *pod, struct mu_error *err)
{
    const struct retiring *retiring = opaque;

    (void)pod, (void)err;
    known_pods_leave(retiring->known, uid);
    return MU_OK;
}

/* Forgets them when all are in Kafka, and where the watch was. */
static enum mu_status tell(struct retiring *retiring, const struct retire_config *config,
                           struct mu_error *err)
{
    enum mu_status st =
            feed_open(&retiring->feed, config->kafka_brokers, config->kafka_properties, err);

    if (st == MU_OK)
        st = known_pods_each_missing(retiring->known, retiring->elsewhere, add_pod, retiring, err);
    if (st == MU_OK)
        st = flush(retiring, err);
    feed_close(&retiring->feed);
    if (st == MU_OK)
        st = known_pods_each_missing(retiring->known, NULL, forget, retiring, err);
    if (st == MU_OK)
        st = known_pods_settle(retiring->known, true, err);
    if (st == MU_OK)
        st = known_pods_compact(retiring->known, err);
    if (st == MU_OK && unlink(retiring->position_path) != 0 && errno != ENOENT)
        st = mu_fail(err, MU_E_UNAVAILABLE, "remove '%s': %s", retiring->position_path,
                     strerror(errno));
    return st;
}

/* ---- what there is ---- */

static enum mu_status find_cluster(struct retiring *retiring, const struct retire_config *config,
                                   struct mu_error *err)
{
    enum mu_status st = kube_position_read_any(retiring->position_path, retiring->cluster,
                                               &retiring->position, err);

    if (st == MU_OK && config->cluster && !mu_text_equal(config->cluster, retiring->cluster))
        return mu_fail(err, MU_E_INVALID, "'%s' is of cluster '%s'", retiring->position_path,
                       retiring->cluster);
    if (st == MU_E_NOT_FOUND && retiring->pods > 0 && !config->cluster)
        return mu_fail(err, MU_E_INVALID,
                       "%s has no position of '%s' that names its cluster: give --cluster",
                       config->spool_dir, config->source);
    if (st == MU_E_NOT_FOUND)
        (void)snprintf(retiring->cluster, sizeof(retiring->cluster), "%s",
                       config->cluster ? config->cluster : "");
    return st == MU_E_NOT_FOUND ? MU_OK : st;
}

static enum mu_status count_pod(void *opaque, const char *uid, json_t *pod, struct mu_error *err)
{
    struct retiring *retiring = opaque;

    (void)uid, (void)pod, (void)err;
    retiring->pods++;
    return MU_OK;
}

static enum mu_status count_pods(struct retiring *retiring, const struct retire_config *config,
                                 struct mu_error *err)
{
    MU_AUTO_FREE char *pattern = known_pods_path(config->spool_dir, "*");
    glob_t files;
    enum mu_status st = MU_OK;

    if (glob(pattern, 0, NULL, &files) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s' cannot be read", config->spool_dir);
    for (size_t i = 0; st == MU_OK && i < files.gl_pathc; i++)
        if (!mu_text_equal(files.gl_pathv[i], retiring->known_path))
            st = known_pods_read(files.gl_pathv[i], retiring->elsewhere, err);
    globfree(&files);
    if (st == MU_OK)
        st = known_pods_each_missing(retiring->known, retiring->elsewhere, count_pod, retiring,
                                     err);
    return st;
}

static enum mu_status find(struct retiring *retiring, const struct retire_config *config,
                           struct mu_error *err)
{
    bool found;
    enum mu_status st;

    retiring->known_path = known_pods_path(config->spool_dir, config->source);
    retiring->position_path = kube_position_path(config->spool_dir, config->source);
    if (access(retiring->known_path, F_OK) != 0)
        return mu_fail(err, MU_E_INVALID, "%s has nothing of a source '%s' of kind kubernetes",
                       config->spool_dir, config->source);
    st = known_pods_open(retiring->known_path, &retiring->known, &found, err);
    if (st == MU_E_CONFLICT)
        return mu_fail(err, MU_E_CONFLICT,
                       "'%s' is still watched: take it out of the file of sources and send SIGHUP",
                       config->source);
    if (st == MU_OK)
        st = count_pods(retiring, config, err);
    return st == MU_OK ? find_cluster(retiring, config, err) : st;
}

static void print(const struct retiring *retiring, const struct retire_config *config,
                  enum mu_format format)
{
    static const char *const columns[] = {"source", "cluster", "pods", "outcome"};
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 4);
    char number[24];

    (void)snprintf(number, sizeof(number), "%zu", retiring->pods);
    mu_table_row(table, (const char *const[]){config->source, retiring->cluster, number,
                                              config->apply ? "told as removed"
                                                            : "would be told as removed"});
    mu_table_print(table, format, 0, stdout);
}

static int retire(struct retiring *retiring, const struct retire_config *config,
                  enum mu_format format)
{
    struct mu_error err;
    enum mu_status st = find(retiring, config, &err);

    if (st != MU_OK)
        return told(st == MU_E_INVALID ? MU_EXIT_USAGE : MU_EXIT_FAILURE, &err);
    if (config->apply && tell(retiring, config, &err) != MU_OK)
        return told(MU_EXIT_FAILURE, &err);
    print(retiring, config, format);
    return MU_EXIT_OK;
}

int retire_command(void *config_struct, int argc, char **argv)
{
    const struct retire_config *config = config_struct;
    MU_AUTO_FREE struct retiring *retiring = mu_xcalloc(1, sizeof(*retiring));
    enum mu_format format;
    struct mu_error err;
    int code;

    (void)argc, (void)argv;
    if (mu_format_parse(config->format, &format, &err) != MU_OK)
        return told(MU_EXIT_USAGE, &err);
    if (config->apply && !config->kafka_brokers)
        return told(MU_EXIT_USAGE,
                    (mu_fail(&err, MU_E_INVALID, "--apply needs --kafka-brokers"), &err));
    retiring->source = (struct source_config){.name = config->source,
                                              .kind = source_kind_find("kubernetes"),
                                              .cluster = retiring->cluster};
    retiring->elsewhere = json_object();
    retiring->arena = mu_arena_new(RETIRE_ARENA_MAX_BYTES);
    code = retire(retiring, config, format);
    known_pods_close(retiring->known);
    free(retiring->known_path);
    free(retiring->position_path);
    json_decref(retiring->elsewhere);
    mu_arena_free(retiring->arena);
    return code;
}
