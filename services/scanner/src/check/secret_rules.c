#include "check/secret_rules.h"

#include "check/private_key.h"
#include "check/secret_text.h"
#include "check/web_token.h"

#include <stdio.h>
#include <string.h>

/*
 * A rule: what it begins with, then `min` to `max` bytes of the alphabet (all there are: no longer
 * run), and what must hold besides. The byte before and after may not continue a word.
 */
struct rule {
    const char *kind;
    const char *anchor;
    enum secret_alphabet alphabet;
    size_t min, max;
    /* Extra proof; `at` is where the anchor stands, `body` what comes after it. */
    bool (*holds)(struct text_piece text, size_t at, struct text_piece body);
    /* Instead of alphabet and numbers: the whole length from the anchor on, 0: none. */
    size_t (*length)(struct text_piece text, size_t at);
};

static bool has_classes(struct text_piece text)
{
    bool upper = false, lower = false, digit = false;

    for (size_t i = 0; i < text.len; i++) {
        upper = upper || (text.text[i] >= 'A' && text.text[i] <= 'Z');
        lower = lower || (text.text[i] >= 'a' && text.text[i] <= 'z');
        digit = digit || (text.text[i] >= '0' && text.text[i] <= '9');
    }
    return upper && lower && digit;
}

static bool holds_random(struct text_piece text, size_t at, struct text_piece body)
{
    static const double enough_bits = 3.3;

    (void)text;
    (void)at;
    return secret_entropy(body) >= enough_bits && !secret_is_placeholder(body);
}

static bool holds_mixed(struct text_piece text, size_t at, struct text_piece body)
{
    return holds_random(text, at, body) && has_classes(body);
}

static bool holds_crc62(struct text_piece text, size_t at, struct text_piece body)
{
    (void)text;
    (void)at;
    return secret_crc62_right(body);
}

static bool holds_github_pat(struct text_piece text, size_t at, struct text_piece body)
{
    enum { ID_LEN = 22 };

    return body.text[ID_LEN] == '_' && holds_mixed(text, at, body);
}

/* The account's number, in bits 1 to 40 of the first six bytes, has at most twelve digits. */
static bool aws_account_possible(struct text_piece key)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < 10; i++) {
        char c = key.text[i];

        bits = bits << 5 | (uint64_t)(c >= 'A' ? c - 'A' : c - '2' + 26);
    }
    return (bits >> 2 & 0x7fffffffff80U) >> 7 <= 999999999999U;
}

/* The secret of the pair: 40 bytes of base64 that are no hash in hex. */
static bool is_aws_secret(struct text_piece text)
{
    static const double enough_bits = 4.2;

    return has_classes(text) && secret_entropy(text) >= enough_bits && !secret_is_placeholder(text);
}

static bool aws_secret_near(struct text_piece text, size_t at)
{
    enum { NEAR_BYTES = 512, SECRET_LEN = 40 };
    size_t end = at + NEAR_BYTES < text.len ? at + NEAR_BYTES : text.len;
    size_t i = at > NEAR_BYTES ? at - NEAR_BYTES : 0;

    while (i < end) {
        size_t run = secret_run(text, i, end - i, SECRET_BASE64);

        if (run == SECRET_LEN && is_aws_secret((struct text_piece){text.text + i, run}))
            return true;
        i += run > 0 ? run : 1;
    }
    return false;
}

/* An id alone opens nothing; temporary ones (ASIA) have ended before anybody reads the image. */
static bool holds_aws(struct text_piece text, size_t at, struct text_piece body)
{
    return aws_account_possible(body) && !secret_is_placeholder(body) && aws_secret_near(text, at);
}

/* xoxb-<digits>-<digits>-<random>: two or three numbers of ten and more digits. */
static bool holds_slack(struct text_piece text, size_t at, struct text_piece body)
{
    enum { NUMBER_MIN = 9, RANDOM_MIN = 20 };
    size_t i = 0, numbers = 0, run;

    (void)text;
    (void)at;
    while ((run = secret_run(body, i, body.len, SECRET_DIGIT)) >= NUMBER_MIN &&
           i + run < body.len && body.text[i + run] == '-') {
        numbers++;
        i += run + 1;
    }
    run = secret_run(body, i, body.len, SECRET_ALNUM);
    return numbers >= 2 && i + run == body.len && run >= RANDOM_MIN &&
           holds_random(text, at, (struct text_piece){body.text + i, run});
}

