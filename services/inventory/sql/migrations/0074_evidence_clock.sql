-- Raw results that are still to be read for policies are found from where the last ones were, instead of among all that ever were.

CREATE INDEX evidence_loads_known_at ON evidence_loads (known_at, evidence_digest);

-- Up to here each raw result has been read, or is in evidence_waiting. What commits later is known later: see ledger_tick(). Without its
-- row all are looked at again.
CREATE TABLE evidence_clock (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    known_at timestamptz NOT NULL,
    evidence_digest text COLLATE "C" NOT NULL
);

-- Could not be read, and is to be tried again.
CREATE TABLE evidence_waiting (
    evidence_digest text COLLATE "C" PRIMARY KEY,
    tries integer NOT NULL,
    again_at timestamptz NOT NULL
);
CREATE INDEX evidence_waiting_again_at ON evidence_waiting (again_at);

-- The next ones behind the clock. Nothing while tables are rebuilt: what is missing then comes again with the time it had. Subqueries that
-- give a value are asked row by row, by key.
CREATE VIEW evidence_next AS
SELECT l.known_at, l.evidence_digest,
       (SELECT true FROM evidence_layers j WHERE j.evidence_digest = l.evidence_digest) IS NULL AND
       (SELECT true FROM evidence_waiting w WHERE w.evidence_digest = l.evidence_digest) IS NULL AS is_due
  FROM (SELECT max(c.known_at) AS known_at, max(c.evidence_digest) AS evidence_digest FROM evidence_clock c
        HAVING NOT EXISTS (SELECT FROM ledger_rebuild)) c
 CROSS JOIN LATERAL (SELECT e.known_at, e.evidence_digest FROM evidence_loads e
                      WHERE (e.known_at, e.evidence_digest) > (c.known_at, c.evidence_digest)
                      ORDER BY e.known_at, e.evidence_digest LIMIT 500) l;

-- How much is behind the clock the planner cannot know; it is little. So for both functions: by index.

-- Moves the clock to the last one before the first that is due; whether it moved.
CREATE FUNCTION evidence_advance() RETURNS boolean LANGUAGE plpgsql
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    INSERT INTO evidence_clock (known_at, evidence_digest) VALUES ('-infinity', '') ON CONFLICT DO NOTHING;
    UPDATE evidence_clock
       SET known_at = l.known_at, evidence_digest = l.evidence_digest
      FROM (SELECT n.known_at, n.evidence_digest,
                   count(*) FILTER (WHERE n.is_due) OVER (ORDER BY n.known_at, n.evidence_digest) AS due
              FROM evidence_next n
             ORDER BY due, n.known_at DESC, n.evidence_digest DESC LIMIT 1) l
     WHERE l.due = 0;
    RETURN FOUND;
END
$$;

-- New ones, and as many that wait no longer: these do not take the place of those.
CREATE FUNCTION evidence_due(p_most integer) RETURNS TABLE (evidence_digest text, is_again boolean) LANGUAGE plpgsql STABLE
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    (SELECT n.evidence_digest, false FROM evidence_next n WHERE n.is_due ORDER BY n.known_at, n.evidence_digest LIMIT p_most)
     UNION ALL
    (SELECT w.evidence_digest, true FROM evidence_waiting w
      WHERE w.again_at <= now() AND NOT EXISTS (SELECT FROM ledger_rebuild) ORDER BY w.again_at LIMIT p_most);
END
$$;
