-- The ledger: what was received, what became of it, what must still be sent.
--
-- Rules of all fact tables (this file and the following ones):
--   * A fact is inserted once and never changed; deletes are facts too. State is read
--     through views and functions, so the order in which facts arrive cannot matter.
--   * known_at is the value of ledger_clock in the transaction that wrote the row. The clock's
--     row lock makes commits happen in its order: once a snapshot shows clock K, no row
--     with known_at <= K can appear any more. "As known at K" is therefore final.
--   * Functions `x_known(p_known)` give x as known then; view `x` is x_known('infinity').
--   * event_id in a fact table is the event that first taught it. With known_at it is the only
--     thing that depends on arrival order, and no canonical dump has either,
--     except where event_id is the primary key.

CREATE TABLE ledger_clock (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    known_at timestamptz NOT NULL
);
INSERT INTO ledger_clock (known_at) VALUES ('1970-01-01T00:00:00Z');

-- Strictly increasing; holds the clock's row until the transaction ends.
CREATE FUNCTION ledger_tick() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    UPDATE ledger_clock
       SET known_at = GREATEST(clock_timestamp(), known_at + interval '1 microsecond')
    RETURNING known_at
$$;

-- One row per event ever received. event_id is the stable id of (ce_source, ce_id), so its
-- key is the uniqueness of the pair.
CREATE TABLE ledger (
    event_id uuid PRIMARY KEY,
    ce_source text COLLATE "C" NOT NULL,
    ce_id text COLLATE "C" NOT NULL,
    ce_type text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('applied', 'quarantined')),
    reason_code text COLLATE "C",
    reason text COLLATE "C",
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    traceparent text COLLATE "C",
    CHECK ((state = 'quarantined') = (reason IS NOT NULL))
);
CREATE INDEX ledger_ce_id ON ledger (ce_id);
CREATE INDEX ledger_known_at ON ledger (known_at);
CREATE INDEX ledger_quarantined ON ledger (known_at) WHERE state = 'quarantined';

-- Where reading goes on, and the proof: sum(received) = ledger rows + sum(duplicates).
CREATE TABLE positions (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    received bigint NOT NULL,
    duplicates bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
);

-- Messages committed with their cause; a row goes when the broker has acknowledged it.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    ce_id text COLLATE "C" NOT NULL,
    ce_type text COLLATE "C" NOT NULL,
    ce_source text COLLATE "C" NOT NULL,
    ce_time timestamptz NOT NULL,
    traceparent text COLLATE "C",
    payload text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
