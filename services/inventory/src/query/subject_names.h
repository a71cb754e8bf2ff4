/* subject_names: how what a question is about is written, for who asked of what nothing is known.
 */
#ifndef INVENTORY_SUBJECT_NAMES_H
#define INVENTORY_SUBJECT_NAMES_H

#define ASSET_NAMES   "write an asset as 'muster-inventory assets' lists it"
#define SUBJECT_NAMES ASSET_NAMES ", or give a digest, a pod's name or uid"

#endif
