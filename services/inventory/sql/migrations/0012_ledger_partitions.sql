-- The ledger by months, with what was received (see 0010). Four tables:
--   ledger_ids      one slim row per event id ever received: the uniqueness that holds across months, and
--                   where the row is. Hash partitions keep each index small enough to be rebuilt alone.
--   ledger          the rows, by month of known_at. They arrive in the order of their key, so a new row costs
--                   the same whatever is there, and a month goes as one table.
--   ledger_payloads what a transaction received, one row each: all that a rebuild needs.
--   ledger_transactions one slim row per transaction, for ever: what report_v1.horizon asks.

LOCK TABLE ledger IN SHARE MODE;

CREATE TABLE ledger_ids (
    event_id uuid PRIMARY KEY,
    known_at timestamptz NOT NULL -- of the row in ledger
) PARTITION BY HASH (event_id);

DO $$
BEGIN
    FOR i IN 0..7 LOOP
        EXECUTE format('CREATE TABLE ledger_ids_%s PARTITION OF ledger_ids '
                       'FOR VALUES WITH (MODULUS 8, REMAINDER %s)', i, i);
    END LOOP;
END
$$;
INSERT INTO ledger_ids (event_id, known_at) SELECT event_id, known_at FROM ledger;

CREATE TABLE ledger_transactions (
    known_at timestamptz PRIMARY KEY,
    occurred_to timestamptz NOT NULL -- of its events
);
INSERT INTO ledger_transactions (known_at, occurred_to)
SELECT known_at, max(occurred_at) FROM ledger GROUP BY known_at;

-- Where reading goes on, whose it is, and the proof: received = applied + quarantined + duplicates.
-- epoch counts the claims: who commits with an older one has lost the partition (apply/batch.h).
ALTER TABLE positions
    ADD COLUMN applied bigint NOT NULL DEFAULT 0,
    ADD COLUMN quarantined bigint NOT NULL DEFAULT 0,
    ADD COLUMN epoch bigint NOT NULL DEFAULT 0,
    ADD COLUMN owner text COLLATE "C";
UPDATE positions p
   SET applied = l.applied, quarantined = l.quarantined
  FROM (SELECT topic, partition, count(*) FILTER (WHERE state = 'applied') AS applied,
               count(*) FILTER (WHERE state = 'quarantined') AS quarantined
          FROM ledger GROUP BY topic, partition) l
 WHERE p.topic = l.topic AND p.partition = l.partition;

ALTER TABLE ledger RENAME TO ledger_before;
ALTER INDEX ledger_pkey RENAME TO ledger_before_pkey;
ALTER INDEX ledger_known_at RENAME TO ledger_before_known_at;
ALTER INDEX ledger_quarantined RENAME TO ledger_before_quarantined;
DROP INDEX ledger_ce_id;

CREATE TABLE ledger (
    event_id uuid NOT NULL,
    ce_source text COLLATE "C" NOT NULL,
    ce_id text COLLATE "C" NOT NULL,
    ce_type text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CONSTRAINT ledger_state_check CHECK (state IN ('applied', 'quarantined')),
    reason_code text COLLATE "C",
    reason text COLLATE "C",
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    traceparent text COLLATE "C",
    CONSTRAINT ledger_check CHECK ((state = 'quarantined') = (reason IS NOT NULL))
) PARTITION BY RANGE (known_at);
CREATE INDEX ledger_quarantined ON ledger (known_at) WHERE state = 'quarantined';

CREATE TABLE ledger_payloads (
    known_at timestamptz NOT NULL, -- of the transaction
    events integer NOT NULL,
    payload bytea NOT NULL         -- apply/payload_block.h
) PARTITION BY RANGE (known_at);
DO $$
BEGIN
    ALTER TABLE ledger_payloads ALTER COLUMN payload SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE 'this PostgreSQL has no lz4: payloads are compressed with pglz';
END
$$;

-- A month that is not made ahead of time costs nothing but order: its rows lie here.
CREATE TABLE ledger_default PARTITION OF ledger DEFAULT;
ALTER TABLE ledger_default ADD PRIMARY KEY (known_at, event_id);
CREATE TABLE ledger_payloads_default PARTITION OF ledger_payloads DEFAULT;
ALTER TABLE ledger_payloads_default ADD PRIMARY KEY (known_at);

