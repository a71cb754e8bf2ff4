#include "gate/gate_decide.h"

#include "document/pattern.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

struct decision {
    const struct gate_config *config;
    const struct gate_cache *cache;
    const struct gate_question *question;
    const struct gate_scope *scope;
    struct mu_arena *arena;
    struct mu_oci_reference reference;
    char name[MU_OCI_UAI_SIZE];
    const char *ended; /* an allowance that fits and has ended; NULL: none */
    struct gate_answer answer;
};

/* ---- names ---- */

/* A reference with neither is what runtimes pull as latest. */
static enum mu_status understand(struct decision *decision, struct mu_error *err)
{
    struct mu_oci_reference *reference = &decision->reference;
    const char *image = decision->question->image;
    enum mu_status st = mu_oci_reference_parse(image, strlen(image), reference, err);

    if (st != MU_OK)
        return st;
    gate_config_rename(decision->config, reference->repository);
    if (!reference->tag[0] && !reference->digest[0])
        (void)snprintf(reference->tag, sizeof(reference->tag), "latest");
    mu_oci_uai_format(reference->repository, reference->digest[0] ? NULL : reference->tag,
                      reference->digest, decision->name);
    return MU_OK;
}

/* ---- answers ---- */

static void say(struct decision *decision, bool allowed, enum verdict_reason reason)
{
    decision->answer.allowed = allowed;
    decision->answer.reason = reason;
}

/* What mends it, for people in front of a terminal. */
static const char *fix_of(struct decision *decision, enum verdict_reason reason)
{
    const char *name = decision->name;

    switch (reason) {
    case REASON_UNKNOWN_IMAGE:
        return mu_arena_printf(decision->arena,
                               "push it to a registry that is watched, then ask for its scan with "
                               "'muster-inventory gate %s --wait 10m'",
                               name);
    case REASON_NEVER_SCANNED:
        return mu_arena_printf(decision->arena,
                               "its scan has been asked for with priority; wait for it with "
                               "'muster-inventory gate %s --wait 10m'",
                               name);
    case REASON_SCAN_EXPIRED:
    case REASON_DATABASE_STALE:
        return mu_arena_printf(decision->arena,
                               "a new scan has been asked for with priority; wait for it with "
                               "'muster-inventory gate %s --wait 10m'",
                               name);
    case REASON_SCAN_FAILED:
        return "see why with 'muster-inventory explain', mend it and push again";
    case REASON_NOT_IN_REGISTRY:
        return "push it again, or use an image that the registry has";
    case REASON_RULE_BROKEN:
        return mu_arena_printf(
                decision->arena,
                "update the image and push it, or have it approved: 'muster-inventory "
                "approve %s --by NAME --role ROLE --reason TEXT --until TIME'",
                name);
    case REASON_PERSON_REVOKED:
        return "use another image, or ask who revoked it";
    case REASON_BAD_REFERENCE:
        return "write it as host/path:tag or host/path@sha256:...";
    default:
        return "ask who runs the gate";
    }
}

static const char *scanned_text(struct decision *decision, const char *what, const char *rule,
                                const char *detail)
{
    return mu_arena_printf(decision->arena, "%s%s%s%s%s", what, rule[0] ? " " : "", rule,
                           detail[0] ? ": " : "", detail);
}

/* "image 'nginx:1.25' was never scanned: ..." */
static enum mu_status explain(struct decision *decision, const char *what, struct mu_error *err)
{
    struct gate_answer *answer = &decision->answer;
    const char *fix = fix_of(decision, answer->reason);

    if (what && fix)
        answer->message = mu_arena_printf(
                decision->arena, "image '%.300s' %s; to mend it: %s%s%s", decision->question->image,
                what, fix, decision->ended ? ". " : "", decision->ended ? decision->ended : "");
    return what && fix && answer->message
                   ? MU_OK
                   : mu_fail(err, MU_E_NOMEM, "gate: an answer needs more memory than it may have");
}

static enum mu_status deny(struct decision *decision, enum verdict_reason reason, bool open,
                           const char *what, struct mu_error *err)
{
    say(decision, open, reason);
    return explain(decision, what, err);
}

/* ---- steps ---- */

/* An allowance that holds decides; one that has ended is told. */
static bool is_allowed(struct decision *decision)
{
    const struct gate_allowance *rows = decision->config->allow.items;
    const struct gate_question *question = decision->question;
    char until[MU_TIME_TEXT_SIZE];

    for (size_t i = 0; i < decision->config->allow.count; i++) {
        const struct gate_allowance *row = &rows[i];

        if (!pattern_fits(row->image, decision->name) ||
            !patterns_fit(&row->clusters, question->cluster) ||
            !patterns_fit(&row->namespaces, question->namespace_name))
            continue;
        mu_time_format(row->until_us, until);
        if (row->until_us <= question->now_us) {
            decision->ended = mu_arena_printf(decision->arena, "The allowance by %s ended at %s",
                                              row->by, until);
            continue;
        }
        say(decision, true, REASON_ALLOWLISTED);
        decision->answer.rule = mu_arena_printf(decision->arena, "allow %zu (%s, until %s): %s",
                                                i + 1, row->by, until, row->reason);
        return true;
    }
    return false;
}

static enum mu_status without_cache(struct decision *decision, enum verdict_reason reason,
                                    struct mu_error *err)
{
    bool open = decision->scope->unavailable == GATE_ALLOW;

