#include "system/companion.h"

const char *const system_companion_keys[SYSTEM_COMPANIONS] = {
        [COMPANION_VER_STATEMENTS] = "ver_statements",
        [COMPANION_TEMPLATE_POAM] = "template_poam",
        [COMPANION_TEMPLATE_DR] = "template_dr",
        [COMPANION_OTHER_ASSETS] = "other_assets",
};
