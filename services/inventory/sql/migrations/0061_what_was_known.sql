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
