#include "app/feed.h"

enum { FEED_TIMEOUT_MS = 30000, FEED_WINDOW = 1000 };

enum mu_status feed_open(struct feed *feed, const char *brokers, const char *properties,
                         struct mu_error *err)
{
    struct mu_bus_config bus = {.brokers = brokers,
                                .client_id = "muster-ingest",
                                .message_timeout_ms = FEED_TIMEOUT_MS,
                                .properties = properties};

    *feed = (struct feed){0};
    return brokers && *brokers ? mu_producer_open(&bus, &feed->producer, err) : MU_OK;
}

void feed_close(struct feed *feed)
{
    if (feed->producer)
        mu_producer_close(feed->producer);
}

static void on_delivery(void *opaque, enum mu_status status, const char *message)
{
    struct feed *feed = opaque;

    (void)message;
    atomic_fetch_add(status == MU_OK ? &feed->delivered : &feed->failed, 1);
}

/* Deliveries end by themselves after FEED_TIMEOUT_MS. */
static enum mu_status settle(struct feed *feed, size_t expected, struct mu_error *err)
{
    if (mu_producer_flush(feed->producer, 2 * FEED_TIMEOUT_MS, err) != MU_OK)
        return err->status;
    if (atomic_load(&feed->delivered) != expected)
        return mu_fail(err, MU_E_UNAVAILABLE, "Kafka did not take %zu messages",
                       atomic_load(&feed->failed));
    return MU_OK;
}

enum mu_status feed_send(struct feed *feed, const struct mu_outgoing *messages, size_t count,
                         struct mu_error *err)
{
    enum mu_status st = MU_OK;

    if (!feed->producer)
        return MU_OK;
    atomic_store(&feed->delivered, 0);
    atomic_store(&feed->failed, 0);
    for (size_t i = 0; st == MU_OK && i < count; i++) {
        st = mu_producer_send(feed->producer, &messages[i], on_delivery, feed, err);
        if (st == MU_OK && (i + 1) % FEED_WINDOW == 0)
            st = settle(feed, i + 1, err);
    }
    if (st != MU_OK) { /* callbacks point at `feed` */
        struct mu_error ignored;

        (void)!mu_producer_flush(feed->producer, 2 * FEED_TIMEOUT_MS, &ignored);
        return st;
    }
    return settle(feed, count, err);
}
