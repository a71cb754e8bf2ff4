-- What stays of the gates' chains when a month of decisions goes: of each row of numbers without a gap where it began and ended. So the
-- decision after the month is checked against the last hash of the month, and a copy of the month, kept elsewhere, against both.

CREATE TABLE retention_chains (
    name text COLLATE "C" NOT NULL, -- the month, as in retention_drops
    instance text COLLATE "C" NOT NULL,
    from_sequence bigint NOT NULL,
    to_sequence bigint NOT NULL,
    first_chain text COLLATE "C" NOT NULL,
    last_chain text COLLATE "C" NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (instance, from_sequence), -- a number is taken once, so it goes once
    CONSTRAINT retention_chains_ordered CHECK (from_sequence <= to_sequence),
    CONSTRAINT retention_chains_apart EXCLUDE USING gist (instance WITH =, int8range(from_sequence, to_sequence, '[]') WITH &&)
);

-- Rows of numbers without a gap, of decisions in that table or partition.
CREATE FUNCTION gate_chains_in(p_table regclass)
RETURNS TABLE (instance text, from_sequence bigint, to_sequence bigint, first_chain text, last_chain text, first_at timestamptz,
               last_at timestamptz)
LANGUAGE plpgsql STABLE SET jit = off AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT r.instance, min(r.sequence), max(r.sequence), (array_agg(r.chain ORDER BY r.sequence))[1],
                (array_agg(r.chain ORDER BY r.sequence DESC))[1], min(r.decided_at), max(r.decided_at)
           FROM (SELECT d.instance, d.sequence, d.chain, d.decided_at,
                        d.sequence - row_number() OVER (PARTITION BY d.instance ORDER BY d.sequence) AS place
                   FROM %s d) r
          GROUP BY r.instance, r.place', p_table);
END
$$;

-- Every number that a gate has given, in order: its decisions are kept, went with a month, or are missing. `follows`: it is the next
-- number after the piece before, so that its first decision continues the last chain of that piece.
CREATE FUNCTION gate_chain(p_instance text)
RETURNS TABLE (from_sequence bigint, to_sequence bigint, decisions bigint, state text, month text, first_chain text, last_chain text,
               follows boolean)
LANGUAGE sql STABLE AS $$
    WITH pieces AS (
        SELECT c.from_sequence, c.to_sequence, 'kept' AS state, NULL AS month, c.first_chain, c.last_chain
          FROM gate_chains_in('gate_decisions') c WHERE c.instance = p_instance
         UNION ALL
        SELECT c.from_sequence, c.to_sequence, 'dropped', c.name, c.first_chain, c.last_chain
          FROM retention_chains c WHERE c.instance = p_instance
         UNION ALL
        SELECT g.from_sequence, g.to_sequence, 'missing', NULL, NULL, NULL
          FROM gate_gaps g WHERE g.instance = p_instance
    )
    SELECT p.from_sequence, p.to_sequence, p.to_sequence - p.from_sequence + 1, p.state, p.month, p.first_chain, p.last_chain,
           COALESCE(p.from_sequence = lag(p.to_sequence) OVER w + 1, p.from_sequence = 1)
      FROM pieces p
    WINDOW w AS (ORDER BY p.from_sequence)
     ORDER BY p.from_sequence
$$;

-- As 0040 has it, with the chains.
CREATE OR REPLACE FUNCTION month_drop(p_name text) RETURNS void
LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
DECLARE
    m record;
BEGIN
    SELECT t.parent, o.* INTO m FROM month_tables() t, LATERAL months_of(t.parent) o WHERE o.name = p_name;
    IF m IS NULL THEN
        RAISE EXCEPTION '% is no month of a log', p_name USING ERRCODE = 'undefined_table';
    END IF;
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', p_name);
    EXECUTE format('INSERT INTO retention_drops (name, parent, time_from, time_to, rows, bytes) '
                   'SELECT %L, %L, %L, %L, count(*), %s FROM %I',
                   m.name, m.parent, m.time_from, m.time_to, pg_total_relation_size(p_name::regclass), p_name);
    IF m.parent = 'gate_decisions' THEN
        INSERT INTO retention_chains (name, instance, from_sequence, to_sequence, first_chain, last_chain, first_at, last_at)
        SELECT m.name, c.* FROM gate_chains_in(p_name::regclass) c;
    END IF;
    PERFORM muster_lock_tables(format('ONLY %I', m.parent), 5);
    EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', m.parent, p_name);
    EXECUTE format('DROP TABLE %I', p_name);
END
$$;

DO $$
DECLARE
    body text := pg_get_functiondef('muster_grant_roles'::regproc);
BEGIN
    IF position('ledger_dropped, retention_drops,' IN body) = 0 THEN
        RAISE EXCEPTION 'muster_grant_roles does not tell of retention_drops';
    END IF;
    EXECUTE replace(body, 'ledger_dropped, retention_drops,', 'ledger_dropped, retention_drops, retention_chains,');
    PERFORM muster_grant_roles();
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'roles of muster are missing: see 0014_roles.sql';
END
$$;
