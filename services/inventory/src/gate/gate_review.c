#include "gate/gate_review.h"

#include "gate/gate_metrics.h"

#include "base/log.h"

#include <string.h>

enum { MESSAGE_MAX_BYTES = 64 * 1024, WARNINGS_MAX = 64, FIRST_WARNINGS = 4 };

static const char unlogged_text[] =
        "the gate cannot write its decisions down at present: ask who runs it to look at its log's "
        "disk and at the database";

void gate_review_begin(struct gate_review *review)
{
    review->allowed = true;
    mu_buf_init(&review->message, MESSAGE_MAX_BYTES);
}

void gate_review_done(struct gate_review *review)
{
    mu_buf_done(&review->message);
}

void gate_review_warn(struct gate_review *review, const char *warning)
{
    const char **grown;

    if (review->warning_count == WARNINGS_MAX)
        return;
    if (review->warning_count == review->warning_capacity) {
        size_t capacity =
                review->warning_capacity ? 2 * review->warning_capacity : (size_t)FIRST_WARNINGS;

        grown = mu_arena_alloc(review->arena, capacity * sizeof(*grown));
        if (!grown)
            return; /* a warning less */
        if (review->warning_count > 0)
            memcpy(grown, review->warnings, review->warning_count * sizeof(*grown));
        review->warnings = grown;
        review->warning_capacity = capacity;
    }
    review->warnings[review->warning_count++] = warning;
}

static enum mu_status append_once(struct gate_review *review, const struct gate_answer *answer,
                                  const char *policy, uint64_t *ret_sequence, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf record;
    struct decision_log_state log;
    enum mu_status st;

    decision_log_state(review->log, &log);
    mu_buf_init(&record, DECISION_MAX_BYTES);
    review->asker.lost_before = log.lost;
    st = decision_encode(&review->asker, answer, policy, review->config->digest, review->arena,
                         &record, err);
    if (st != MU_OK) {
        decision_log_lose(review->log);
        return st;
    }
    return decision_log_append(review->log, record.data, record.len, review->asker.lost_before,
                               ret_sequence, err);
}

static enum mu_status append(struct gate_review *review, const struct gate_answer *answer,
                             const char *policy, struct mu_error *err)
{
    uint64_t sequence = 0;
    enum mu_status st;

    do {
        st = append_once(review, answer, policy, &sequence, err);
    } while (st == MU_E_CONFLICT); /* another thread lost one, or told of those that were lost */
    if (st != MU_OK)
        return st;
    if (review->first == 0)
        review->first = sequence;
    review->last = sequence;
    return MU_OK;
}

/* What cannot be written down is answered as what cannot be known. */
static void log_decision(struct gate_review *review, const char *policy, struct gate_answer *answer)
{
    const struct gate_scope *scope;
    struct mu_error err;

    if (!review->log || append(review, answer, policy, &err) == MU_OK)
        return;
    mu_metric_add(&metric_gate_unlogged, 1);
    MU_LOG(MU_LOG_DEBUG, "a decision could not be written down", MU_KV("error", err.message));
    scope = gate_config_scope(review->config, review->asker.cluster, review->asker.namespace_name);
    if (!answer->allowed || answer->would_deny || scope->mode != GATE_ENFORCE ||
        scope->unavailable == GATE_ALLOW)
        return;
    answer->allowed = false;
    answer->reason = REASON_LOG_FULL;
    answer->message = unlogged_text;
}

static void tell(struct gate_review *review, const struct gate_answer *answer)
{
    if (!answer->allowed) {
        mu_metric_add(&metric_gate_denied, 1);
        if (review->message.len > 0)
            mu_buf_puts(&review->message, "; ");
        mu_buf_puts(&review->message, answer->message);
        review->allowed = false;
        return;
    }
    mu_metric_add(answer->would_deny ? &metric_gate_would_deny : &metric_gate_allowed, 1);
    if (answer->would_deny) {
        const char *warning =
                mu_arena_printf(review->arena, "muster would deny: %s", answer->message);

        if (warning)
            gate_review_warn(review, warning);
    }
}

enum mu_status gate_review_image(struct gate_review *review, const char *container,
                                 const char *image, struct gate_answer *ret_answer,
                                 struct mu_error *err)
{
    const struct gate_question question = {.cluster = review->asker.cluster,
                                           .namespace_name = review->asker.namespace_name,
                                           .image = image,
                                           .now_us = review->asker.at_us};
    struct cache_hold hold = cache_slot_acquire(review->slot);
    const char *policy = NULL;
    struct gate_answer answer;
    enum mu_status st;

    if (hold.cache)
        policy = mu_arena_strdup(review->arena, gate_cache_info(hold.cache)->policy);
    st = gate_decide(review->config, hold.cache, &question, review->arena, &answer, err);
    cache_slot_release(review->slot, hold);
    if (st != MU_OK)
        return st;
    review->asker.image = image;
    review->asker.container = container;
    log_decision(review, policy, &answer);
    tell(review, &answer);
    if (ret_answer)
        *ret_answer = answer;
    return MU_OK;
}
