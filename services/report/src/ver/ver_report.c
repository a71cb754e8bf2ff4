/* The documents: FedRAMP's reports of vulnerabilities. */
#include "bundle/json_file.h"
#include "bundle/layout.h"
#include "ver/ver_writer.h"

#include <stdint.h>

enum { TEXT_MAX_BYTES = 4 * 1024 * 1024 };

static enum mu_status put_active(struct ver_writer *writer, const char *name,
                                 int64_t closed_since_us, struct mu_error *err)
{
    enum mu_status st;

    writer->accepted = false;
    json_open(writer->out, name, '[');
    st = ver_put_items(writer, err);
    if (st == MU_OK)
        st = ver_put_failures(writer, err);
    if (st == MU_OK)
        st = ver_put_closed_since(writer, closed_since_us, err);
    json_close(writer->out, ']');
    return st;
}

static enum mu_status put_accepted(struct ver_writer *writer, struct mu_error *err)
{
    enum mu_status st;

    writer->accepted = true;
    json_open(writer->out, "acceptedVulnerabilities", '[');
    st = ver_put_items(writer, err);
    if (st == MU_OK)
        st = ver_put_failures(writer, err);
    json_close(writer->out, ']');
    return st;
}

static void put_period(struct ver_writer *writer)
{
    json_open(writer->out, "reportPeriod", '{');
    json_time(writer->out, "from", writer->month_begin_us);
    json_time(writer->out, "to", writer->as_of_us);
    json_close(writer->out, '}');
}

static enum mu_status put_vdt(struct ver_writer *writer, struct mu_error *err)
{
    put_period(writer);
    return put_active(writer, "vulnerabilities", writer->month_begin_us, err);
}

static enum mu_status put_avi(struct ver_writer *writer, struct mu_error *err)
{
    put_period(writer);
    return put_accepted(writer, err);
}

static enum mu_status put_mrh(struct ver_writer *writer, struct mu_error *err)
{
    enum mu_status st;

    json_time(writer->out, "generatedAt", snapshot_instants(writer->render->snapshot)->known_at_us);
    st = put_active(writer, "activeVulnerabilities", INT64_MIN, err);
    return st == MU_OK ? put_accepted(writer, err) : st;
}

static enum mu_status put_document(struct ver_writer *writer,
                                   enum mu_status (*put)(struct ver_writer *, struct mu_error *),
                                   struct mu_error *err)
{
    const struct system_file *system = writer->render->system;
    char class[2] = {ver_class(system), '\0'};
    enum mu_status st;

    json_open(writer->out, NULL, '{');
    json_text(writer->out, "certificationPackageOverviewUri", system->package_overview_uri);
    json_text(writer->out, "fedRampId", system->fedramp_id);
    json_text(writer->out, "certificationClass", class);
    st = put(writer, err);
    json_close(writer->out, '}');
    return st;
}

static enum mu_status write_document(struct ver_writer *writer, const char *name,
                                     enum mu_status (*put)(struct ver_writer *, struct mu_error *),
                                     struct mu_error *err)
{
    MU_AUTO_DONE(json_file_done) struct json_file file = {.path = NULL};
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = render_path(writer->render, name, path, err);

    if (st == MU_OK)
        st = json_file_open(path, &file, err);
    writer->out = &file.out;
    if (st == MU_OK)
        st = put_document(writer, put, err);
    return st == MU_OK ? json_file_finish(&file, err) : st;
}

static const struct {
    const char *name, *title;
    enum mu_status (*put)(struct ver_writer *writer, struct mu_error *err);
} documents[] = {
        {BUNDLE_VDT, "FedRAMP Vulnerability Detail Report (VER-RPT-VDT)", put_vdt},
        {BUNDLE_AVI, "FedRAMP Accepted Vulnerability Info (VER-RPT-AVI)", put_avi},
        {BUNDLE_MRH, "FedRAMP Historical VER Activity (VER-TFR-MRH)", put_mrh},
};

enum mu_status ver_render(const struct render *render, struct mu_error *err)
{
    const struct snapshot_instants *instants = snapshot_instants(render->snapshot);
    struct ver_writer writer = {.render = render,
                                .as_of_us = instants->as_of_us,
                                .month_begin_us = instants->month_begin_us};
    struct mu_buf *const bufs[] = {&writer.description, &writer.facts, &writer.rationale,
                                   &writer.text};
    enum mu_status st = MU_OK;

    for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
        mu_buf_init(bufs[i], TEXT_MAX_BYTES);
    for (size_t i = 0; st == MU_OK && i < sizeof(documents) / sizeof(documents[0]); i++) {
        st = write_document(&writer, documents[i].name, documents[i].put, err);
        if (st == MU_OK)
            st = render_list(render, documents[i].name, documents[i].title, err);
        if (st != MU_OK)
            (void)mu_wrap(err, "%s", documents[i].name);
    }
    for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
        mu_buf_done(bufs[i]);
    return st;
}
