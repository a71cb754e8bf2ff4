/*
 * Matching apart from images: a synthetic fleet of 100,000 images that share 200,000 package
 * versions, against a synthetic database of 300,000 advisories. Prints seconds, memory and the cost
 * of one package version, for a full re-match and for an update that changes 500 advisories; both
 * count opening the database (its checksum and every offset are checked) and joining the findings
 * to all images.
 *
 *   bench_match [IMAGES [PACKAGE_VERSIONS [ADVISORIES]]]
 */
#include "base/clock.h"
#include "base/file.h"
#include "database/builder.h"
#include "match/rematch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VERSIONS_OF_A_NAME = 10, PACKAGES_OF_AN_IMAGE = 150, CHANGED = 500 };

static struct {
    uint32_t images, packages, advisories;
} size = {100000, 200000, 300000};

static const struct kind {
    const char *type, *ecosystem, *head, *tail; /* of a version: around its number */
    struct image_os os;
} kinds[] = {{"deb", "Debian:12", "1.", "-1", {.found = true, .id = "debian", .version_id = "12"}},
             {"apk",
              "Alpine:v3.20",
              "1.",
              ".0-r0",
              {.found = true, .id = "alpine", .version_id = "3.20.3"}},
             {"rpm",
              "AlmaLinux:9",
              "0:1.",
              "-1.el9",
              {.found = true, .id = "almalinux", .version_id = "9.3"}},
             {"npm", "npm", "1.", ".0", {0}},
             {"pypi", "PyPI", "1.", "", {0}},
             {"golang", "Go", "v1.", ".0", {0}}};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* Findings of each package version by severity, as a store would keep them. */
static uint32_t (*found)[SEVERITY_CRITICAL + 1];

static uint64_t scramble(uint64_t x)
{
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
}

static void stop(const char *what, const struct mu_error *err)
{
    (void)fprintf(stderr, "%s: %s\n", what, err->message);
    exit(1);
}

static void name_of(uint32_t name, char ret_name[64])
{
    (void)snprintf(ret_name, 64, "package-%08x", (unsigned)(scramble(name) & 0xffffffffU));
}

/* Some names have many advisories, most have few. */
static uint32_t name_of_advisory(uint32_t advisory)
{
    uint32_t names = size.packages / VERSIONS_OF_A_NAME;
    uint64_t r = scramble(advisory) % names;

    return (uint32_t)(advisory % 3 ? r : r * r / names);
}

static void add_advisory(struct builder *builder, uint32_t number, uint32_t shift)
{
    char id[64], cve[64], name[64], fixed[64];
    uint32_t target = name_of_advisory(number);
    const struct kind *kind = &kinds[target % KINDS];
    struct builder_record record = {.feed = FEED_OSV,
                                    .id = id,
                                    .summary = "a summary of the usual length, more or less",
                                    .modified_us = 1760000000000000 + shift};
    struct builder_affected affected = {.ecosystem = kind->ecosystem,
                                        .package = name,
                                        .cvss_v3 = number % 2 ? "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/"
                                                                "C:H/I:N/A:N"
                                                              : NULL};
    struct mu_error err;

    name_of(target, name);
    (void)snprintf(id, sizeof(id), "ADV-%u", number);
    (void)snprintf(cve, sizeof(cve), "CVE-2024-%u", number);
    (void)snprintf(fixed, sizeof(fixed), "%s%u%s", kind->head,
                   (unsigned)(scramble(number + 7) % VERSIONS_OF_A_NAME) + shift, kind->tail);
    builder_begin(builder, &record);
    builder_relate(builder, RELATION_UPSTREAM, cve);
    if (builder_begin_affected(builder, &affected)) {
        builder_event(builder, DATABASE_EVENT_RANGE, "");
        builder_event(builder, DATABASE_EVENT_INTRODUCED, "0");
        builder_event(builder, DATABASE_EVENT_FIXED, fixed);
        builder_end_affected(builder);
    }
    if (builder_end(builder, &err) != MU_OK)
        stop("advisory", &err);
}

/* `changed` advisories have another fix than in the database before. */
static void build(const char *path, uint32_t changed)
{
    MU_AUTO(builder) struct builder *builder = builder_new();
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct mu_error err;

    mu_buf_init(&bytes, (size_t)4 << 30);
    for (uint32_t i = 0; i < size.advisories; i++) {
        char cve[64];
        struct builder_fact fact = {.cve = cve,
                                    .has_epss = true,
                                    .epss_millionths = (uint32_t)(scramble(i) % 1000000),
                                    .nvd_v3 = i % 5 ? NULL
                                                    : "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/"
                                                      "A:H"};

        add_advisory(builder, i, i % (size.advisories / CHANGED) == 0 && changed > 0);
        (void)snprintf(cve, sizeof(cve), "CVE-2024-%u", i);
        if (builder_add_fact(builder, &fact, &err) != MU_OK)
            stop("fact", &err);
    }
    if (builder_finish(builder, 1760000000000000, &bytes, &err) != MU_OK ||
        mu_file_write_atomic(path, bytes.data, bytes.len, &err) != MU_OK)
        stop("database", &err);
}

