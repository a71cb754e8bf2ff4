#include "app/run_command.h"

#include "app/month_option.h"
#include "app/progress.h"
#include "bundle/bundle.h"
#include "snapshot/snapshot_read.h"
#include "store/month_store.h"
#include "system/system_file.h"

#include "base/clock.h"
#include "base/stop.h"

#include <stdio.h>

enum { EVIDENCE_RETRY_MS = 30000, SYSTEM_MAX_BYTES = 32 * 1024 * 1024 };

const struct mu_option run_options[RUN_OPTION_COUNT] = {
        {"month", MU_OPTION_TEXT, offsetof(struct run_config, month), NULL, 0, 0,
         MU_OPTION_REQUIRED,
         "calendar month of the package, YYYY-MM (UTC), or 'last': the one before the present one"},
        {"store", MU_OPTION_TEXT, offsetof(struct run_config, store), NULL, 0, 0, 0,
         "folder of the closed months: the month as it was closed, from there alone"},
        {"revision", MU_OPTION_INT, offsetof(struct run_config, revision), "0", 0,
         CLOSE_REVISION_MAX, 0, "with --store: that revision (default: the newest)"},
        {"system", MU_OPTION_TEXT, offsetof(struct run_config, system), NULL, 0, 0, 0,
         "without --store: YAML file with what only people know: muster-report check SYSTEM"},
        {"out", MU_OPTION_TEXT, offsetof(struct run_config, out), NULL, 0, 0, MU_OPTION_REQUIRED,
         "folder to create, or archive (.zip, .tar.zst); it must not exist"},
        {"postgres", MU_OPTION_TEXT, offsetof(struct run_config, postgres), NULL, 0, 0, 0,
         "without --store: connection string of the database, for a preview; role muster_report "
         "suffices"},
        {"inventory-url", MU_OPTION_TEXT, offsetof(struct run_config, inventory_url),
         "http://127.0.0.1:8080", 0, 0, 0, "where the evidence API answers"},
        {"inventory-token", MU_OPTION_TEXT, offsetof(struct run_config, inventory_token), NULL, 0,
         0, MU_OPTION_SECRET, "bearer token with the role assessor"},
        {"template-poam", MU_OPTION_TEXT, offsetof(struct run_config, template_poam), NULL, 0, 0, 0,
         "without --store: FedRAMP's POA&M template to fill (default: the system file's, else a "
         "new "
         "workbook)"},
        {"template-dr", MU_OPTION_TEXT, offsetof(struct run_config, template_dr), NULL, 0, 0, 0,
         "without --store: FedRAMP's Deviation Request form to fill (default as above)"},
        {"other-assets", MU_OPTION_TEXT, offsetof(struct run_config, other_assets), NULL, 0, 0, 0,
         "without --store: CSV or YAML file of hosts, sensors and others for the inventory "
         "(default: the system file's)"},
        {"known-at", MU_OPTION_TEXT, offsetof(struct run_config, known_at), NULL, 0, 0, 0,
         "leave out what was learned later, RFC 3339 time (default: everything known)"},
        {"sign-key", MU_OPTION_TEXT, offsetof(struct run_config, sign.key), NULL, 0, 0, 0,
         "Ed25519 key that signs the manifest: PEM file of mode 600, or pkcs11: URI"},
        {"cms-key", MU_OPTION_TEXT, offsetof(struct run_config, sign.cms_key), NULL, 0, 0, 0,
         "RSA or EC key for an X.509 signature (CMS): PEM file of mode 600, or pkcs11: URI"},
        {"cms-certificate", MU_OPTION_TEXT, offsetof(struct run_config, sign.cms_certificate), NULL,
         0, 0, 0, "PEM file with the certificate of --cms-key, then those up to the authority"},
        {"sign-secret", MU_OPTION_TEXT, offsetof(struct run_config, sign.secret), NULL, 0, 0,
         MU_OPTION_SECRET, "passphrase of the key files, or PIN of the token"},
        {"timestamp-url", MU_OPTION_TEXT, offsetof(struct run_config, sign.timestamp_url), NULL, 0,
         0, 0, "RFC 3161 authority that is asked for a time stamp of the manifest"},
        {"previous", MU_OPTION_TEXT, offsetof(struct run_config, previous), NULL, 0, 0, 0,
         "without --store: numbers.json of earlier months, commas between: trend, and triggers "
         "that "
         "recur"},
};

static int usage(const struct mu_error *err)
{
    (void)fprintf(stderr, "muster-report: %s\n", err->message);
    return MU_EXIT_USAGE;
}

static int failure(const struct mu_error *err)
{
    (void)fprintf(stderr, "muster-report: %s\n", err->message);
    return MU_EXIT_FAILURE;
}

static void print_result(const char *folder, const char *what, const struct snapshot *snapshot,
                         const struct bundle_counts *counts)
{
    char as_of[MU_TIME_TEXT_SIZE];

    mu_time_format(snapshot_instants(snapshot)->as_of_us, as_of);
    (void)printf("%s: as of %s\n"
                 "  %zu rows, %zu raw scans, %zu running containers, %zu assets with a coverage "
                 "gap\n"
                 "  %s\n",
                 folder, as_of, counts->rows, counts->raw_scans, counts->containers, counts->gaps,
                 what);
    for (size_t number = 2; number <= counts->inventory_files; number++)
        (void)printf(
                "  more rows than a sheet holds: the inventory goes on in inventory-%zu.xlsx\n",
                number);
}

