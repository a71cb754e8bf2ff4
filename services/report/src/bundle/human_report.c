#include "bundle/human_report.h"

#include "bundle/layout.h"
#include "html/html_report.h"
#include "numbers/numbers_json.h"

#include "base/file.h"

enum { NUMBERS_MAX_BYTES = 16 * 1024 * 1024 };

static enum mu_status write_numbers(const struct render *render, const struct numbers *numbers,
                                    struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = render_path(render, BUNDLE_NUMBERS, path, err);

    mu_buf_init(&bytes, NUMBERS_JSON_MAX_BYTES);
    if (st == MU_OK)
        st = numbers_print(numbers, &bytes, err);
    if (st == MU_OK)
        st = mu_file_write_atomic(path, bytes.data, bytes.len, err);
    return st == MU_OK ? render_list(render, BUNDLE_NUMBERS,
                                     "The month's numbers and escalation triggers", err)
                       : st;
}

static enum mu_status write_html(const struct render *render, const struct numbers *numbers,
                                 struct mu_error *err)
{
    const struct html_report_request request = {.snapshot = render->snapshot,
                                                .system = render->system,
                                                .numbers = numbers,
                                                .files = {.numbers = BUNDLE_NUMBERS,
                                                          .findings = "findings.csv",
                                                          .closed = "closed-findings.csv",
                                                          .deviations = "deviations.csv",
                                                          .failures = "detection-failures.csv",
                                                          .assets = "assets.csv",
                                                          .containers = BUNDLE_CONTAINERS,
                                                          .gaps = BUNDLE_GAPS,
                                                          .manifest = BUNDLE_MANIFEST,
                                                          .raw_scans = BUNDLE_RAW_SCANS},
                                                .max_rows = HTML_REPORT_ROWS};
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = render_path(render, BUNDLE_HTML, path, err);

    if (st == MU_OK)
        st = html_report_write(&request, path, err);
    return st == MU_OK ? render_list(render, BUNDLE_HTML,
                                     "Vulnerability activity and inventory, for people", err)
                       : st;
}

enum mu_status human_report_render(const struct render *render, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(NUMBERS_MAX_BYTES);
    const struct numbers_request request = {render->snapshot, render->system, render->month,
                                            render->previous_numbers};
    struct numbers numbers;
    enum mu_status st = numbers_compute(&request, arena, &numbers, err);

    if (st == MU_OK)
        st = write_numbers(render, &numbers, err);
    return st == MU_OK ? write_html(render, &numbers, err) : st;
}
