/*
 * zip_layout: numbers of the zip format, for its writer and its reader. Source: PKWARE APPNOTE
 * 6.3.10, sections 4.3 to 4.5.
 */
#ifndef REPORT_ZIP_LAYOUT_H
#define REPORT_ZIP_LAYOUT_H

#define ZIP_LOCAL        0x04034b50U
#define ZIP_CENTRAL      0x02014b50U
#define ZIP_END          0x06054b50U
#define ZIP_WIDE_END     0x06064b50U
#define ZIP_WIDE_LOCATOR 0x07064b50U
#define ZIP_WIDE_32      0xffffffffU /* the number stands in the zip64 field */
#define ZIP_WIDE_16      0xffffU
#define ZIP_EXTRA_WIDE   0x0001U

enum {
    ZIP_STORED = 0,
    ZIP_DEFLATED = 8,
    ZIP_VERSION = 20,
    ZIP_VERSION_WIDE = 45,
    ZIP_LOCAL_BYTES = 30,
    ZIP_CENTRAL_BYTES = 46,
    ZIP_END_BYTES = 22,
    ZIP_WIDE_END_BYTES = 56,
    ZIP_WIDE_LOCATOR_BYTES = 20
};

#endif