/* Returns packages judged. */
static uint32_t match_all(struct rematch *rematch)
{
    uint32_t judged = 0;

    for (uint32_t i = 0; i < size.packages; i++) {
        uint32_t target = i / VERSIONS_OF_A_NAME;
        const struct kind *kind = &kinds[target % KINDS];
        char name[64], version[64];
        struct image_package package = {.type = kind->type, .name = name, .version = version};
        struct match_result result;
        struct mu_error err;
        enum mu_status st;

        name_of(target, name);
        (void)snprintf(version, sizeof(version), "%s%u%s", kind->head, i % VERSIONS_OF_A_NAME,
                       kind->tail);
        st = rematch_package(rematch, &kind->os, &package, &result, &err);
        if (st == MU_END)
            continue;
        if (st != MU_OK)
            stop("match", &err);
        judged++;
        memset(found[i], 0, sizeof(found[i]));
        for (size_t j = 0; j < result.finding_count; j++)
            found[i][result.findings[j].severity.severity]++;
    }
    return judged;
}

/* Findings of all images together: a join over what their packages have. */
static uint64_t join(void)
{
    uint64_t total = 0;

    for (uint32_t image = 0; image < size.images; image++) {
        uint64_t seed = scramble(image % 5000); /* images share bases */

        for (uint32_t i = 0; i < PACKAGES_OF_AN_IMAGE; i++) {
            uint64_t pick = scramble(i < 120 ? seed + i : (uint64_t)image * 1000 + i);
            const uint32_t *counts = found[pick % size.packages];

            for (size_t s = 0; s <= SEVERITY_CRITICAL; s++)
                total += counts[s];
        }
    }
    return total;
}

static double seconds_since(uint64_t begun_ms)
{
    return (double)(mu_monotonic_ms() - begun_ms) / 1000;
}

static void run(const char *what, const char *path, const char *previous_path)
{
    MU_AUTO(database) struct database *database = NULL, *previous = NULL;
    MU_AUTO(change_set) struct change_set *changes = NULL;
    MU_AUTO(rematch) struct rematch *rematch = NULL;
    struct match_rules rules = {0};
    struct rusage usage = {0};
    struct mu_error err;
    uint64_t begun_ms = mu_monotonic_ms();
    double opened, matched, whole;
    uint32_t judged;
    uint64_t findings;

    if (database_open(path, &database, &err) != MU_OK ||
        (previous_path && database_open(previous_path, &previous, &err) != MU_OK) ||
        (previous && change_set_new(previous, database, &changes, &err) != MU_OK))
        stop("open", &err);
    opened = seconds_since(begun_ms);
    rules.database = database;
    rematch = rematch_new(&rules, changes);
    judged = match_all(rematch);
    matched = seconds_since(begun_ms) - opened;
    findings = join();
    whole = seconds_since(begun_ms);
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("%-7s %.2f s (open %.2f, match %.2f, join to images %.2f), %u of %u packages "
                 "judged, %.2f us each, %llu findings on %u images, %ld MiB\n",
                 what, whole, opened, matched, whole - opened - matched, judged, size.packages,
                 judged ? matched * 1e6 / judged : 0, (unsigned long long)findings, size.images,
                 usage.ru_maxrss / 1024);
}

static uint32_t number(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

/* In a child, so that its memory is not counted as matching's. */
static void build_apart(const char *path, uint32_t changed)
{
    pid_t child = fork();
    int status = 1;

    if (child == 0) {
        build(path, changed);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
        exit(1);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/bench-match-XXXXXX", before[64], after[64];

    if (argc > 1)
        size.images = number(argv[1]);
    if (argc > 2)
        size.packages = number(argv[2]);
    if (argc > 3)
        size.advisories = number(argv[3]);
    if (size.packages < VERSIONS_OF_A_NAME || size.advisories < CHANGED || !mkdtemp(folder))
        return 2;
    found = calloc(size.packages, sizeof(*found));
    if (!found)
        return 3;
    (void)snprintf(before, sizeof(before), "%s/before.db", folder);
    (void)snprintf(after, sizeof(after), "%s/after.db", folder);
    build_apart(before, 0);
    build_apart(after, CHANGED);
    run("full", before, NULL);
    run("update", after, before);
    (void)unlink(before);
    (void)unlink(after);
    (void)rmdir(folder);
    free(found);
    return 0;
}
