-- Findings as they stood, and until when they must be mended.

-- The table of BOD 26-04 (2026-06-10) as CERT/CC's SSVC has it (cisa:DT_BOD2604:1.0.0): days, NULL: with
-- the next upgrade of the system; and whether the asset is looked at for a break-in as well.
CREATE FUNCTION bod2604(p_kev boolean, p_public boolean, p_automatable boolean, p_total boolean)
RETURNS TABLE (days integer, forensic boolean)
LANGUAGE sql IMMUTABLE AS $$
    SELECT t.days, t.forensic
      FROM (VALUES (false, false, false, false, NULL, false), (false, false, false, true, NULL, false),
                   (false, false, true, false, 60, false), (false, false, true, true, 60, false),
                   (false, true, false, false, 60, false), (false, true, false, true, 14, false),
                   (false, true, true, false, 14, false), (false, true, true, true, 3, false),
                   (true, false, false, false, 14, false), (true, false, false, true, 14, false),
                   (true, false, true, false, 14, false), (true, false, true, true, 3, true),
                   (true, true, false, false, 14, false), (true, true, false, true, 3, true),
                   (true, true, true, false, 3, false), (true, true, true, true, 3, true))
           AS t (kev, public, automatable, total, days, forensic)
     WHERE (t.kev, t.public, t.automatable, t.total) = (p_kev, p_public, p_automatable, p_total)
$$;

