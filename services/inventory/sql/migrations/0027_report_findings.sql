-- What the monthly deliverables say of vulnerabilities (schemas/report-views.v1.md).

-- When a vulnerability was open on any asset, as items of the POA&M: an item ends when no asset has the
-- vulnerability any more; one that comes back later is another item.
CREATE FUNCTION finding_items_known(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (item text, repository text, uai text, vulnerability text, episode integer,
               opened_at timestamptz, closed_at timestamptz, closed_by text,
               first_detected_at timestamptz, item_detected_at timestamptz,
               item_closed_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH history AS MATERIALIZED (
        SELECT h.repository, h.uai, h.vulnerability, h.episode, h.opened_at,
               CASE WHEN h.closed_at <= p_valid THEN h.closed_at END AS closed_at, h.closed_by,
               h.first_detected_at
          FROM repositories r, LATERAL finding_history_known(r.repository, p_known) h
         WHERE h.opened_at <= p_valid
    ), ordered AS (
        SELECT h.*, max(COALESCE(h.closed_at, 'infinity'))
                        OVER (PARTITION BY h.vulnerability ORDER BY h.opened_at, h.uai, h.episode
                              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS until
          FROM history h
    ), numbered AS (
        SELECT o.*, count(*) FILTER (WHERE o.until IS NULL OR o.until < o.opened_at)
                        OVER (PARTITION BY o.vulnerability ORDER BY o.opened_at, o.uai, o.episode) AS number
          FROM ordered o
    )
    SELECT 'V-' || n.vulnerability || CASE WHEN n.number > 1 THEN '.' || n.number ELSE '' END,
           n.repository, n.uai, n.vulnerability, n.episode, n.opened_at, n.closed_at,
           CASE WHEN n.closed_at IS NOT NULL THEN n.closed_by END, n.first_detected_at,
           min(n.first_detected_at) OVER item,
           CASE WHEN bool_and(n.closed_at IS NOT NULL) OVER item THEN max(n.closed_at) OVER item END
      FROM numbered n
    WINDOW item AS (PARTITION BY n.vulnerability, n.number)
$$;

CREATE FUNCTION yes_no(p_value boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_value THEN 'yes' WHEN NOT p_value THEN 'no' END
$$;

CREATE FUNCTION report_v1.findings(as_of timestamptz, known_at timestamptz)
RETURNS TABLE (item text, uai text, repository text, vulnerability text, reported_as text,
               packages text, fixed_versions text, severity text, effective_severity text,
               severity_source text, cvss text, scanner_name text, kev_added text, kev_due text,
               epss text, exploitation text, public text, automatable text,
               technical_impact text, detected_at timestamptz, first_detected_at timestamptz,
               item_detected_at timestamptz, episode integer, instances bigint, deviations text,
               pending text, rev5_due_at timestamptz, kev_due_at timestamptz,
               bod_due_at timestamptz, forensic boolean, due_at timestamptz, due_by text,
               status text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH clocks AS MATERIALIZED (
        SELECT * FROM finding_clocks_known(NULL, findings.as_of, findings.known_at, 'rev5', interval '30 days')
    ), items AS MATERIALIZED (
        SELECT i.* FROM finding_items_known(findings.as_of, findings.known_at) i WHERE i.closed_at IS NULL
    ), scanners AS MATERIALIZED (
        SELECT i.uai, min(s.scanner_name COLLATE "C") AS scanner_name
          FROM coverage_images(findings.as_of, findings.known_at) i
          JOIN scans s ON s.scan_id = i.scan_id
         GROUP BY i.uai
    )
    SELECT n.item, c.uai, c.repository, c.vulnerability,
           array_to_string(c.reported_as, E'\n'), array_to_string(c.packages, E'\n'),
           array_to_string(c.fixed_versions, E'\n'), c.severity, c.effective_severity,
           c.severity_source, c.cvss::text, s.scanner_name, c.kev_added::text, c.kev_due::text,
           c.epss::text, c.exploitation, yes_no(c.public), yes_no(c.automatable),
           c.technical_impact, c.detected_at, c.first_detected_at,
           min(i.item_detected_at) OVER (PARTITION BY i.item, d.numbers), c.episode, c.instances,
           array_to_string(d.numbers, E'\n'), array_to_string(c.pending, E'\n'), c.rev5_due_at,
           c.kev_due_at, c.bod_due_at, COALESCE(c.forensic, false), c.due_at, c.due_by, c.status
      FROM clocks c
      JOIN items i ON i.uai = c.uai AND i.vulnerability = c.vulnerability AND i.episode = c.episode
      LEFT JOIN scanners s ON s.uai = c.uai
     CROSS JOIN LATERAL (SELECT COALESCE(array_agg(u.number ORDER BY u.number COLLATE "C"), '{}') AS numbers
                           FROM unnest(c.deviations) AS u (number)) d
     CROSS JOIN LATERAL (SELECT i.item || COALESCE('-' || NULLIF(array_to_string(d.numbers, '+'), ''), '') AS item) n
     ORDER BY n.item COLLATE "C", c.uai COLLATE "C"
$$;

CREATE FUNCTION report_v1.closed_findings(as_of timestamptz, known_at timestamptz)
RETURNS TABLE (item text, uai text, repository text, vulnerability text, episode integer,
               detected_at timestamptz, first_detected_at timestamptz,
               item_detected_at timestamptz, closed_at timestamptz, closed_by text,
               item_closed_at timestamptz, severity text, cvss text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH closed AS MATERIALIZED (
        SELECT i.* FROM finding_items_known(closed_findings.as_of, closed_findings.known_at) i
         WHERE i.closed_at IS NOT NULL
    ), rated AS MATERIALIZED (
        SELECT v.vulnerability, t.cvss3, t.cvss2,
               (SELECT f.severity FROM findings f WHERE f.vulnerability_id = v.vulnerability
                 ORDER BY severity_rank(f.severity) DESC NULLS LAST LIMIT 1) AS scanners
          FROM (SELECT DISTINCT c.vulnerability FROM closed c) v,
               LATERAL vulnerability_state(v.vulnerability, closed_findings.as_of,
                                           closed_findings.known_at) t
    )
    SELECT c.item, c.uai, c.repository, c.vulnerability, c.episode, c.opened_at,
           c.first_detected_at, c.item_detected_at, c.closed_at, c.closed_by, c.item_closed_at,
           COALESCE(cvss3_severity(r.cvss3), cvss2_severity(r.cvss2), r.scanners, 'unknown'),
           COALESCE(r.cvss3, r.cvss2)::text
      FROM closed c
      JOIN rated r ON r.vulnerability = c.vulnerability
     ORDER BY c.item COLLATE "C", c.uai COLLATE "C", c.episode
$$;

CREATE FUNCTION report_v1.deviations(as_of timestamptz, known_at timestamptz)
RETURNS TABLE (deviation text, state text, kind text, vulnerability text, asset text,
               package text, adjusted_severity text, rationale text, evidence text,
               requested_by text, requested_at timestamptz, decided_by text, decided_role text,
               decided_at timestamptz, decision_evidence text, expires_at timestamptz,
               checked_in_at timestamptz, released_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT d.deviation, d.state, d.kind, COALESCE(n.name, d.vulnerability), d.asset, d.package,
           d.adjusted_severity, d.rationale, d.evidence, d.requested_by, d.requested_at,
           d.decided_by, d.decided_role, d.decided_at, d.decision_evidence, d.expires_at,
           d.checked_in_at, d.released_at
      FROM deviations_known(deviations.as_of, deviations.known_at) d
      LEFT JOIN LATERAL (SELECT min(v.name) AS name
                           FROM vulnerability_names_known(deviations.known_at) v
                          WHERE v.vulnerability_id = d.vulnerability) n ON true
     ORDER BY d.deviation COLLATE "C"
$$;

CREATE FUNCTION report_v1.failures(since timestamptz, as_of timestamptz, known_at timestamptz)
RETURNS TABLE (failure text, state text, code text, message text, repository text, digest text,
               source text, attempts integer, opened_at timestamptz, closed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT f.failure_id::text, f.state, f.code, f.message, f.repository, f.digest, f.source,
           f.attempts, f.opened_at, f.closed_at
      FROM list_failures(failures.as_of, failures.known_at) f
     WHERE f.closed_at IS NULL OR f.closed_at >= failures.since
     ORDER BY f.opened_at, f.failure_id
$$;

-- What people stated of assets; only of which something was stated.
CREATE FUNCTION report_v1.asset_statements(as_of timestamptz, known_at timestamptz)
RETURNS TABLE (uai text, baseline text, public text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH hardened AS MATERIALIZED (
        SELECT h.asset, string_agg(h.baseline, E'\n' ORDER BY h.baseline COLLATE "C") AS baseline
          FROM hardening_known(asset_statements.as_of, asset_statements.known_at) h
         WHERE h.state = 'valid'
         GROUP BY h.asset
    ), said AS (
        SELECT a.uai, h.baseline, yes_no(e.public) AS public
          FROM live_assets_known(asset_statements.known_at) a
          LEFT JOIN hardened h ON h.asset = a.uai
          LEFT JOIN LATERAL asset_exposure(a.uai, a.repository, asset_statements.as_of,
                                           asset_statements.known_at) e ON true
    )
    SELECT s.uai, s.baseline, s.public
      FROM said s
     WHERE s.baseline IS NOT NULL OR s.public IS NOT NULL
     ORDER BY s.uai COLLATE "C"
$$;

REVOKE ALL ON FUNCTION report_v1.findings(timestamptz, timestamptz),
    report_v1.closed_findings(timestamptz, timestamptz), report_v1.deviations(timestamptz, timestamptz),
    report_v1.failures(timestamptz, timestamptz, timestamptz),
    report_v1.asset_statements(timestamptz, timestamptz) FROM PUBLIC;

DO $$
BEGIN
    GRANT EXECUTE ON FUNCTION report_v1.findings(timestamptz, timestamptz),
        report_v1.closed_findings(timestamptz, timestamptz), report_v1.deviations(timestamptz, timestamptz),
        report_v1.failures(timestamptz, timestamptz, timestamptz),
        report_v1.asset_statements(timestamptz, timestamptz) TO muster_report;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'role muster_report is missing: create it and grant it schema report_v1';
END
$$;
