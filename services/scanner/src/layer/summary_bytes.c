#include "layer/summary_bytes.h"

#include <string.h>

void summary_put_number(struct mu_buf *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;

    for (; value >= 0x80; value >>= 7)
        bytes[len++] = (uint8_t)(value | 0x80);
    bytes[len++] = (uint8_t)value;
    mu_buf_append(out, bytes, len);
}

void summary_put_text(struct mu_buf *out, const char *text, size_t len)
{
    summary_put_number(out, len);
    mu_buf_append(out, text, len);
}

uint64_t summary_get_number(struct summary_reader *reader)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && !reader->bad; shift += 7) {
        uint8_t byte;

        if (reader->at == reader->end)
            break;
        byte = *reader->at++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    reader->bad = true;
    return 0;
}

struct summary_text summary_get_text(struct summary_reader *reader)
{
    uint64_t len = summary_get_number(reader);
    struct summary_text text = {(const char *)reader->at, (size_t)len};

    if (reader->bad || len > (uint64_t)(reader->end - reader->at)) {
        reader->bad = true;
        return (struct summary_text){"", 0};
    }
    reader->at += len;
    return text;
}

uint64_t summary_get_word(struct summary_reader *reader)
{
    uint64_t word = 0;

    if (reader->bad || reader->end - reader->at < (ptrdiff_t)sizeof(word)) {
        reader->bad = true;
        return 0;
    }
    memcpy(&word, reader->at, sizeof(word));
    reader->at += sizeof(word);
    return word;
}
