/*
 * pe_version: what a PE file says of itself: whether it is a .NET assembly, and the texts of its
 * version resource.
 *
 * Threads: none held. Ownership: texts are copied into the result.
 * Trust:   hostile. Every offset is checked against the file; the resource's directories are three
 *          deep and walked at most EXE_TABLE_MAX rows far, its texts within their blocks.
 * Sources: Microsoft "PE Format" (optional header's data directories, the .rsrc section);
 *          "VS_VERSIONINFO structure", "StringFileInfo", "StringTable", "String".
 */
#ifndef SCANNER_PACKAGE_LANGUAGE_PE_VERSION_H
#define SCANNER_PACKAGE_LANGUAGE_PE_VERSION_H

#include "package/language/exe_image.h"

enum { PE_TEXT_MAX_BYTES = 256 };

/* Each "" when the file does not say it. ASCII: other characters are '?'. */
struct pe_version {
    bool is_assembly; /* has a CLR header */
    char original_filename[PE_TEXT_MAX_BYTES];
    char internal_name[PE_TEXT_MAX_BYTES];
    char product_version[PE_TEXT_MAX_BYTES];
    char file_version[PE_TEXT_MAX_BYTES];
};

/* False: no PE file. What cannot be read is as if it were not there. */
bool pe_version_read(const struct exe_image *image, struct pe_version *ret_version);

#endif
