#include "app/verify_command.h"

#include "verify/foreign.h"
#include "verify/verify.h"

#include "base/clock.h"
#include "base/stop.h"

#include <stdio.h>
#include <string.h>

const struct mu_option verify_options[VERIFY_OPTION_COUNT] = {
        {"format", MU_OPTION_TEXT, offsetof(struct verify_config, format), "text", 0, 0, 0,
         "text, or json: the differences as an array of objects"},
        {"no-gaps", MU_OPTION_BOOL, offsetof(struct verify_config, no_gaps), "false", 0, 0, 0,
         "exit 1 also when a running container is declared as not covered"},
        {"key", MU_OPTION_TEXT, offsetof(struct verify_config, key), NULL, 0, 0, 0,
         "Ed25519 public key (PEM file) that signed manifest.json"},
        {"ca", MU_OPTION_TEXT, offsetof(struct verify_config, ca), NULL, 0, 0, 0,
         "certificates (PEM file) that the X.509 signature must lead to"},
        {"timestamp-ca", MU_OPTION_TEXT, offsetof(struct verify_config, timestamp_ca), NULL, 0, 0,
         0, "certificates (PEM file) that the time stamp must lead to"},
        {"at", MU_OPTION_TEXT, offsetof(struct verify_config, at), NULL, 0, 0, 0,
         "when the X.509 signer had to be valid, RFC 3339 time (default: the checked time stamp, "
         "else now)"},
        {"require-signature", MU_OPTION_BOOL, offsetof(struct verify_config, require_signature),
         "false", 0, 0, 0, "a package without a signature that was checked differs"},
        {"previous", MU_OPTION_TEXT, offsetof(struct verify_config, previous), NULL, 0, 0, 0,
         "last month's package, or its close.json, which this one's close.json must name"},
        {"inventory", MU_OPTION_TEXT, offsetof(struct verify_config, inventory), NULL, 0, 0, 0,
         "instead of a package: any inventory workbook (.xlsx), with --scans"},
        {"scans", MU_OPTION_TEXT, offsetof(struct verify_config, scans), NULL, 0, 0, 0,
         "folder or archive of Trivy, Grype, CycloneDX or Muster scans (.json)"},
        {"as-of", MU_OPTION_TEXT, offsetof(struct verify_config, as_of), NULL, 0, 0, 0,
         "with --inventory: scans older than 30 days before this RFC 3339 time are too old "
         "(default: now)"},
        {"max-unpacked", MU_OPTION_BYTES, offsetof(struct verify_config, max_unpacked), "64GiB",
         1024, INT64_MAX, 0, "an archive that unpacks to more is refused"},
};

static int usage(const char *message)
{
    (void)fprintf(stderr, "muster-report: %s\n", message);
    return MU_EXIT_USAGE;
}

/* ---- what was found, for people ---- */

static void print_list(const char *heading, const struct mu_table *table)
{
    if (mu_table_row_count(table) == 0)
        return;
    (void)printf("\n%s\n", heading);
    mu_table_print(table, MU_FORMAT_TEXT, 0, stdout);
}

static void print_differences(const struct verify_summary *summary, const struct mu_table *table)
{
    if (summary->differences == 0) {
        (void)printf("\nInventory and raw scans match, both ways: no unexplained difference.\n");
        return;
    }
    (void)printf("\n%zu difference%s%s\n", summary->differences,
                 summary->differences == 1 ? "" : "s",
                 mu_table_row_count(table) < summary->differences ? ", the first of them:" : "");
    mu_table_print(table, MU_FORMAT_TEXT, 0, stdout);
}

static void print_text(const struct verify_config *config, const char *path,
                       const struct verify_summary *summary, const struct verify_tables *tables)
{
    if (path)
        (void)printf("%s: %zu files, %zu rows, %zu raw scans with %zu targets\n", path,
                     summary->files, summary->rows, summary->raw_scans, summary->targets);
    else
        (void)printf("%s, %s: %zu rows of containers, %zu scans\n", config->inventory,
                     config->scans, summary->rows, summary->raw_scans);
    print_list("Signatures of manifest.json", tables->signatures);
    print_list(path ? "Declared gaps: running, but not covered by a complete scan within 30 days"
                    : "Rows that say No in In Latest Scan",
               tables->gaps);
    print_differences(summary, tables->differences);
}

/* ---- asking ---- */

static enum mu_status time_of(const char *option, const char *text, int64_t *ret_us,
                              struct mu_error *err)
{
    *ret_us = mu_now_us();
    if (!text || mu_time_parse(text, strlen(text), ret_us, err) == MU_OK)
        return MU_OK;
    return mu_wrap(err, "%s", option);
}

/* `path` is NULL where a workbook and scans are asked for. */
static enum mu_status ask(const struct verify_config *config, const char *path,
                          const struct verify_tables *tables, struct verify_summary *ret_summary,
                          struct mu_error *err)
{
    struct verify_request request = {.path = path,
                                     .key = config->key,
                                     .authorities = config->ca,
                                     .timestamp_authorities = config->timestamp_ca,
                                     .previous = config->previous,
                                     .require_signature = config->require_signature,
                                     .max_bytes = (uint64_t)config->max_unpacked};
    struct foreign_request foreign = {.inventory = config->inventory,
                                      .scans = config->scans,
                                      .max_bytes = (uint64_t)config->max_unpacked};

    if (time_of("--at", config->at, &request.at_us, err) != MU_OK ||
        time_of("--as-of", config->as_of, &foreign.as_of_us, err) != MU_OK)
        return MU_E_NOT_FOUND; /* as what is not there: wrong usage */
    return path ? verify_package(&request, tables, ret_summary, err)
                : verify_foreign(&foreign, tables, ret_summary, err);
}

static int verify_and_print(const struct verify_config *config, const char *path,
                            enum mu_format format)
{
    MU_AUTO(table) struct mu_table *differences = mu_table_new(verify_columns, VERIFY_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *gaps = mu_table_new(verify_gap_columns, VERIFY_GAP_COLUMN_COUNT);
    MU_AUTO(table)
    struct mu_table *signatures =
            mu_table_new(verify_signature_columns, VERIFY_SIGNATURE_COLUMN_COUNT);
    const struct verify_tables tables = {differences, gaps, signatures};
    struct verify_summary summary;
    struct mu_error err;
    enum mu_status st = ask(config, path, &tables, &summary, &err);

    if (st != MU_OK) {
        (void)fprintf(stderr, "muster-report: %s\n", err.message);
        return st == MU_E_NOT_FOUND ? MU_EXIT_USAGE : MU_EXIT_FAILURE;
    }
    if (format == MU_FORMAT_JSON)
        mu_table_print(differences, MU_FORMAT_JSON, 0, stdout);
    else
        print_text(config, path, &summary, &tables);
    if (summary.differences > 0 || (config->no_gaps && mu_table_row_count(gaps) > 0))
        return MU_EXIT_DIFFERENCE;
    return MU_EXIT_OK;
}

int verify_command(void *config_struct, int argc, char **argv)
{
    const struct verify_config *config = config_struct;
    enum mu_format format;
    struct mu_error err;

    if (!config->inventory != !config->scans)
        return usage("verify: --inventory and --scans go together");
    if (argc != (config->inventory ? 0 : 1))
        return usage(config->inventory ? "verify: with --inventory and --scans there is no package"
                                       : "verify takes one package: muster-report verify PACKAGE");
    if (mu_format_parse(config->format, &format, &err) != MU_OK)
        return usage((mu_wrap(&err, "--format"), err.message));
    mu_stop_install();
    return verify_and_print(config, argc > 0 ? argv[0] : NULL, format);
}