-- FedRAMP Rev5: critical and high 30, moderate 90, low 180 days from discovery. What nobody has rated counts as high;
-- what is negligible has no clock.
CREATE FUNCTION rev5_days(p_severity text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_severity WHEN 'critical' THEN 30 WHEN 'high' THEN 30 WHEN 'unknown' THEN 30
                           WHEN 'moderate' THEN 90 WHEN 'low' THEN 180 END
$$;

-- Vulnerabilities per asset of a repository that were open at p_valid, one row each whatever scanners call them.
-- `instances`: running containers whose own image has it.
CREATE FUNCTION repository_findings_known(p_repository text, p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (repository text, uai text, vulnerability text, reported_as text[],
               packages text[], package_names text[], fixed_versions text[], severity text,
               severity_source text, cvss numeric, scanner_severity text, kev_added date,
               kev_due date, kev_ransomware boolean, epss numeric, epss_percentile numeric,
               exploitation text, automatable boolean, technical_impact text, public boolean,
               public_since timestamptz, detected_at timestamptz, first_detected_at timestamptz,
               episode integer, manifests text[], instances bigint)
LANGUAGE sql STABLE AS $$
    WITH open AS MATERIALIZED (
        SELECT h.* FROM finding_history_known(p_repository, p_known) h
         WHERE h.opened_at <= p_valid AND (h.closed_at IS NULL OR h.closed_at > p_valid)
    ), names AS MATERIALIZED (
        SELECT * FROM vulnerability_names_known(p_known)
    ), images AS MATERIALIZED (
        SELECT i.repository, i.uai, i.manifest, s.evidence_digest
          FROM asset_images_known(p_repository, p_known) i
         CROSS JOIN LATERAL (SELECT s.evidence_digest FROM scans s
                              WHERE s.digest = i.manifest AND s.outcome = 'complete'
                                AND s.finished_at <= p_valid AND s.known_at <= p_known
                              ORDER BY s.finished_at DESC, s.scan_id DESC LIMIT 1) s
         WHERE i.active @> p_valid
    ), running AS MATERIALIZED (
        SELECT r.uai, r.manifest, r.instance_id FROM asset_runs_known(p_repository, p_known) r
         WHERE r.during @> p_valid
    ), seen AS MATERIALIZED (
        SELECT i.uai, i.manifest, COALESCE(n.name, f.vulnerability_id) AS name,
               f.vulnerability_id, f.package_name, f.package_version, f.fixed_version, f.severity
          FROM images i
          JOIN findings f ON f.evidence_digest = i.evidence_digest
          LEFT JOIN names n ON n.vulnerability_id = f.vulnerability_id
    ), shown AS (
        SELECT s.uai, s.name,
               array_agg(DISTINCT s.vulnerability_id ORDER BY s.vulnerability_id) AS reported_as,
               array_agg(DISTINCT s.package_name || ' ' || s.package_version) AS packages,
               array_agg(DISTINCT s.package_name) AS package_names,
               array_agg(DISTINCT s.package_name || ' ' || s.fixed_version)
                   FILTER (WHERE s.fixed_version IS NOT NULL) AS fixed_versions,
               (array_agg(s.severity ORDER BY severity_rank(s.severity) DESC NULLS LAST))[1] AS severity,
               array_agg(DISTINCT s.manifest) AS manifests
          FROM seen s GROUP BY s.uai, s.name
    ), classes AS MATERIALIZED ( -- a container may be one of several manifests
        SELECT r.uai, r.manifests, count(*) AS instances
          FROM (SELECT r.uai, r.instance_id, array_agg(DISTINCT r.manifest) AS manifests
                  FROM running r GROUP BY r.uai, r.instance_id) r
         GROUP BY r.uai, r.manifests
    ), counted AS (
        SELECT s.uai, s.name, sum(c.instances)::bigint AS instances
          FROM shown s
          JOIN classes c ON c.uai = s.uai AND c.manifests && s.manifests
         GROUP BY s.uai, s.name
    ), vulnerabilities AS MATERIALIZED (
        SELECT v.name, max(t.cvss3) AS cvss3, max(t.cvss2) AS cvss2, min(t.kev_added) AS kev_added,
               min(t.kev_due) AS kev_due, bool_or(t.kev_ransomware) AS kev_ransomware,
               max(t.epss) AS epss, max(t.epss_percentile) AS epss_percentile,
               max(t.exploitation) AS exploitation, bool_or(t.automatable) AS automatable,
               max(t.technical_impact) AS technical_impact
          FROM (SELECT DISTINCT s.name, u.id
                  FROM shown s, LATERAL unnest(s.reported_as || s.name) AS u (id)) v,
               LATERAL vulnerability_state(v.id, p_valid, p_known) t
         GROUP BY v.name
    ), stated AS (
        SELECT DISTINCT ON (f.vulnerability) f.vulnerability, f.automatable = 'yes' AS automatable,
               f.technical_impact
          FROM ssvc_facts f
         WHERE f.at <= p_valid AND f.known_at <= p_known
         ORDER BY f.vulnerability, f.at DESC, f.fact_id
    ), exposed AS (
        SELECT o.uai, e.public, e.since
          FROM (SELECT DISTINCT o.uai, o.repository FROM open o) o,
               LATERAL asset_exposure(o.uai, o.repository, p_valid, p_known) e
    )
    SELECT o.repository, o.uai, o.vulnerability, s.reported_as, s.packages, s.package_names,
           s.fixed_versions,
           COALESCE(cvss3_severity(v.cvss3), cvss2_severity(v.cvss2), s.severity),
           CASE WHEN v.cvss3 IS NOT NULL THEN 'nvd_cvss3' WHEN v.cvss2 IS NOT NULL THEN 'nvd_cvss2'
                ELSE 'scanner' END,
           COALESCE(v.cvss3, v.cvss2), s.severity,
           CASE WHEN v.kev_added <= (p_valid AT TIME ZONE 'UTC')::date THEN v.kev_added END,
           CASE WHEN v.kev_added <= (p_valid AT TIME ZONE 'UTC')::date THEN v.kev_due END,
           v.kev_ransomware, v.epss, v.epss_percentile, v.exploitation,
           COALESCE(t.automatable, v.automatable), COALESCE(t.technical_impact, v.technical_impact),
           e.public, e.since, o.opened_at, o.first_detected_at, o.episode, s.manifests,
           COALESCE(c.instances, 0)
      FROM open o
      JOIN shown s ON s.uai = o.uai AND s.name = o.vulnerability
      LEFT JOIN counted c ON c.uai = o.uai AND c.name = o.vulnerability
      JOIN vulnerabilities v ON v.name = o.vulnerability
      LEFT JOIN stated t ON t.vulnerability = o.vulnerability
      LEFT JOIN exposed e ON e.uai = o.uai
$$;

-- The same of a repository, or (NULL) of all: one after the other, since none needs to know of another.
CREATE FUNCTION findings_known(p_repository text, p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (repository text, uai text, vulnerability text, reported_as text[],
               packages text[], package_names text[], fixed_versions text[], severity text,
               severity_source text, cvss numeric, scanner_severity text, kev_added date,
               kev_due date, kev_ransomware boolean, epss numeric, epss_percentile numeric,
               exploitation text, automatable boolean, technical_impact text, public boolean,
               public_since timestamptz, detected_at timestamptz, first_detected_at timestamptz,
               episode integer, manifests text[], instances bigint)
LANGUAGE sql STABLE AS $$
    SELECT f.*
      FROM (SELECT p_repository AS repository WHERE p_repository IS NOT NULL
             UNION ALL
            SELECT r.repository FROM repositories r WHERE p_repository IS NULL) r,
           LATERAL repository_findings_known(r.repository, p_valid, p_known) f
$$;

-- Findings with their clocks. p_rules: 'rev5' (severity; an earlier due date of KEV goes first), 'bod26-04', or
-- 'strictest' of both. Where BOD 26-04 is asked of what nobody stated, the worse counts:
-- automatable, total, public. Its clock begins when the last of detection, listing and exposure was there.
--
-- status: late; at_risk (due within p_risk); open; no_due_date; and by approved deviation false_positive,
-- accepted, operational_requirement, vendor_dependency (then what is due is the next word with the
-- vendor). Only a false positive holds off the due date of KEV; the last two do not hold off a high risk.
CREATE FUNCTION finding_clocks_known(p_repository text, p_valid timestamptz, p_known timestamptz,
                                     p_rules text, p_risk interval)
RETURNS TABLE (repository text, uai text, vulnerability text, severity text,
               effective_severity text, severity_source text, cvss numeric, kev_added date,
               kev_due date, epss numeric, exploitation text, public boolean, automatable boolean,
               technical_impact text, packages text[], fixed_versions text[], reported_as text[],
               detected_at timestamptz, first_detected_at timestamptz, episode integer,
               instances bigint, deviations text[], pending text[], rev5_due_at timestamptz,
               kev_due_at timestamptz, bod_due_at timestamptz, bod_days integer, forensic boolean,
               due_at timestamptz, due_by text, status text)
LANGUAGE sql STABLE AS $$
    WITH found AS MATERIALIZED (
        SELECT * FROM findings_known(p_repository, p_valid, p_known)
    ), deviated AS MATERIALIZED (
        SELECT d.*, COALESCE(n.name, d.vulnerability) AS name
          FROM deviations_known(p_valid, p_known) d
          LEFT JOIN vulnerability_names_known(p_known) n ON n.vulnerability_id = d.vulnerability
         WHERE d.state IN ('approved', 'pending')
    ), applied AS (
        SELECT f.uai, f.vulnerability,
               array_agg(DISTINCT d.kind) FILTER (WHERE d.state = 'approved') AS kinds,
               array_agg(DISTINCT d.kind) FILTER (WHERE d.state = 'pending') AS pending,
               array_agg(DISTINCT d.deviation) AS deviations,
               (array_agg(d.adjusted_severity ORDER BY d.decided_at DESC, d.deviation)
                   FILTER (WHERE d.state = 'approved' AND d.kind = 'risk_adjustment'))[1] AS adjusted_severity,
               max(GREATEST(d.checked_in_at, d.decided_at))
                   FILTER (WHERE d.state = 'approved' AND d.kind = 'vendor_dependency') AS vendor_seen_at,
               min(d.released_at)
                   FILTER (WHERE d.state = 'approved' AND d.kind = 'vendor_dependency') AS vendor_released_at
          FROM found f
          JOIN deviated d ON d.name = f.vulnerability AND scope_covers(d.asset, f.uai, f.repository)
                         AND (d.package IS NULL OR f.package_names <@ ARRAY[d.package])
         GROUP BY f.uai, f.vulnerability
    ), judged AS (
        SELECT f.*, COALESCE(a.kinds, '{}') AS kinds, COALESCE(a.pending, '{}') AS pending,
               COALESCE(a.deviations, '{}') AS deviations, a.vendor_seen_at, a.vendor_released_at,
               COALESCE(a.adjusted_severity, f.severity) AS effective, b.days, b.forensic
          FROM found f
          LEFT JOIN applied a ON a.uai = f.uai AND a.vulnerability = f.vulnerability
         CROSS JOIN LATERAL bod2604(f.kev_added IS NOT NULL, COALESCE(f.public, true),
                                    COALESCE(f.automatable, true),
                                    COALESCE(f.technical_impact, 'total') = 'total') b
    ), dated AS (
        SELECT j.*, j.effective IN ('high', 'critical', 'unknown') AS is_high,
               GREATEST(j.first_detected_at, j.vendor_released_at)
                   + make_interval(days => rev5_days(j.effective)) AS rev5,
               (j.kev_due + 1)::timestamp AT TIME ZONE 'UTC' AS kev, -- the end of the day
               GREATEST(j.first_detected_at, j.kev_added::timestamp AT TIME ZONE 'UTC',
                        CASE WHEN j.public THEN j.public_since END)
                   + make_interval(days => j.days) AS bod
          FROM judged j
    ), held AS (
        SELECT d.*,
               CASE WHEN 'false_positive' = ANY (d.kinds) THEN 'false_positive'
                    WHEN 'accepted' = ANY (d.kinds) THEN 'accepted'
                    WHEN d.is_high THEN NULL
                    WHEN 'operational_requirement' = ANY (d.kinds) THEN 'operational_requirement'
                    WHEN 'vendor_dependency' = ANY (d.kinds) AND d.vendor_released_at IS NULL
                         AND d.vendor_seen_at + interval '30 days' > p_valid THEN 'vendor_dependency'
               END AS held
          FROM dated d
    ), due AS (
        SELECT h.*,
               CASE WHEN h.held = 'false_positive' THEN NULL
                    ELSE LEAST(CASE WHEN p_rules = 'bod26-04' THEN NULL
                                    WHEN h.held = 'vendor_dependency'
                                    THEN h.vendor_seen_at + interval '30 days'
                                    WHEN h.held IS NULL THEN h.rev5 END,
                               CASE WHEN p_rules <> 'bod26-04' THEN h.kev END,
                               CASE WHEN p_rules <> 'rev5' AND (h.held IS NULL OR h.kev_added IS NOT NULL)
                                    THEN h.bod END) END AS due
          FROM held h
    )
    SELECT d.repository, d.uai, d.vulnerability, d.severity, d.effective, d.severity_source, d.cvss,
           d.kev_added, d.kev_due, d.epss, d.exploitation, d.public, d.automatable,
           d.technical_impact, d.packages, d.fixed_versions, d.reported_as, d.detected_at,
           d.first_detected_at, d.episode, d.instances, d.deviations, d.pending, d.rev5, d.kev,
           d.bod, d.days, d.forensic, d.due,
           CASE WHEN d.due IS NULL THEN NULL
                WHEN p_rules <> 'bod26-04' AND d.due = d.kev THEN 'kev'
                WHEN p_rules <> 'rev5' AND d.due = d.bod THEN 'bod26-04'
                WHEN d.held = 'vendor_dependency' THEN 'vendor_check_in'
                ELSE 'rev5' END,
           CASE WHEN d.held = 'false_positive' THEN d.held
                WHEN d.due <= p_valid THEN 'late'
                WHEN d.due <= p_valid + p_risk THEN 'at_risk'
                WHEN d.held IS NOT NULL THEN d.held
                WHEN d.due IS NULL THEN 'no_due_date'
                ELSE 'open' END
      FROM due d
$$;

-- The three counts: vulnerabilities, vulnerabilities per asset, per running container.
CREATE FUNCTION finding_counts_known(p_repository text, p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (severity text, distinct_vulnerabilities bigint, per_asset bigint,
               per_instance bigint)
LANGUAGE sql STABLE AS $$
    WITH found AS MATERIALIZED (
        SELECT * FROM findings_known(p_repository, p_valid, p_known)
    ), worst AS (
        SELECT f.vulnerability,
               (array_agg(f.severity ORDER BY severity_rank(f.severity) DESC NULLS LAST))[1] AS severity
          FROM found f GROUP BY f.vulnerability
    )
    SELECT n.name, (SELECT count(*) FROM worst w WHERE w.severity = n.name), count(f.uai),
           COALESCE(sum(f.instances), 0)::bigint
      FROM unnest(ARRAY['critical', 'high', 'moderate', 'low', 'negligible', 'unknown'])
           WITH ORDINALITY AS n (name, place)
      LEFT JOIN found f ON f.severity = n.name
     GROUP BY n.name, n.place
     ORDER BY n.place
$$;

-- The 30-day window of every running image, and whether the database was young enough: updated within
-- the 24 hours before the scan (RA-5(2)). A scan with an older one is a failure of detection.
CREATE FUNCTION database_max_age() RETURNS interval LANGUAGE sql IMMUTABLE AS $$
    SELECT interval '24 hours'
$$;

CREATE FUNCTION image_clocks_known(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (uai text, manifest text, state text, containers bigint, scanned_at timestamptz,
               expires_at timestamptz, scanner text, database_built_at timestamptz,
               database_age interval, database_stale boolean)
LANGUAGE sql STABLE AS $$
    SELECT c.uai, COALESCE(c.manifest_digest, c.reported_digest), c.state,
           count(DISTINCT c.instance_id), s.finished_at,
           CASE WHEN s.outcome = 'complete' THEN s.finished_at + scan_window() END,
           s.scanner_name || ' ' || s.scanner_version, s.database_built_at,
           s.started_at - s.database_built_at,
           s.outcome = 'complete'
               AND COALESCE(s.started_at - s.database_built_at > database_max_age(), true)
      FROM coverage_images(p_valid, p_known) c
      LEFT JOIN scans s ON s.scan_id = c.scan_id
     GROUP BY 1, 2, 3, s.scan_id
$$;

-- Which event set, moved or stopped which clock of an asset, the oldest first.
CREATE FUNCTION clock_events_known(p_uai text, p_repository text, p_vulnerability text,
                                   p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (at timestamptz, clock text, subject text, event text, detail text, source text)
LANGUAGE sql STABLE AS $$
    WITH images AS MATERIALIZED (
        SELECT i.manifest, i.active FROM asset_images_known(p_repository, p_known) i WHERE i.uai = p_uai
    ), history AS MATERIALIZED (
        SELECT h.* FROM finding_history_known(p_repository, p_known) h
         WHERE h.uai = p_uai AND (p_vulnerability IS NULL OR h.vulnerability = p_vulnerability)
    ), scanned AS (
        SELECT s.*, i.manifest FROM images i JOIN scans s ON s.digest = i.manifest
         WHERE s.known_at <= p_known AND i.active @> s.finished_at AND s.outcome = 'complete'
    ), events AS (
        SELECT s.finished_at AS at, 'scan_window' AS clock, s.manifest AS subject, 'restarted' AS event,
               'a complete scan; expires ' || (to_json(s.finished_at + scan_window()) #>> '{}') AS detail,
               s.scan_id::text AS source
          FROM scanned s
         UNION ALL
        SELECT s.finished_at, 'database_freshness', s.manifest,
               CASE WHEN s.started_at - s.database_built_at <= database_max_age() THEN 'met' ELSE 'missed' END,
               COALESCE('the database was built ' || (to_json(s.database_built_at) #>> '{}'),
                        'the scan does not say when its database was built'), s.scan_id::text
          FROM scanned s
         UNION ALL
        SELECT h.opened_at, 'remediation', h.vulnerability,
               CASE WHEN h.episode > 1 THEN 'reopened' ELSE 'started' END,
               'found; the clock runs from ' || (to_json(h.first_detected_at) #>> '{}'),
               (SELECT min(s.scan_id::text) FROM scanned s WHERE s.finished_at = h.opened_at)
          FROM history h
         UNION ALL
        SELECT h.closed_at, 'remediation', h.vulnerability, 'stopped',
               CASE h.closed_by WHEN 'scan' THEN 'a complete scan has it no more'
                                ELSE 'the asset was gone' END,
               (SELECT min(s.scan_id::text) FROM scanned s WHERE s.finished_at = h.closed_at)
          FROM history h WHERE h.closed_at IS NOT NULL
         UNION ALL
        SELECT v.kev_added::timestamp AT TIME ZONE 'UTC', 'kev', v.vulnerability_id, 'listed',
               'due ' || COALESCE(v.kev_due::text, 'at no date'), min(v.event_id::text)
          FROM vulnerability_facts v
         WHERE v.kev_added IS NOT NULL AND v.known_at <= p_known
           AND v.vulnerability_id IN (SELECT h.vulnerability FROM history h)
         GROUP BY 1, 3, 5
         UNION ALL
        SELECT f.at, 'deviation', d.deviation, f.record,
               d.kind || ' of ' || d.vulnerability || ' by ' || f.by, f.evidence
          FROM deviations_known(p_valid, p_known) d
          JOIN deviation_facts f ON f.deviation = d.deviation AND f.known_at <= p_known
         WHERE scope_covers(d.asset, p_uai, p_repository)
           AND (p_vulnerability IS NULL OR d.vulnerability = p_vulnerability)
         UNION ALL
        SELECT d.expires_at, 'deviation', d.deviation, 'expired', d.kind || ' of ' || d.vulnerability, NULL
          FROM deviations_known(p_valid, p_known) d
         WHERE d.state = 'expired' AND scope_covers(d.asset, p_uai, p_repository)
           AND (p_vulnerability IS NULL OR d.vulnerability = p_vulnerability)
         UNION ALL
        SELECT f.at, 'exposure', f.asset, CASE f.public WHEN 'yes' THEN 'public' ELSE 'not_public' END,
               'stated by ' || f.by, f.evidence
          FROM exposure_facts f
         WHERE f.known_at <= p_known AND scope_covers(f.asset, p_uai, p_repository)
    )
    SELECT e.at, e.clock, e.subject, e.event, e.detail, e.source
      FROM events e
     WHERE e.at <= p_valid
     ORDER BY e.at, e.clock, e.subject, e.event
$$;
