/*
 * rematch: distinct package versions against a database, apart from any image.
 *
 * A fleet shares few package versions: findings hang on them, and images reach them by join. With a
 * change set only packages that it names are judged again; for all others what was found before
 * still holds.
 *
 * Threads: one at a time per object; the rules and the set may be shared.
 */
#ifndef SCANNER_MATCH_REMATCH_H
#define SCANNER_MATCH_REMATCH_H

#include "match/change_set.h"
#include "match/match.h"

struct rematch;

/* `changes` NULL: every package is judged. Both are borrowed. */
struct rematch *rematch_new(const struct match_rules *rules, const struct change_set *changes);
void rematch_free(struct rematch *rematch); /* NULL is fine */
MU_DEFINE_AUTO(rematch, struct rematch, rematch_free)

/*
 * One package of that distribution. `ret_result` is written when it was judged, and lives until
 * the next call. Returns MU_END when what was found before still holds. Errors: MU_E_NOMEM.
 */
enum mu_status rematch_package(struct rematch *rematch, const struct image_os *os,
                               const struct image_package *package, struct match_result *ret_result,
                               struct mu_error *err) MU_MUST_CHECK;

#endif