/* ---- a closed month, from the store alone ---- */

static int render_closed(const struct run_config *config, const char *month,
                         const struct signer *signer)
{
    MU_AUTO(month_store) struct month_store *store = NULL;
    MU_AUTO(closed_month) struct closed_month *closed = NULL;
    char close_file[STORE_PATH_SIZE], what[STORE_PATH_SIZE];
    struct bundle_counts counts;
    struct mu_error err;
    enum mu_status st = month_store_open(config->store, &store, &err);

    if (st == MU_OK)
        st = month_store_load(store, month, config->revision, &closed, &err);
    if (st == MU_E_NOT_FOUND)
        return usage(&err);
    if (st == MU_OK)
        st = store_path(close_file, &err, "%s/%s", closed->close->folder, MONTH_CLOSE);
    if (st != MU_OK)
        return failure(&err);
    struct bundle_request request = {.folder = config->out,
                                     .month = month,
                                     .shelf = closed->evidence,
                                     .close_file = close_file,
                                     .previous_numbers = closed->history,
                                     .system = &closed->system,
                                     .signer = signer,
                                     .snapshot = closed->snapshot,
                                     .progress = progress_raw_scans};
    if (bundle_write(&request, &counts, &err) != MU_OK)
        return failure(&err);
    (void)snprintf(what, sizeof(what), "closed: revision %lld, close.json %s",
                   (long long)closed->close->record.revision, closed->close->sha256);
    print_result(config->out, what, closed->snapshot, &counts);
    return MU_EXIT_OK;
}

/* ---- a preview, from the database ---- */

static int render_preview(const struct run_config *config, const char *month,
                          const struct signer *signer, struct snapshot_question *question)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(SYSTEM_MAX_BYTES);
    MU_AUTO(snapshot) struct snapshot *snapshot = NULL;
    struct system_file *system = mu_arena_alloc(arena, sizeof(*system));
    struct numbers_files previous;
    struct bundle_counts counts;
    struct mu_error err;

    question->conninfo = config->postgres;
    if (!system || system_file_read(config->system, arena, system, &err) != MU_OK ||
        numbers_files_split(config->previous, arena, &previous, &err) != MU_OK)
        return usage(&err);
    if (config->template_poam)
        system->template_poam = config->template_poam;
    if (config->template_dr)
        system->template_dr = config->template_dr;
    if (config->other_assets)
        system->other_assets = config->other_assets;
    if (snapshot_read(question, &snapshot, &err) != MU_OK)
        return failure(&err);
    struct bundle_request request = {.folder = config->out,
                                     .month = month,
                                     .inventory_url = config->inventory_url,
                                     .inventory_token = config->inventory_token,
                                     .previous_numbers = previous,
                                     .retry_ms = EVIDENCE_RETRY_MS,
                                     .system = system,
                                     .signer = signer,
                                     .snapshot = snapshot,
                                     .progress = progress_raw_scans};
    if (bundle_write(&request, &counts, &err) != MU_OK)
        return failure(&err);
    print_result(config->out, "preview: the month is not closed, and this package not its record",
                 snapshot, &counts);
    return MU_EXIT_OK;
}

/* What a closed month has of its own, as it was at its close. */
static enum mu_status check_own(const struct run_config *config, struct mu_error *err)
{
    const struct {
        const char *name, *value;
    } own[] = {{"template-poam", config->template_poam},
               {"template-dr", config->template_dr},
               {"other-assets", config->other_assets},
               {"previous", config->previous}};

    for (size_t i = 0; config->store && i < sizeof(own) / sizeof(own[0]); i++)
        if (own[i].value)
            return mu_fail(err, MU_E_INVALID,
                           "--%s: a closed month has its own, as it was at its close; leave it out",
                           own[i].name);
    return MU_OK;
}

static enum mu_status check_options(const struct run_config *config, struct mu_error *err)
{
    if (config->store && config->known_at)
        return mu_fail(err, MU_E_INVALID,
                       "--known-at: a closed month is as it was known at its close; leave it out");
    if (!config->store && (!config->postgres || !config->system))
        return mu_fail(err, MU_E_INVALID,
                       "run needs --store, or --postgres and --system for a preview");
    if (!config->store && config->revision > 0)
        return mu_fail(err, MU_E_INVALID, "--revision: only a closed month has one: give --store");
    return check_own(config, err);
}

int run_command(void *config_struct, int argc, char **argv)
{
    const struct run_config *config = config_struct;
    MU_AUTO(signer) struct signer *signer = NULL;
    struct snapshot_question question;
    char month[MONTH_SIZE];
    struct mu_error err;

    if (argc > 0)
        return usage(
                (mu_fail(&err, MU_E_INVALID, "run takes options only, not '%s'", argv[0]), &err));
    if (check_options(config, &err) != MU_OK ||
        month_option(config->month, config->known_at, month, &question, &err) != MU_OK ||
        signer_open(&config->sign, &signer, &err) != MU_OK)
        return usage(&err);
    mu_stop_install();
    return config->store ? render_closed(config, month, signer)
                         : render_preview(config, month, signer, &question);
}