    return deny(decision, reason, open,
                reason == REASON_CACHE_AWAY
                        ? "cannot be judged: the gate has no cache it can trust"
                        : "cannot be judged: the gate's cache is older than it may be",
                err);
}

static bool copy_entry(struct decision *decision, const struct gate_entry *entry)
{
    struct gate_answer *answer = &decision->answer;

    answer->verdict = entry->verdict;
    answer->rule = mu_arena_strdup(decision->arena, entry->rule);
    answer->scan_id = mu_arena_strdup(decision->arena, entry->scan_id);
    answer->database_version = mu_arena_strdup(decision->arena, entry->database_version);
    if (entry->digest[0])
        answer->digest = mu_arena_strdup(decision->arena, entry->digest);
    return answer->rule && answer->scan_id && answer->database_version && answer->digest;
}

static enum mu_status by_entry(struct decision *decision, const struct gate_entry *entry,
                               struct mu_error *err)
{
    static const char *const what[REASON_COUNT] = {
            [REASON_RULE_BROKEN] = "breaks the rule",
            [REASON_NEVER_SCANNED] = "was never scanned",
            [REASON_SCAN_EXPIRED] = "has no scan that is young enough",
            [REASON_SCAN_FAILED] = "could not be scanned",
            [REASON_DATABASE_STALE] = "was scanned with a vulnerability database that was too old",
            [REASON_NOT_IN_REGISTRY] = "is not in its registry",
            [REASON_PERSON_REVOKED] = "was revoked",
    };
    enum verdict_reason reason = entry->reason;
    bool open = decision->scope->waiting == GATE_ALLOW;

    if (!copy_entry(decision, entry))
        return mu_fail(err, MU_E_NOMEM, "gate: out of memory");
    if (entry->verdict == VERDICT_APPROVED && entry->expires_at_us != MU_TIME_NONE &&
        entry->expires_at_us <= decision->question->now_us) {
        if (entry->detail[0]) { /* what held off a rule has ended since the cache was built */
            decision->answer.verdict = VERDICT_REJECTED;
            return deny(decision, REASON_RULE_BROKEN, false,
                        scanned_text(decision, "is approved no longer", "", entry->detail), err);
        }
        decision->answer.verdict = VERDICT_WAITING;
        return deny(decision, REASON_SCAN_EXPIRED, open, what[REASON_SCAN_EXPIRED], err);
    }
    if (entry->verdict == VERDICT_APPROVED) {
        say(decision, true, reason);
        return MU_OK;
    }
    return deny(decision, reason, open && entry->verdict == VERDICT_WAITING,
                scanned_text(decision, what[reason] ? what[reason] : "is not approved",
                             decision->answer.rule, entry->detail),
                err);
}

static enum mu_status by_cache(struct decision *decision, struct mu_error *err)
{
    const struct gate_cache_info *info;
    struct gate_entry entry;

    if (!decision->cache)
        return without_cache(decision, REASON_CACHE_AWAY, err);
    info = gate_cache_info(decision->cache);
    decision->answer.generation = info->generation;
    if (decision->question->now_us - info->built_at_us > decision->config->max_cache_age_us)
        return without_cache(decision, REASON_CACHE_STALE, err);
    if (gate_cache_find(decision->cache, decision->name, &entry))
        return by_entry(decision, &entry, err);
    return deny(decision, REASON_UNKNOWN_IMAGE, decision->scope->unknown == GATE_ALLOW,
                "was never scanned: nothing is known of it", err);
}

static enum mu_status judge(struct decision *decision, struct mu_error *err)
{
    struct gate_answer *answer = &decision->answer;

    if (decision->scope->mode == GATE_EXEMPT) {
        say(decision, true, REASON_EXEMPT);
        (void)understand(decision, err); /* for the record */
        return MU_OK;
    }
    if (understand(decision, err) != MU_OK) {
        answer->verdict = VERDICT_REJECTED;
        return deny(decision, REASON_BAD_REFERENCE, false, "is no image reference", err);
    }
    answer->digest = mu_arena_strdup(decision->arena, decision->reference.digest);
    if (is_allowed(decision))
        return answer->rule && answer->digest ? MU_OK
                                              : mu_fail(err, MU_E_NOMEM, "gate: out of memory");
    return by_cache(decision, err);
}

enum mu_status gate_decide(const struct gate_config *config, const struct gate_cache *cache,
                           const struct gate_question *question, struct mu_arena *arena,
                           struct gate_answer *ret_answer, struct mu_error *err)
{
    struct decision decision = {
            .config = config,
            .cache = cache,
            .question = question,
            .scope = gate_config_scope(config, question->cluster, question->namespace_name),
            .arena = arena,
            .answer = {.rule = "",
                       .message = "",
                       .digest = "",
                       .scan_id = "",
                       .database_version = ""}};
    enum mu_status st = judge(&decision, err);

    if (st != MU_OK)
        return st;
    decision.answer.scope = decision.scope->name;
    decision.answer.repository = mu_arena_strdup(arena, decision.reference.repository);
    decision.answer.tag = mu_arena_strdup(arena, decision.reference.tag);
    if (!decision.answer.repository || !decision.answer.tag)
        return mu_fail(err, MU_E_NOMEM, "gate: out of memory");
    if (!decision.answer.allowed && decision.scope->mode == GATE_WARN) {
        decision.answer.allowed = true;
        decision.answer.would_deny = true;
    }
    *ret_answer = decision.answer;
    return MU_OK;
}
