-- The ledger becomes partitioned by known_at, in three steps (0010 to 0012), so that a full one is neither
-- copied nor read under a lock that stops anybody who reads:
--   0010 says where the old table ends (an instant), 0011 proves it (one scan, nobody waits),
--   0012 writes the ids into a table of their own (one scan; writers wait, readers do not) and makes
--   the old table the first partition (an instant).

DO $$
BEGIN
    IF EXISTS (SELECT FROM ledger) THEN
        EXECUTE format('ALTER TABLE ledger ADD CONSTRAINT ledger_bound CHECK (known_at < %L) NOT VALID',
                       date_trunc('month', now(), 'UTC') + interval '2 months');
    END IF;
END
$$;
