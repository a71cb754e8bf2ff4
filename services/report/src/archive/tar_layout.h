/* tar_layout: where the fields of a ustar header stand, for writer and reader. Source:
 * POSIX.1-2017, pax, "ustar Interchange Format". */
#ifndef REPORT_TAR_LAYOUT_H
#define REPORT_TAR_LAYOUT_H

enum {
    TAR_BLOCK = 512,
    TAR_NAME = 0,
    TAR_NAME_BYTES = 100,
    TAR_MODE = 100,
    TAR_UID = 108,
    TAR_GID = 116,
    TAR_SIZE = 124,
    TAR_SIZE_BYTES = 12,
    TAR_TIME = 136,
    TAR_CHECKSUM = 148,
    TAR_CHECKSUM_BYTES = 8,
    TAR_TYPE = 156,
    TAR_MAGIC = 257,
    TAR_PREFIX = 345,
    TAR_PREFIX_BYTES = 155
};
#define TAR_SIZE_MAX UINT64_C(077777777777)

#endif
