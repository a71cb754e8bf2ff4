#include "store/trust.h"

#include "base/text.h"

#include <stddef.h>
#include <string.h>

static const enum inventory_statement trusted[] = {
        WRITE_LEDGER_IDS,    WRITE_ASSETS,    WRITE_ASSET_DIGESTS,   WRITE_DIGEST_FACTS,
        WRITE_POD_FACTS,     WRITE_INSTANCES, WRITE_RUN_FACTS,       WRITE_EVIDENCE_LOADS,
        WRITE_FINDING_KINDS, WRITE_FINDINGS,  WRITE_RUN_IMAGE_FACTS,
};
enum { TRUSTED = sizeof(trusted) / sizeof(trusted[0]) };

bool trust_in(const struct trust *trust, enum inventory_statement table)
{
    for (size_t i = 0; trust && i < TRUSTED; i++)
        if (trusted[i] == table)
            return trust->tables[table].batches == 0;
    return false;
}

/* Partitions are named after their table: ledger_ids_3. */
static bool is_of(const char *relation, const char *table)
{
    size_t len = strlen(table);

    return strncmp(relation, table, len) == 0 && (relation[len] == '\0' || relation[len] == '_');
}

bool trust_broken(struct trust *trust, const char *relation)
{
    bool was = false;

    for (size_t i = 0; i < TRUSTED; i++) {
        enum inventory_statement table = trusted[i];
        unsigned patience = trust->tables[table].patience;

        if (!is_of(relation, inventory_copied[table].table) || !trust_in(trust, table))
            continue;
        was = true;
        if (patience == 0)
            patience = TRUST_PATIENCE_MIN;
        trust->tables[table].batches = patience;
        trust->tables[table].patience =
                patience < TRUST_PATIENCE_MAX ? 2 * patience : TRUST_PATIENCE_MAX;
        trust->tables[table].good = 0;
    }
    return was;
}

void trust_kept(struct trust *trust)
{
    for (size_t i = 0; i < TRUSTED; i++) {
        enum inventory_statement table = trusted[i];

        if (trust->tables[table].batches > 0)
            trust->tables[table].batches--;
        else if (++trust->tables[table].good >= TRUST_PATIENCE_MAX)
            trust->tables[table].patience = trust->tables[table].good = 0;
    }
}
