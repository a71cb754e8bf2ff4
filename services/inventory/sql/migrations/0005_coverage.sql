-- Coverage: for any instant every running container in exactly one state (design.md section 8), and what
-- report may read of it (schemas/report-views.v1.md).

-- Containers an operator takes out of the count, with a reason and a name behind it.
CREATE TABLE exclusions (
    exclusion_id uuid PRIMARY KEY, -- stable id of the columns up to author
    uai text COLLATE "C" NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz, -- NULL: until further notice
    reason text NOT NULL CHECK (reason <> ''),
    author text NOT NULL CHECK (author <> ''),
    known_at timestamptz NOT NULL
);
CREATE INDEX exclusions_uai ON exclusions (uai);

-- Worst last: of several manifests the worst counts.
CREATE FUNCTION coverage_rank(p_state text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position(ARRAY['excluded', 'covered', 'scan_expired', 'scan_failed', 'never_scanned',
                                'not_in_registry', 'unresolved'], p_state)
$$;

-- How long a complete scan covers a running container ("scanned within a 30-day window", FedRAMP
-- Vulnerability Scanning Requirements for Containers; ConMon Playbook).
CREATE FUNCTION scan_window() RETURNS interval LANGUAGE sql IMMUTABLE AS $$
    SELECT interval '30 days'
$$;

-- The newest complete scan that carries the UAI, else the newest failed one.
CREATE FUNCTION best_scan(p_digest text, p_uai text, p_as_of timestamptz, p_known timestamptz)
RETURNS SETOF scans
LANGUAGE sql STABLE AS $$
    SELECT s.*
      FROM scans s
     WHERE s.digest = p_digest AND s.outcome IN ('complete', 'failed')
       AND s.finished_at <= p_as_of AND s.known_at <= p_known
       AND EXISTS (SELECT FROM scan_uais u WHERE u.scan_id = s.scan_id AND u.uai = p_uai)
     ORDER BY s.outcome = 'complete' DESC, s.finished_at DESC, s.scan_id
     LIMIT 1
$$;

CREATE FUNCTION registry_state(p_repository text, p_digest text, p_as_of timestamptz,
                               p_known timestamptz)
RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT f.state FROM registry_facts f
     WHERE f.repository = p_repository AND f.digest = p_digest
       AND f.at <= p_as_of AND f.known_at <= p_known
     ORDER BY f.at DESC, f.event_id DESC
     LIMIT 1
$$;

-- One row per running container and platform manifest behind it; manifest_digest NULL when there is none known.
CREATE FUNCTION coverage_images(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, cluster text, namespace text, pod text, pod_uid text,
               container text, container_kind text, image text, repository text, tag text,
               reported_digest text, node text, owner_kind text, owner_name text,
               started_at timestamptz, uai text, manifest_digest text, platform text,
               scan_id uuid, state text, reason text)
LANGUAGE sql STABLE AS $$
    WITH images AS MATERIALIZED (
        SELECT r.*, COALESCE(r.uai, r.image) AS name, m.manifest AS manifest_digest,
               m.platform AS manifest_platform
          FROM running_known(p_as_of, p_known) r
          LEFT JOIN LATERAL digest_manifests(r.digest, r.platform, p_known) m ON true
    ), distinct_images AS MATERIALIZED (
        SELECT DISTINCT i.repository, i.digest, i.manifest_digest, i.name FROM images i
    ), judged AS MATERIALIZED (
        SELECT d.repository, d.digest, d.manifest_digest, d.name, s.scan_id, s.outcome,
               s.finished_at, s.failure_code, s.failure_message,
               registry_state(d.repository, COALESCE(d.manifest_digest, d.digest), p_as_of,
                              p_known) AS registry,
               (SELECT e.reason FROM exclusions e
                 WHERE e.uai = d.name AND e.valid_from <= p_as_of AND e.known_at <= p_known
                   AND COALESCE(e.valid_to > p_as_of, true)
                 ORDER BY e.valid_from DESC, e.exclusion_id LIMIT 1) AS exclusion
          FROM distinct_images d
          LEFT JOIN LATERAL best_scan(COALESCE(d.manifest_digest, d.digest), d.name, p_as_of,
                                      p_known) s ON true
    ), decided AS (
        SELECT j.*,
               CASE WHEN j.exclusion IS NOT NULL THEN 'excluded'
                    WHEN j.digest IS NULL THEN 'unresolved'
                    WHEN j.outcome = 'complete' AND j.finished_at >= p_as_of - scan_window()
                         THEN 'covered'
                    WHEN j.outcome = 'complete' THEN 'scan_expired'
                    WHEN j.registry IN ('missing', 'deleted') THEN 'not_in_registry'
                    WHEN j.outcome = 'failed' THEN 'scan_failed'
                    WHEN j.manifest_digest IS NOT NULL OR j.registry IS NOT NULL THEN 'never_scanned'
                    ELSE 'unresolved'
               END AS state
          FROM judged j
    )
    SELECT i.instance_id, i.cluster, i.namespace, i.pod, i.pod_uid, i.container, i.container_kind,
           i.image, i.repository, i.tag, i.digest, i.node, i.owner_kind, i.owner_name, i.started_at,
           i.name, i.manifest_digest, NULLIF(i.manifest_platform, ''), d.scan_id, d.state,
           CASE d.state
               WHEN 'excluded' THEN d.exclusion
               WHEN 'scan_expired' THEN 'the last complete scan is older than 30 days'
               WHEN 'scan_failed' THEN d.failure_code || ': ' || d.failure_message
               WHEN 'not_in_registry' THEN
                    CASE d.registry WHEN 'deleted' THEN 'the registry deleted it'
                                    ELSE 'the registry does not have it' END
               WHEN 'never_scanned' THEN 'no scan of it under this name yet'
               WHEN 'unresolved' THEN
                    CASE WHEN d.digest IS NULL THEN 'the runtime reported no digest'
                         ELSE 'no registry event or scan explains the digest' END
           END
      FROM images i
      JOIN decided d ON d.name = i.name
                    AND d.repository IS NOT DISTINCT FROM i.repository
                    AND d.digest IS NOT DISTINCT FROM i.digest
                    AND d.manifest_digest IS NOT DISTINCT FROM i.manifest_digest
$$;

-- One row per running container: the worst of its manifests.
CREATE FUNCTION coverage_containers(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, state text, reason text)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (c.instance_id) c.instance_id, c.state, c.reason
      FROM coverage_images(p_as_of, p_known) c
     ORDER BY c.instance_id, coverage_rank(c.state) DESC, c.manifest_digest
$$;

-- ---- what report reads ----

CREATE SCHEMA report_v1;

CREATE FUNCTION report_v1.horizon(known_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT GREATEST(max(l.known_at), max(l.occurred_at))
      FROM ledger l WHERE l.known_at <= horizon.known_at
$$;

CREATE FUNCTION report_v1.inventory(as_of timestamptz, known_at timestamptz)
RETURNS TABLE (uai text, manifest_digest text, asset_id uuid, repository text, tag text,
               platform text, os_name text, image_title text, image_version text,
               image_vendor text, running_containers bigint, state text, reason text,
               evidence_digest text, scan_finished_at timestamptz, scanner_name text,
               scanner_version text, database_version text, database_built_at timestamptz,
               configuration_checksum text, first_running_at timestamptz, floating boolean,
               reported_digest text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH images AS (
        SELECT c.uai, c.manifest_digest,
               CASE WHEN c.manifest_digest IS NULL THEN c.reported_digest END AS reported_digest,
               max(c.repository) AS repository, max(c.tag) AS tag, max(c.platform) AS platform,
               count(DISTINCT c.instance_id) AS running_containers,
               (array_agg(c.state ORDER BY coverage_rank(c.state) DESC))[1] AS state,
               (array_agg(c.reason ORDER BY coverage_rank(c.state) DESC))[1] AS reason,
               (array_agg(c.scan_id ORDER BY c.scan_id))[1] AS scan_id,
               min(c.started_at) AS first_running_at
          FROM coverage_images(inventory.as_of, inventory.known_at) c
         GROUP BY 1, 2, 3
    )
    SELECT i.uai, i.manifest_digest, a.asset_id, i.repository, COALESCE(a.tag, i.tag), i.platform,
           d.os_name, d.image_title, d.image_version, d.image_vendor, i.running_containers, i.state,
           i.reason, s.evidence_digest, s.finished_at, s.scanner_name, s.scanner_version,
           s.database_version, s.database_built_at, s.configuration_checksum, i.first_running_at,
           COALESCE(a.floating, false), i.reported_digest
      FROM images i
      LEFT JOIN assets a ON a.uai = i.uai
      LEFT JOIN digests_known(inventory.known_at) d ON d.digest = i.manifest_digest
      LEFT JOIN scans s ON s.scan_id = i.scan_id
     ORDER BY i.uai COLLATE "C", i.manifest_digest COLLATE "C", i.reported_digest COLLATE "C"
$$;

CREATE FUNCTION report_v1.instances(as_of timestamptz, known_at timestamptz)
RETURNS TABLE (cluster text, namespace text, pod text, container text, pod_uid text,
               container_kind text, image text, uai text, manifest_digest text, state text,
               reason text, started_at timestamptz, owner_kind text, owner_name text, node text,
               evidence_digest text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.cluster, c.namespace, c.pod, c.container, c.pod_uid, c.container_kind, c.image, c.uai,
           COALESCE(c.manifest_digest, c.reported_digest), c.state, c.reason, c.started_at,
           c.owner_kind, c.owner_name, c.node, s.evidence_digest
      FROM coverage_images(instances.as_of, instances.known_at) c
      LEFT JOIN scans s ON s.scan_id = c.scan_id
     ORDER BY c.cluster COLLATE "C", c.namespace COLLATE "C", c.pod COLLATE "C",
              c.container COLLATE "C", c.pod_uid COLLATE "C", c.manifest_digest COLLATE "C"
$$;

CREATE FUNCTION report_v1.not_running(as_of timestamptz, known_at timestamptz)
RETURNS TABLE (uai text, manifest_digest text, evidence_digest text, scan_finished_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH running AS MATERIALIZED (
        SELECT DISTINCT c.uai, COALESCE(c.manifest_digest, c.reported_digest) AS digest
          FROM coverage_images(not_running.as_of, not_running.known_at) c
    )
    SELECT DISTINCT ON (u.uai COLLATE "C", s.digest COLLATE "C")
           u.uai, s.digest, s.evidence_digest, s.finished_at
      FROM scans s
      JOIN scan_uais u ON u.scan_id = s.scan_id
     WHERE s.evidence_digest IS NOT NULL AND s.finished_at <= not_running.as_of
       AND s.known_at <= not_running.known_at
       AND NOT EXISTS (SELECT FROM running r WHERE r.uai = u.uai AND r.digest = s.digest)
     ORDER BY u.uai COLLATE "C", s.digest COLLATE "C", s.outcome = 'complete' DESC,
              s.finished_at DESC, s.scan_id
$$;

CREATE FUNCTION report_v1.totals(as_of timestamptz, known_at timestamptz)
RETURNS TABLE (state text, containers bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT n.name, count(c.instance_id)
      FROM unnest(ARRAY['covered', 'scan_expired', 'scan_failed', 'never_scanned', 'unresolved',
                        'not_in_registry', 'excluded']) WITH ORDINALITY AS n (name, place)
      LEFT JOIN coverage_containers(totals.as_of, totals.known_at) c ON c.state = n.name
     GROUP BY n.name, n.place
     ORDER BY n.place
$$;

REVOKE ALL ON SCHEMA report_v1 FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA report_v1 FROM PUBLIC;

-- Roles belong to the whole cluster and may be the administrator's business: without the right to
-- make it, whoever has it creates muster_report and runs the two grants.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'muster_report') THEN
        CREATE ROLE muster_report NOLOGIN;
    END IF;
    GRANT USAGE ON SCHEMA report_v1 TO muster_report;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA report_v1 TO muster_report;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'role muster_report is missing: create it and grant it schema report_v1';
END
$$;
