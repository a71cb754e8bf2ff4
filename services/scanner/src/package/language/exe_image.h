/*
 * exe_image: the parts of an executable file that finders look into: a section by its name, and
 * bytes by their address in memory.
 *
 * ELF (32 and 64 bit, both byte orders), PE (32 and 64 bit), Mach-O (the same as ELF), and each
 * image of a fat Mach-O file. Only headers and tables are looked at, when asked; nothing is copied.
 *
 * Threads: none held. Ownership: borrows the file's bytes.
 * Trust:   every number is checked against the file before use; tables are walked at most
 *          EXE_TABLE_MAX rows far. A part that is not in the file is "not found".
 * Sources: System V ABI "Object Files"; Microsoft "PE Format"; Apple's <mach-o/loader.h>, <fat.h>.
 */
#ifndef SCANNER_PACKAGE_LANGUAGE_EXE_IMAGE_H
#define SCANNER_PACKAGE_LANGUAGE_EXE_IMAGE_H

#include "package/language/lang_span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXE_TABLE_MAX = 4096, EXE_FAT_IMAGES_MAX = 16 };

enum exe_format { EXE_ELF, EXE_PE, EXE_MACHO };

struct exe_image {
    enum exe_format format;
    const uint8_t *bytes;
    size_t len;
    bool big_endian;
    bool wide; /* 64 bit */
};

/* Whether a file's first bytes are those of a program or shared library (not of an object file or
 * core dump) in one of the formats. */
bool exe_head_known(const uint8_t *head, size_t len);

/*
 * The images of a file: one, or those of a fat file, at most `max`. 0: the format is not known.
 */
size_t exe_images(const uint8_t *bytes, size_t len, struct exe_image *ret_images, size_t max);

/* A range of an image: in the file, and where it is in memory. */
struct exe_part {
    const uint8_t *bytes;
    size_t len;
    uint64_t address;
};

/* Without segment: ".text" is "__text" only if so asked. False: there is none, or not in the file.
 */
bool exe_section(const struct exe_image *image, const char *name, struct exe_part *ret_part);
bool exe_has_sections(const struct exe_image *image);
/* The first part that is loaded as initialised, writable, not executable data. */
bool exe_data(const struct exe_image *image, struct exe_part *ret_part);
/* `len` bytes at an address; NULL when they are not in the file. */
const uint8_t *exe_at(const struct exe_image *image, uint64_t address, uint64_t len);

/* An unsigned number of 1, 2, 4 or 8 bytes in the image's byte order. */
uint64_t exe_number(const struct exe_image *image, const uint8_t *at, unsigned size);

#endif
