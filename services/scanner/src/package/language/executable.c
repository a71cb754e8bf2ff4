/*
 * Executables: Go's build information, Rust's list of crates, and programs that carry their version
 * as text (exe_packages.h), in ELF, PE and Mach-O files; known by their first bytes.
 */
#include "package/language/exe_packages.h"
#include "package/language/language_finders.h"

#define EXECUTABLE_MAX_BYTES (1ULL << 30)

static bool wants_head(const struct finder_entry *entry, const uint8_t *head, size_t len)
{
    return entry->kind == FINDER_FILE && exe_head_known(head, len);
}

/* A packed program shows nothing of what it was built from: that must be seen, not passed over. */
static void note_packed(const struct exe_image *image, struct lang_report *report)
{
    struct lang_span head = lang_head(lang_bytes(image->bytes, image->len), 1024);

    if (lang_has(head, "UPX!"))
        lang_report_trouble(report, MU_E_INVALID, "packed by UPX: what it is made of is not seen");
}

static enum mu_status read(const struct finder_input *input, const struct finder_sink *sink,
                           struct mu_error *err)
{
    struct lang_report report = lang_report_on(sink);
    struct lang_span path = lang_span_of(input->path);
    struct exe_image images[EXE_FAT_IMAGES_MAX];
    size_t count = exe_images(input->bytes, input->len, images, EXE_FAT_IMAGES_MAX);

    if (count == 0)
        return mu_fail(err, MU_E_INVALID, "not an executable of a known format");
    for (size_t i = 0; i < count; i++) {
        note_packed(&images[i], &report);
        if (go_build_tell(&images[i], &report, err) != MU_OK ||
            rust_audit_tell(&images[i], &report, err) != MU_OK ||
            program_version_tell(path, &images[i], &report, err) != MU_OK)
            return err->status;
    }
    return lang_report_end(&report, err);
}

const struct finder finder_executable = {.name = "executable",
                                         .version = 3,
                                         .max_bytes = EXECUTABLE_MAX_BYTES,
                                         .wants_head = wants_head,
                                         .read = read};