/* "T<team>/B<hook>/<24>" */
static size_t slack_hook_length(struct text_piece text, size_t at)
{
    enum { ID_MIN = 8, ID_MAX = 20, RANDOM_LEN = 24 };
    static const char anchor[] = "hooks.slack.com/services/T";
    size_t i = at + sizeof(anchor) - 1, team = secret_run(text, i, ID_MAX, SECRET_UPPER_ALNUM),
           hook, run;

    i += team;
    if (team < ID_MIN || i + 2 >= text.len || text.text[i] != '/' || text.text[i + 1] != 'B')
        return 0;
    hook = secret_run(text, i + 2, ID_MAX, SECRET_UPPER_ALNUM);
    i += 2 + hook;
    if (hook < ID_MIN || i >= text.len || text.text[i] != '/')
        return 0;
    run = secret_run(text, i + 1, RANDOM_LEN + 1, SECRET_ALNUM);
    if (run != RANDOM_LEN || !holds_mixed(text, at, (struct text_piece){text.text + i + 1, run}))
        return 0;
    return i + 1 + run - at;
}

/* "SG.<22>.<43>" */
static size_t sendgrid_length(struct text_piece text, size_t at)
{
    enum { ID_LEN = 22, RANDOM_LEN = 43 };
    size_t dot = at + 3 + ID_LEN;

    if (secret_run(text, at + 3, ID_LEN + 1, SECRET_BASE64_URL) != ID_LEN || dot >= text.len ||
        text.text[dot] != '.' ||
        secret_run(text, dot + 1, RANDOM_LEN + 1, SECRET_BASE64_URL) != RANDOM_LEN)
        return 0;
    return has_classes((struct text_piece){text.text + dot + 1, RANDOM_LEN})
                   ? dot + 1 + RANDOM_LEN - at
                   : 0;
}

/* OpenAI's carry their name in base64 in the middle. */
static bool holds_openai(struct text_piece text, size_t at, struct text_piece body)
{
    (void)text;
    (void)at;
    return memmem(body.text, body.len, "T3BlbkFJ", 8) != NULL;
}

/* 64 bytes in base64; not the key that the emulator of Azure's storage publishes. */
static size_t azure_length(struct text_piece text, size_t at)
{
    enum { KEY_LEN = 86 };
    static const char anchor[] = "AccountKey=", emulator[] = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1";
    size_t start = at + sizeof(anchor) - 1;
    struct text_piece key = {text.text + start, KEY_LEN};

    if (secret_run(text, start, KEY_LEN + 1, SECRET_BASE64) != KEY_LEN ||
        start + KEY_LEN + 2 > text.len || memcmp(key.text + KEY_LEN, "==", 2) != 0 ||
        text_piece_starts(key, emulator) || !has_classes(key))
        return 0;
    return sizeof(anchor) - 1 + KEY_LEN + 2;
}

/* Formats as the issuers' documentation of tokens and their secret scanning partners name them. */
static const struct rule rules[] = {
        {"AWS key pair", "AKIA", SECRET_BASE32, 16, 16, holds_aws, NULL},
        {"GitHub token", "ghp_", SECRET_ALNUM, 36, 36, holds_crc62, NULL},
        {"GitHub token", "gho_", SECRET_ALNUM, 36, 36, holds_crc62, NULL},
        {"GitHub token", "ghu_", SECRET_ALNUM, 36, 36, holds_crc62, NULL},
        {"GitHub token", "ghs_", SECRET_ALNUM, 36, 36, holds_crc62, NULL},
        {"GitHub token", "ghr_", SECRET_ALNUM, 36, 36, holds_crc62, NULL},
        {"GitHub token", "github_pat_", SECRET_WORD, 82, 82, holds_github_pat, NULL},
        {"npm token", "npm_", SECRET_ALNUM, 36, 36, holds_crc62, NULL},
        {"GitLab token", "glpat-", SECRET_BASE64_URL, 20, 300, holds_random, NULL},
        {"GitLab token", "gldt-", SECRET_BASE64_URL, 20, 300, holds_random, NULL},
        {"GitLab token", "glrt-", SECRET_BASE64_URL, 20, 300, holds_random, NULL},
        {"Slack token", "xoxb-", SECRET_BASE64_URL, 40, 200, holds_slack, NULL},
        {"Slack token", "xoxp-", SECRET_BASE64_URL, 40, 200, holds_slack, NULL},
        {"Slack token", "xoxa-", SECRET_BASE64_URL, 40, 200, holds_slack, NULL},
        {"Slack token", "xoxr-", SECRET_BASE64_URL, 40, 200, holds_slack, NULL},
        {"Slack webhook", "hooks.slack.com/services/T", 0, 0, 0, NULL, slack_hook_length},
        {"PyPI token", "pypi-AgEIcHlwaS5vcmc", SECRET_BASE64_URL, 50, 1000, holds_mixed, NULL},
        {"Stripe key", "sk_live_", SECRET_ALNUM, 24, 247, holds_mixed, NULL},
        {"Stripe key", "rk_live_", SECRET_ALNUM, 24, 247, holds_mixed, NULL},
        {"SendGrid key", "SG.", 0, 0, 0, NULL, sendgrid_length},
        {"DigitalOcean token", "dop_v1_", SECRET_HEX, 64, 64, holds_random, NULL},
        {"Docker Hub token", "dckr_pat_", SECRET_BASE64_URL, 27, 27, holds_mixed, NULL},
        {"Hugging Face token", "hf_", SECRET_ALNUM, 34, 34, holds_random, NULL},
        {"OpenAI key", "sk-", SECRET_BASE64_URL, 40, 200, holds_openai, NULL},
        {"Google OAuth secret", "GOCSPX-", SECRET_BASE64_URL, 28, 28, holds_mixed, NULL},
        {"Azure storage key", "AccountKey=", 0, 0, 0, NULL, azure_length},
        {"JSON web token", "eyJ", 0, 0, 0, NULL, web_token_length},
        {"private key", "-----BEGIN ", 0, 0, 0, NULL, private_key_length},
};

