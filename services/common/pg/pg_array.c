/* Array literals (PostgreSQL documentation, section 8.15.6): every element quoted. */
#include "pg/pg.h"

#include "base/buf.h"

#include <string.h>

void mu_pg_array_begin(struct mu_buf *array)
{
    mu_buf_puts(array, "{");
}

void mu_pg_array_add(struct mu_buf *array, const char *text)
{
    if (array->len > 1)
        mu_buf_puts(array, ",");
    if (!text) {
        mu_buf_puts(array, "NULL");
        return;
    }
    mu_buf_puts(array, "\"");
    while (*text) {
        size_t plain = strcspn(text, "\"\\");

        mu_buf_append(array, text, plain);
        text += plain;
        if (*text) {
            mu_buf_puts(array, "\\");
            mu_buf_append(array, text++, 1);
        }
    }
    mu_buf_puts(array, "\"");
}

void mu_pg_array_end(struct mu_buf *array)
{
    mu_buf_puts(array, "}");
}
