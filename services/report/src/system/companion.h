/*
 * companion: the keys of the system file that name other files. A relative name is meant from the
 * system file's folder; a close keeps copies of them (store/close_record.h).
 */
#ifndef REPORT_SYSTEM_COMPANION_H
#define REPORT_SYSTEM_COMPANION_H

enum system_companion {
    COMPANION_VER_STATEMENTS,
    COMPANION_TEMPLATE_POAM,
    COMPANION_TEMPLATE_DR,
    COMPANION_OTHER_ASSETS,
    SYSTEM_COMPANIONS
};

extern const char *const system_companion_keys[SYSTEM_COMPANIONS];

#endif