enum { RULE_COUNT = sizeof(rules) / sizeof(rules[0]), SIEVE_DEPTH = 3 };

/* sieve[i][byte]: the rules whose anchor has the byte at i. */
struct sieve {
    uint32_t rows[SIEVE_DEPTH][256];
};

_Static_assert(RULE_COUNT <= 32, "a rule is a bit");

static void sieve_fill(struct sieve *ret_sieve)
{
    memset(ret_sieve, 0, sizeof(*ret_sieve));
    for (size_t rule = 0; rule < RULE_COUNT; rule++) {
        for (size_t i = 0; i < SIEVE_DEPTH; i++)
            ret_sieve->rows[i][(unsigned char)rules[rule].anchor[i]] |= (uint32_t)1 << rule;
    }
}

static bool word_goes_on(struct text_piece text, size_t at)
{
    return at < text.len && secret_run(text, at, 1, SECRET_WORD) > 0;
}

/* The escapes that may stand before a token in JSON: "\n", "\t". */
static bool word_before(struct text_piece text, size_t at)
{
    if (at == 0 || !word_goes_on(text, at - 1))
        return false;
    return at == 1 || text.text[at - 2] != '\\';
}

static size_t rule_length(const struct rule *rule, struct text_piece text, size_t at)
{
    size_t anchor_len = strlen(rule->anchor), run;
    struct text_piece rest = {text.text + at, text.len - at};

    if (!text_piece_starts(rest, rule->anchor))
        return 0;
    if (rule->length)
        return rule->length(text, at);
    if (word_before(text, at))
        return 0;
    run = secret_run(text, at + anchor_len, rule->max + 1, rule->alphabet);
    if (run < rule->min || run > rule->max || word_goes_on(text, at + anchor_len + run) ||
        !rule->holds(text, at, (struct text_piece){rest.text + anchor_len, run}))
        return 0;
    return anchor_len + run;
}

/* Lines are counted only where something was found. */
struct line_count {
    size_t at;
    uint32_t line;
};

static uint32_t line_of(struct line_count *count, struct text_piece text, size_t at)
{
    const char *newline;

    while (count->at < at && (newline = memchr(text.text + count->at, '\n', at - count->at))) {
        count->line++;
        count->at = (size_t)(newline - text.text) + 1;
    }
    count->at = at;
    return count->line;
}

static size_t hit_at(struct text_piece text, size_t at, uint32_t candidates,
                     struct secret_hit *ret_hit)
{
    for (; candidates != 0; candidates &= candidates - 1) {
        const struct rule *rule = &rules[__builtin_ctz(candidates)];
        size_t len = rule_length(rule, text, at);

        if (len == 0)
            continue;
        *ret_hit = (struct secret_hit){.kind = rule->kind,
                                       .shown = {text.text + at, strlen(rule->anchor)},
                                       .private_key = rule->length == private_key_length};
        if (ret_hit->private_key)
            ret_hit->shown.len = 0;
        return len;
    }
    return 0;
}

enum mu_status secret_search(struct text_piece text, secret_hit_fn *on_hit, void *opaque,
                             struct mu_error *err)
{
    struct line_count count = {.line = 1};
    struct sieve sieve;
    size_t i = 0;

    sieve_fill(&sieve);
    while (i + SIEVE_DEPTH <= text.len) {
        const unsigned char *c = (const unsigned char *)text.text + i;
        uint32_t candidates = sieve.rows[0][c[0]] & sieve.rows[1][c[1]] & sieve.rows[2][c[2]];
        struct secret_hit hit;
        size_t len = 0;

        if (candidates != 0 && (len = hit_at(text, i, candidates, &hit)) > 0) {
            hit.line = line_of(&count, text, i);
            if (on_hit(opaque, &hit, err) != MU_OK)
                return err->status;
        }
        i += len > 0 ? len : 1;
    }
    return MU_OK;
}

void secret_hit_text(const struct secret_hit *hit, char ret_text[SECRET_SHOWN_MAX_BYTES])
{
    if (hit->shown.len == 0)
        (void)snprintf(ret_text, SECRET_SHOWN_MAX_BYTES, "%s", hit->kind);
    else
        (void)snprintf(ret_text, SECRET_SHOWN_MAX_BYTES, "%s %.*s****", hit->kind,
                       (int)hit->shown.len, hit->shown.text);
}
