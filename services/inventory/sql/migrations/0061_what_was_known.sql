-- Answers that later knowledge, or a wrong date, changed.

-- As 0012 has it, but by the clock of the ledger: nothing that is known by then is learned later, whoever told it. What a source says of its own
-- time does not count, for it may say anything.
CREATE OR REPLACE FUNCTION report_v1.horizon(known_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT LEAST(horizon.known_at, c.known_at)
      FROM ledger_clock c
     WHERE EXISTS (SELECT FROM ledger_transactions t WHERE t.known_at <= horizon.known_at)
$$;

-- As 0027 has it, but what NVD has not rated has the severity that scans had told of it by then.
CREATE OR REPLACE FUNCTION report_v1.closed_findings(as_of timestamptz, known_at timestamptz)
RETURNS TABLE (item text, uai text, repository text, vulnerability text, episode integer,
               detected_at timestamptz, first_detected_at timestamptz,
               item_detected_at timestamptz, closed_at timestamptz, closed_by text,
               item_closed_at timestamptz, severity text, cvss text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH closed AS MATERIALIZED (
        SELECT i.* FROM finding_items_known(closed_findings.as_of, closed_findings.known_at) i
         WHERE i.closed_at IS NOT NULL
    ), rated AS MATERIALIZED (
        SELECT v.vulnerability, COALESCE(t.cvss3, t.cvss2)::text AS cvss,
               COALESCE(cvss3_severity(t.cvss3), cvss2_severity(t.cvss2),
                        (SELECT k.severity FROM finding_kinds k
                          WHERE k.vulnerability_id = v.vulnerability
                            AND EXISTS (SELECT FROM evidence_findings e
                                          JOIN scans s ON s.evidence_digest = e.evidence_digest
                                         WHERE e.finding_ids @> ARRAY[k.finding_id] AND s.outcome = 'complete'
                                           AND s.finished_at <= closed_findings.as_of
                                           AND s.known_at <= closed_findings.known_at)
                          ORDER BY severity_rank(k.severity) DESC NULLS LAST LIMIT 1),
                        'unknown') AS severity
          FROM (SELECT DISTINCT c.vulnerability FROM closed c) v,
               LATERAL vulnerability_state(v.vulnerability, closed_findings.as_of,
                                           closed_findings.known_at) t
    )
    SELECT c.item, c.uai, c.repository, c.vulnerability, c.episode, c.opened_at,
           c.first_detected_at, c.item_detected_at, c.closed_at, c.closed_by, c.item_closed_at,
           r.severity, r.cvss
      FROM closed c
      JOIN rated r ON r.vulnerability = c.vulnerability
     ORDER BY c.item COLLATE "C", c.uai COLLATE "C", c.episode
$$;

-- What made an instant of a run as runs_known() has it: the first word that was known of it. What was said to end before it started, clocks
-- disagree, ends as it starts.
CREATE FUNCTION run_instant_cause(p_instance uuid, p_run_key text, p_is_end boolean, p_at timestamptz, p_known timestamptz)
RETURNS TABLE (known_at timestamptz, event_id uuid)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT c.known_at, c.event_id
      FROM (SELECT f.known_at, f.event_id, f.finished_at AS at
              FROM run_facts f
             WHERE p_is_end AND f.instance_id = p_instance AND f.run_key = p_run_key
             UNION ALL
            SELECT f.known_at, f.event_id, p_at
              FROM run_facts f
             WHERE f.instance_id = p_instance AND COALESCE(f.started_at, f.seen_at) = p_at
               AND p_is_end = (f.run_key <> p_run_key)
             UNION ALL
            SELECT r.known_at, r.event_id, r.removed_at
              FROM instances i
              JOIN pod_removals r ON r.cluster = i.cluster AND r.pod_uid = i.pod_uid
             WHERE p_is_end AND i.instance_id = p_instance) c
     WHERE c.at <= p_at AND c.known_at <= p_known
     ORDER BY c.at = p_at DESC, c.at, c.known_at, c.event_id
     LIMIT 1
$$;

-- Each instant of a run has the word that made it, not the first of its container.
DO $$
DECLARE
    was text := pg_get_functiondef('list_history(timestamptz, timestamptz, text)'::regprocedure);
    body text := replace(was, 'i.known_at, i.event_id
          FROM runs_known(p_known) r', 'w.known_at, w.event_id
          FROM runs_known(p_known) r');
BEGIN
    body := replace(body, 'AS e (at, kind)
', 'AS e (at, kind)
         CROSS JOIN LATERAL run_instant_cause(r.instance_id, r.run_key, e.kind = ''run_ended'', e.at, p_known) w
');
    IF body !~ 'w\.known_at, w\.event_id' OR body !~ 'run_instant_cause' THEN
        RAISE EXCEPTION 'list_history is otherwise than expected';
    END IF;
    EXECUTE body;
END
$$;
