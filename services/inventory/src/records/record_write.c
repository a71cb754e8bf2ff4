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

void record_write_csv(const struct record_kind *kind, const struct record_set *set,
                      struct mu_buf *out)
{
    for (size_t i = 0; i < kind->field_count; i++)
        mu_buf_printf(out, "%s%s", i ? "," : "", kind->fields[i].name);
    mu_buf_puts(out, "\n");
    for (size_t row = 0; row < set->count; row++) {
        for (size_t i = 0; i < kind->field_count; i++) {
            if (i)
                mu_buf_puts(out, ",");
            if (set->items[row].values[i])
                write_cell(set->items[row].values[i], out);
        }
        mu_buf_puts(out, "\n");
    }
}

void record_write_json(const struct record_kind *kind, const struct record_set *set,
                       struct mu_buf *out)
{
    mu_buf_printf(out, "{\"schema\":\"muster.operator-facts.v1\",\"kind\":\"%s\",\"records\":[",
                  kind->name);
    for (size_t row = 0; row < set->count; row++) {
        const char *comma = "";

        mu_buf_puts(out, row ? ",\n{" : "\n{");
        for (size_t i = 0; i < kind->field_count; i++) {
            const char *value = set->items[row].values[i];

            if (!value)
                continue;
            mu_buf_printf(out, "%s\"%s\":", comma, kind->fields[i].name);
            mu_text_to_json(value, strlen(value), out);
            comma = ",";
        }
        mu_buf_puts(out, "}");
    }
    mu_buf_puts(out, "\n]}\n");
}
