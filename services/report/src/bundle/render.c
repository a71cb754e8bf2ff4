#include "bundle/render.h"

#include "bundle/csv_rows.h"
#include "bundle/human_report.h"
#include "bundle/renderers.h"

#include "base/file.h"
#include "base/stop.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum mu_status render_path(const struct render *render, const char *name,
                           char ret_path[BUNDLE_PATH_SIZE], struct mu_error *err)
{
    const char *slash = strrchr(name, '/');
    char folder[BUNDLE_PATH_SIZE], path[BUNDLE_PATH_SIZE];
    enum mu_status st = bundle_folder_path(render->folder, name, ret_path, err);

    if (st != MU_OK || !slash)
        return st;
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name), name);
    st = bundle_folder_path(render->folder, folder, path, err);
    return st == MU_OK ? mu_dir_make(path, err) : st;
}

enum mu_status render_list(const struct render *render, const char *name, const char *title,
                           struct mu_error *err)
{
    return manifest_add_file(render->manifest, render->folder->building, name, title, err);
}

/* ---- the deliverables ---- */

enum set { SET_LEGACY = 1, SET_CR26 = 2, SET_ALWAYS = SET_LEGACY | SET_CR26 };

static const struct {
    const char *name;
    int sets;
    renderer_fn *render;
} renderers[] = {
        {"POA&M", SET_LEGACY, render_poam},
        {"deviation requests", SET_LEGACY, render_deviation_requests},
        {"CSV", SET_ALWAYS, csv_rows_render},
        {"VER", SET_CR26, ver_render},
        {"raw scans", SET_ALWAYS, scans_render},
        {"OSCAL components", SET_ALWAYS, oscal_component_render},
        {"OSCAL POA&M", SET_ALWAYS, oscal_poam_render},
        {"human report", SET_ALWAYS, human_report_render},
};

static int sets_of(const struct system_file *system)
{
    if (mu_text_equal(system->deliverables, "both"))
        return SET_LEGACY | SET_CR26;
    return mu_text_equal(system->deliverables, "cr26") ? SET_CR26 : SET_LEGACY;
}

enum mu_status render_all(const struct render *render, struct mu_error *err)
{
    const int wanted = sets_of(render->system);

    for (size_t i = 0; i < sizeof(renderers) / sizeof(renderers[0]); i++) {
        if (!(renderers[i].sets & wanted))
            continue;
        if (mu_stop_requested())
            return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
        if (renderers[i].render(render, err) != MU_OK)
            return mu_wrap(err, "%s", renderers[i].name);
    }
    return MU_OK;
}
