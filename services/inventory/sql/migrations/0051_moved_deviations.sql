-- Deviations follow a repository that goes on under another name: what was stated of the old name before it moved counts for the new
-- one too, from the move on, and says so. What was stated of the old name later is of what is left there.

-- What each repository goes on as at an instant, over several moves too, and when it left its own name.
CREATE FUNCTION repositories_after(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (repository text, goes_on_as text, left_at timestamptz)
LANGUAGE sql STABLE ROWS 10 AS $$
    WITH RECURSIVE moves AS MATERIALIZED (
        SELECT m.repository, m.moved_to, m.at FROM moves_known(p_known) m WHERE m.at <= p_valid
    ), after (repository, goes_on_as, left_at, depth) AS (
        SELECT m.repository, m.moved_to, m.at, 1 FROM moves m
         UNION
        SELECT a.repository, m.moved_to, a.left_at, a.depth + 1
          FROM after a JOIN moves m ON m.repository = a.goes_on_as
         WHERE a.depth < 8 AND m.moved_to <> a.repository
    )
    SELECT a.repository, a.goes_on_as, a.left_at FROM after a
$$;

-- Deviations with each scope that they count for; stated_of: what a person wrote instead, when a move brought it here.
CREATE FUNCTION deviations_applying(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (deviation text, state text, kind text, vulnerability text, asset text, package text,
               adjusted_severity text, rationale text, evidence text, requested_by text,
               requested_at timestamptz, decided_by text, decided_role text,
               decided_at timestamptz, decision_evidence text, expires_at timestamptz,
               checked_in_at timestamptz, released_at timestamptz, stated_of text)
LANGUAGE sql STABLE AS $$
    SELECT d.*, NULL::text FROM deviations_known(p_valid, p_known) d
     UNION ALL
    SELECT d.deviation, d.state, d.kind, d.vulnerability, a.goes_on_as || substr(d.asset, length(a.repository) + 1), d.package,
           d.adjusted_severity, d.rationale, d.evidence, d.requested_by, d.requested_at, d.decided_by, d.decided_role,
           d.decided_at, d.decision_evidence, d.expires_at, d.checked_in_at, d.released_at, d.asset
      FROM repositories_after(p_valid, p_known) a
      JOIN deviations_known(p_valid, p_known) d
        ON regexp_replace(d.asset, '(:[^/@:]+|@.*)$', '') COLLATE "C" = a.repository
     WHERE d.requested_at <= a.left_at
$$;

-- Whoever asks which deviations count asks for these.
DO $$
DECLARE
    reader record;
    readers integer := 0;
BEGIN
    FOR reader IN
        SELECT p.proname, pg_get_functiondef(p.oid) AS body FROM pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace
           AND p.proname IN ('finding_clocks_known', 'clock_events_known', 'policy_facts') LOOP
        IF position('deviations_known(' IN reader.body) = 0 THEN
            RAISE EXCEPTION '% reads no deviations', reader.proname;
        END IF;
        EXECUTE replace(replace(replace(reader.body, 'deviations_known(', 'deviations_applying('),
                                'd.vulnerability || '' by '' || f.by,', 'd.vulnerability || '' by '' || f.by || COALESCE('', stated of '' || d.stated_of, ''''),'),
                        '''expired'', d.kind || '' of '' || d.vulnerability, NULL',
                        '''expired'', d.kind || '' of '' || d.vulnerability || COALESCE('', stated of '' || d.stated_of, ''''), NULL');
        readers := readers + 1;
    END LOOP;
    IF readers <> 3 OR (SELECT count(*) FROM regexp_matches(
            (SELECT p.prosrc FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname = 'clock_events_known'),
            'stated of', 'g')) <> 2 THEN
        RAISE EXCEPTION 'deviations are read otherwise than expected';
    END IF;
END
$$;
