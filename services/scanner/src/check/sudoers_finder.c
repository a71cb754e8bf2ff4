/* sudoers(5): rules that ask for no password. */
#include "check/check_finders.h"

#include "check/checks.h"
#include "check/text_lines.h"

#include "base/text.h"

#include <string.h>

enum { SUDOERS_MAX_BYTES = 256 * 1024, SHOWN_MAX_BYTES = 120 };

static bool sudoers_wants(const struct finder_entry *entry)
{
    return mu_text_equal(entry->path, "etc/sudoers") ||
           mu_text_starts(entry->path, "etc/sudoers.d/");
}

static enum mu_status sudoers_read(const struct finder_input *input, const struct finder_sink *sink,
                                   struct mu_error *err)
{
    struct text_lines lines = text_lines_of(input->bytes, input->len);
    struct text_piece line;
    enum mu_status st = MU_OK;

    while (st == MU_OK && text_lines_next(&lines, &line)) {
        char shown[SHOWN_MAX_BYTES + 1];
        size_t len;

        line = text_piece_trimmed(line);
        if (line.len == 0 || line.text[0] == '#' || !text_piece_has(line, "NOPASSWD"))
            continue;
        len = line.len < SHOWN_MAX_BYTES ? line.len : SHOWN_MAX_BYTES;
        memcpy(shown, line.text, len);
        shown[len] = '\0';
        st = check_tell(CHECK_SUDO_WITHOUT_PASSWORD, shown, lines.number, sink, err);
    }
    return st;
}

const struct finder check_sudoers_finder = {
        .name = "check-sudoers",
        .version = 1,
        .max_bytes = SUDOERS_MAX_BYTES,
        .wants = sudoers_wants,
        .read = sudoers_read,
};
