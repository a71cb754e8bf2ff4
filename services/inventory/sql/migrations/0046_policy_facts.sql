-- What a policy judges, as it was known: the severity and the KEV catalog by what databases said until then (0020), not by
-- what stood there when the image was scanned; since when a finding is known; and which deviations hold.

CREATE FUNCTION micros(p_at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT (extract(epoch FROM p_at) * 1000000)::bigint
$$;

-- Images by what the newest complete scan found, in the names of policy_names.
--
-- Findings: those of p_severities, those that a deviation adjusts, and all in the KEV catalog. `since`: first detection in the
-- repository as finding_history_known has it, when p_aged asks for it (else the scan). `held`: an approved deviation of p_deviations
-- takes it out, as in finding_clocks_known: only a false positive does that to what is in the KEV catalog, and a high
-- risk has no operational requirement or vendor dependency. Times in microseconds; no end is null.
-- `first_seen_at`: when the registry, or a scanner, first had the image in the repository.
DROP FUNCTION policy_facts(text[], text[], timestamptz, timestamptz, text[]);
CREATE FUNCTION policy_facts(p_repositories text[], p_digests text[], p_as_of timestamptz, p_known timestamptz,
                             p_severities text[], p_aged boolean, p_deviations text[])
RETURNS TABLE (repository text, digest text, os_name text, registry text, scan_id uuid,
               finished_at timestamptz, database_version text, database_built_at timestamptz,
               failure_code text, failure_message text, findings jsonb, uais text[], evidence_read boolean,
               first_seen_at timestamptz)
LANGUAGE sql STABLE SET jit = off AS $$
    WITH asked AS MATERIALIZED (
        SELECT m.place, m.repository COLLATE "C" AS repository, m.digest COLLATE "C" AS digest
          FROM unnest(p_repositories, p_digests) WITH ORDINALITY AS m (repository, digest, place)
    ), picked AS MATERIALIZED (
        SELECT a.*, s.scan_id, s.finished_at, s.database_version, s.database_built_at, s.evidence_digest,
               ARRAY(SELECT u.uai FROM scan_uais u WHERE u.scan_id = s.scan_id ORDER BY u.uai COLLATE "C") AS uais
          FROM asked a
          LEFT JOIN LATERAL (SELECT c.* FROM scans c
                              WHERE c.digest = a.digest AND c.repository = a.repository
                                AND c.outcome = 'complete' AND c.finished_at <= p_as_of AND c.known_at <= p_known
                              ORDER BY c.finished_at DESC, c.scan_id LIMIT 1) s ON true
    ), kinds AS MATERIALIZED ( -- of many images nearly all there are
        SELECT k.* FROM finding_kinds k WHERE cardinality(p_digests) > 1000
         UNION ALL
        SELECT k.*
          FROM (SELECT DISTINCT o.finding_id
                  FROM picked p
                  JOIN evidence_findings e ON e.evidence_digest = p.evidence_digest
                 CROSS JOIN LATERAL unnest(e.finding_ids) AS o (finding_id)
                 WHERE cardinality(p_digests) <= 1000) i
          JOIN finding_kinds k ON k.finding_id = i.finding_id
    ), stated AS MATERIALIZED (
        SELECT d.* FROM deviations_known(p_as_of, p_known) d
         WHERE cardinality(p_deviations) > 0 AND d.state = 'approved' AND d.kind = ANY (p_deviations)
    ), names AS MATERIALIZED ( -- a CVE is its own name
        SELECT n.* FROM vulnerability_names_known(p_known) n
         WHERE EXISTS (SELECT FROM kinds k WHERE k.vulnerability_id NOT LIKE 'CVE-%')
            OR EXISTS (SELECT FROM stated d WHERE d.vulnerability NOT LIKE 'CVE-%')
    ), called AS MATERIALIZED (
        SELECT k.id, k.id AS name FROM (SELECT DISTINCT vulnerability_id AS id FROM kinds) k
         UNION
        SELECT k.id, n.name
          FROM (SELECT DISTINCT vulnerability_id AS id FROM kinds) k
          JOIN names n ON n.vulnerability_id = k.id
    ), told AS MATERIALIZED (
        SELECT c.id, COALESCE(cvss3_severity(max(t.cvss3)), cvss2_severity(max(t.cvss2))) AS severity,
               COALESCE(bool_or(t.kev_added <= (p_as_of AT TIME ZONE 'UTC')::date), false) AS kev
          FROM called c, LATERAL vulnerability_state(c.name, p_as_of, p_known) t
         GROUP BY c.id
    ), deviated AS MATERIALIZED (
        SELECT DISTINCT c.id, d.deviation, d.kind, d.asset, d.package, d.adjusted_severity, d.decided_at, d.expires_at
          FROM stated d
          LEFT JOIN names n ON n.vulnerability_id = d.vulnerability
          JOIN called c ON c.name = COALESCE(n.name, d.vulnerability)
    ), counting AS MATERIALIZED (
        SELECT k.finding_id, k.vulnerability_id, k.package_name, k.fixed_version, t.kev,
               COALESCE(t.severity, k.severity) AS severity
          FROM kinds k
          JOIN told t ON t.id = k.vulnerability_id
         WHERE COALESCE(t.severity, k.severity) = ANY (p_severities) OR t.kev
            OR EXISTS (SELECT FROM deviated d WHERE d.id = k.vulnerability_id AND d.adjusted_severity IS NOT NULL)
    ), aged AS MATERIALIZED (
        SELECT r.repository, h.vulnerability, min(h.first_detected_at) AS since
          FROM (SELECT DISTINCT p.repository FROM picked p WHERE p_aged AND p.scan_id IS NOT NULL) r,
               LATERAL finding_history_known(r.repository, p_known) h
         WHERE h.opened_at <= p_as_of AND (h.closed_at IS NULL OR h.closed_at > p_as_of)
         GROUP BY r.repository, h.vulnerability
    ), listed AS MATERIALIZED (
        SELECT p.place, o.ordinal, f.*, p.repository, p.uais, p.finished_at
          FROM picked p
          JOIN evidence_findings e ON e.evidence_digest = p.evidence_digest
         CROSS JOIN LATERAL unnest(e.ordinals, e.finding_ids) AS o (ordinal, finding_id)
          JOIN counting f ON f.finding_id = o.finding_id
    ), found AS (
        SELECT l.place, l.ordinal, 'vulnerability' AS kind,
               jsonb_build_object('id', l.vulnerability_id, 'package', l.package_name, 'severity', l.severity,
                                  'fixed', l.fixed_version, 'kev', l.kev, 'kind', 'vulnerability',
                                  'since', micros(LEAST(l.finished_at, g.since)), 'adjusted', a.adjusted_severity,
                                  'adjusted_until', micros(a.expires_at), 'held', COALESCE(h.held, false),
                                  'held_until', micros(h.held_until)) AS finding
          FROM listed l
          LEFT JOIN LATERAL (SELECT min(g.since) AS since
                               FROM called c
                               JOIN aged g ON g.repository = l.repository AND g.vulnerability = c.name
                              WHERE p_aged AND c.id = l.vulnerability_id) g ON true
          LEFT JOIN LATERAL (SELECT d.adjusted_severity, d.expires_at
                               FROM deviated d
                              WHERE d.id = l.vulnerability_id AND d.kind = 'risk_adjustment'
                                AND (d.asset IN ('*', l.repository) OR d.asset = ANY (l.uais))
                                AND COALESCE(d.package = l.package_name, true)
                              ORDER BY d.decided_at DESC, d.deviation LIMIT 1) a ON true
          LEFT JOIN LATERAL (SELECT true AS held, NULLIF(max(COALESCE(d.expires_at, 'infinity')), 'infinity') AS held_until
                               FROM deviated d
                              WHERE d.id = l.vulnerability_id AND d.kind <> 'risk_adjustment'
                                AND (d.asset IN ('*', l.repository) OR d.asset = ANY (l.uais))
                                AND COALESCE(d.package = l.package_name, true)
                                AND (d.kind = 'false_positive' OR NOT l.kev)
                                AND (d.kind IN ('false_positive', 'accepted')
                                     OR COALESCE(a.adjusted_severity, l.severity) NOT IN ('high', 'critical', 'unknown'))
                             HAVING count(*) > 0) h ON true
         UNION ALL
        SELECT p.place, i.ordinal, 'configuration',
               jsonb_build_object('id', i.check_id, 'package', i.path, 'severity', i.severity, 'kev', false,
                                  'kind', 'configuration', 'since', micros(p.finished_at))
          FROM picked p
          JOIN evidence_issues i ON i.evidence_digest = p.evidence_digest
         WHERE i.severity = ANY (p_severities)
    ), gathered AS (
        SELECT f.place, jsonb_agg(f.finding ORDER BY f.kind, f.ordinal) AS findings FROM found f GROUP BY f.place
    )
    SELECT p.repository, p.digest,
           (SELECT max(f.os_name) FROM digest_facts f WHERE f.digest = p.digest AND f.known_at <= p_known),
           registry_state(p.repository, p.digest, p_as_of, p_known),
           p.scan_id, p.finished_at, p.database_version, p.database_built_at,
           b.failure_code, b.failure_message,
           CASE WHEN p.scan_id IS NOT NULL THEN COALESCE(g.findings, '[]') END, p.uais,
           p.evidence_digest IS NULL
               OR EXISTS (SELECT FROM evidence_judged j WHERE j.evidence_digest = p.evidence_digest),
           LEAST((SELECT min(f.at) FROM registry_facts f
                   WHERE f.digest = p.digest AND f.repository = p.repository AND f.at <= p_as_of AND f.known_at <= p_known),
                 (SELECT min(c.finished_at) FROM scans c
                   WHERE c.digest = p.digest AND c.repository = p.repository AND c.known_at <= p_known))
      FROM picked p
      LEFT JOIN gathered g ON g.place = p.place
      LEFT JOIN LATERAL (SELECT c.failure_code, c.failure_message FROM scans c
                          WHERE p.scan_id IS NULL AND c.digest = p.digest AND c.repository = p.repository
                            AND c.outcome = 'failed' AND c.finished_at <= p_as_of AND c.known_at <= p_known
                          ORDER BY c.finished_at DESC, c.scan_id LIMIT 1) b ON true
$$;

-- The catalog is known by vulnerability_facts alone.
DROP TABLE evidence_kev;

-- As before (0014), with what came later: audit records, and what people stated and decided, can be told, not changed, as all
-- facts; nobody has rights on a partition but through its table.
CREATE OR REPLACE FUNCTION muster_grant_roles() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    facts text := 'repositories, assets, asset_digests, tag_observations, digest_facts, digest_edges, '
                  'registry_facts, pod_facts, pod_removals, instances, run_facts, scans, scan_uais, '
                  'evidence_loads, evidence_findings, finding_kinds, source_reports, ledger_transactions, ledger_payloads, '
                  'vulnerability_facts, vulnerability_aliases, evidence_issues, evidence_judged, deviation_facts, '
                  'hardening_facts, exposure_facts, ssvc_facts, policies, policy_activations, policy_decisions, image_approvals, '
                  'exclusions, exclusion_facts, move_facts, audit_log, gate_decisions, gate_gaps, notifications';
    part regclass;
BEGIN
    GRANT USAGE ON SCHEMA report_v1 TO muster_report;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA report_v1 TO muster_report, muster_inventory, muster_read;
    GRANT USAGE ON SCHEMA report_v1 TO muster_inventory, muster_read;
    ALTER DEFAULT PRIVILEGES IN SCHEMA report_v1
        GRANT EXECUTE ON FUNCTIONS TO muster_report, muster_inventory, muster_read;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO muster_read;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO muster_read;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO muster_inventory;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO muster_inventory;
    EXECUTE format('REVOKE UPDATE, DELETE ON %s FROM muster_inventory', facts);
    GRANT UPDATE (kind) ON instances TO muster_inventory; -- the greater word of two wins
    REVOKE DELETE ON ledger, ledger_ids, ledger_clock, positions, scan_jobs, detection_failures, gate_instances,
        webhook_deliveries FROM muster_inventory;
    REVOKE INSERT, UPDATE, DELETE ON findings, ledger_rebuild, ledger_dropped, retention_drops,
        muster_schema_migrations FROM muster_inventory; -- findings is a view
    FOR part IN SELECT i.inhrelid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE c.relispartition AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace LOOP
        EXECUTE format('REVOKE ALL ON %s FROM muster_inventory', part);
    END LOOP;
    GRANT EXECUTE ON FUNCTION ledger_make_partitions(timestamptz) TO muster_inventory;
END
$$;

DO $$
BEGIN
    PERFORM muster_grant_roles();
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'roles of muster are missing: see 0014_roles.sql';
END
$$;