DO $$
DECLARE
    bound text := (SELECT substring(pg_get_constraintdef(oid) FROM '''(.*)''::')
                     FROM pg_constraint WHERE conname = 'ledger_bound');
BEGIN
    IF bound IS NULL THEN
        DROP TABLE ledger_before;
    ELSE
        EXECUTE format('ALTER TABLE ledger ATTACH PARTITION ledger_before '
                       'FOR VALUES FROM (MINVALUE) TO (%L)', bound);
    END IF;
END
$$;

-- Months of known time that are no partitions yet, from now (or where the old table ends) up to p_until.
-- A new table is made apart and attached: who reads and writes waits for an instant only. One
-- maker at a time; gives how many were made.
CREATE FUNCTION ledger_make_partitions(p_until timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET TimeZone = 'UTC'
SET lock_timeout = '5s' AS $$
DECLARE
    parent text;
    keys text;
    month timestamptz;
    name text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(x'6d75737465727061'::bigint);
    FOR parent, keys IN VALUES ('ledger', 'known_at, event_id'), ('ledger_payloads', 'known_at') LOOP
        FOR month IN SELECT generate_series(date_trunc('month', clock_timestamp()), p_until,
                                            interval '1 month') LOOP
            name := parent || to_char(month, '"_"YYYY"_"MM');
            CONTINUE WHEN to_regclass(name) IS NOT NULL;
            CONTINUE WHEN parent = 'ledger' AND month < COALESCE(
                (SELECT substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''(.*)''\)')::timestamptz
                   FROM pg_class c WHERE c.oid = to_regclass('ledger_before')), '-infinity');
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS '
                           'INCLUDING COMPRESSION, PRIMARY KEY (%s), '
                           'CHECK (known_at >= %L AND known_at < %L))',
                           name, parent, keys, month, month + interval '1 month');
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                           parent, name, month, month + interval '1 month');
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
REVOKE ALL ON FUNCTION ledger_make_partitions(timestamptz) FROM PUBLIC;
SELECT ledger_make_partitions(now() + interval '3 months');

-- Asked of every month, for ever: so it does not read the ledger itself.
CREATE OR REPLACE FUNCTION report_v1.horizon(known_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT GREATEST(max(t.known_at), max(t.occurred_to))
      FROM ledger_transactions t WHERE t.known_at <= horizon.known_at
$$;

-- What retention took away, so that the equation still holds.
CREATE TABLE ledger_dropped (
    name text COLLATE "C" PRIMARY KEY,
    known_to timestamptz NOT NULL,
    applied bigint NOT NULL,
    quarantined bigint NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT now()
);

-- A rebuild under way; a row stands here until it is done. Nothing may be learned meanwhile.
CREATE TABLE ledger_rebuild (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    started_at timestamptz NOT NULL DEFAULT now(),
    known_from timestamptz NOT NULL, -- what was known before stays: its payloads are gone
    known_to timestamptz NOT NULL,   -- the clock when it began
    done_to timestamptz NOT NULL,
    events bigint NOT NULL DEFAULT 0
);

-- As before; and nobody learns while the tables are rebuilt. Who falls asleep with the clock in its hands
-- (a stopped process, a lost network) loses it soon: all others wait for it.
CREATE OR REPLACE FUNCTION ledger_tick() RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    now_known timestamptz;
BEGIN
    PERFORM set_config('idle_in_transaction_session_timeout', '20s', true);
    UPDATE ledger_clock
       SET known_at = GREATEST(clock_timestamp(), known_at + interval '1 microsecond')
    RETURNING known_at INTO now_known;
    IF EXISTS (SELECT FROM ledger_rebuild) THEN
        RAISE EXCEPTION 'the tables are being rebuilt: wait, or go on with muster-inventory rebuild'
            USING ERRCODE = 'cannot_connect_now';
    END IF;
    RETURN now_known;
END
$$;

-- received = applied + quarantined + duplicates: as it was counted with each batch, and as the rows
-- say. `unexplained` is zero, else something is lost or doubled.
CREATE FUNCTION ledger_balance()
RETURNS TABLE (received bigint, applied bigint, quarantined bigint, duplicates bigint,
               unexplained bigint)
LANGUAGE sql STABLE AS $$
    SELECT p.received, p.applied, p.quarantined, p.duplicates,
           p.received - p.applied - p.quarantined - p.duplicates
      FROM (SELECT COALESCE(sum(s.received), 0)::bigint AS received,
                   COALESCE(sum(s.applied), 0)::bigint AS applied,
                   COALESCE(sum(s.quarantined), 0)::bigint AS quarantined,
                   COALESCE(sum(s.duplicates), 0)::bigint AS duplicates
              FROM positions s) p
$$;

CREATE FUNCTION ledger_count()
RETURNS TABLE (applied bigint, quarantined bigint, dropped bigint, ids bigint)
LANGUAGE sql STABLE AS $$
    SELECT l.applied + d.applied, l.quarantined + d.quarantined, d.applied + d.quarantined,
           (SELECT count(*) FROM ledger_ids)
      FROM (SELECT count(*) FILTER (WHERE state = 'applied') AS applied,
                   count(*) FILTER (WHERE state = 'quarantined') AS quarantined FROM ledger) l,
           (SELECT COALESCE(sum(o.applied), 0)::bigint AS applied,
                   COALESCE(sum(o.quarantined), 0)::bigint AS quarantined FROM ledger_dropped o) d
$$;
