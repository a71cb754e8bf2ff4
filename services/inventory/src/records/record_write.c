#include "records/record_file.h"

#include "base/text.h"

#include <string.h>

static void write_cell(const char *value, struct mu_buf *out)
{
    if (value[strcspn(value, ",\"\r\n")] == '\0') {
        mu_buf_puts(out, value);
        return;
    }
    mu_buf_puts(out, "\"");
    for (; *value; value++)
        mu_buf_append(out, *value == '"' ? "\"\"" : value, *value == '"' ? 2 : 1);
    mu_buf_puts(out, "\"");
}

static void write_csv(const struct record_kind *kind, const struct record *record,
                      struct mu_buf *out)
{
    for (size_t i = 0; i < kind->field_count; i++) {
        if (i)
            mu_buf_puts(out, ",");
        if (record->values[i])
            write_cell(record->values[i], out);
    }
    mu_buf_puts(out, "\n");
}

static void write_json(const struct record_kind *kind, const struct record *record,
                       struct mu_buf *out)
{
    const char *comma = "";

    mu_buf_puts(out, "{");
    for (size_t i = 0; i < kind->field_count; i++) {
        const char *value = record->values[i];

        if (!value)
            continue;
        mu_buf_printf(out, "%s\"%s\":", comma, kind->fields[i].name);
        mu_text_to_json(value, strlen(value), out);
        comma = ",";
    }
    mu_buf_puts(out, "}");
}

void record_write_begin(struct record_writer *writer, const struct record_kind *kind,
                        enum record_form form, struct mu_buf *out)
{
    *writer = (struct record_writer){.kind = kind, .form = form, .out = out};
    if (form == RECORD_JSON) {
        mu_buf_printf(out, "{\"schema\":\"muster.operator-facts.v1\",\"kind\":\"%s\",\"records\":[",
                      kind->name);
        return;
    }
    for (size_t i = 0; i < kind->field_count; i++)
        mu_buf_printf(out, "%s%s", i ? "," : "", kind->fields[i].name);
    mu_buf_puts(out, "\n");
}

void record_write(struct record_writer *writer, const struct record *record)
{
    if (writer->form == RECORD_CSV) {
        write_csv(writer->kind, record, writer->out);
        return;
    }
    mu_buf_puts(writer->out, writer->has_records ? ",\n" : "\n");
    write_json(writer->kind, record, writer->out);
    writer->has_records = true;
}

void record_write_end(struct record_writer *writer)
{
    if (writer->form == RECORD_JSON)
        mu_buf_puts(writer->out, "\n]}\n");
}
