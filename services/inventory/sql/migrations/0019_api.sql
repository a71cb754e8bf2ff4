-- What the API and the reading commands ask, each of (valid at, known at), and who asked.

-- Reads and writes by people and what was refused. Written in batches beside the request: record_id
-- makes writing again what may have been written harmless.
CREATE TABLE audit_log (
    record_id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    principal text COLLATE "C" NOT NULL,
    authentication text COLLATE "C" NOT NULL
        CHECK (authentication IN ('none', 'token', 'oidc', 'certificate')),
    roles text COLLATE "C" NOT NULL, -- comma-separated
    method text COLLATE "C" NOT NULL,
    path text COLLATE "C" NOT NULL,
    parameters json NOT NULL,
    status integer NOT NULL
);
CREATE INDEX audit_log_at ON audit_log (at, record_id);
CREATE INDEX audit_log_principal ON audit_log (principal, at);

-- ---- lists ----

-- Whether anything that was so by p_valid tells of the asset. One that only a workload without a
-- digest named counts from when it was learned.
CREATE FUNCTION api_asset_was(p_asset uuid, p_repository text, p_tag text, p_digest text,
                              p_valid timestamptz, p_known timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM tag_observations o
                    WHERE o.repository = p_repository AND o.tag = p_tag
                      AND o.valid_from <= p_valid AND o.known_at <= p_known)
        OR EXISTS (SELECT FROM registry_facts f
                    WHERE f.repository = p_repository AND f.digest = p_digest
                      AND f.at <= p_valid AND f.known_at <= p_known)
        OR EXISTS (SELECT FROM asset_digests d
                     JOIN run_facts r ON r.digest = d.digest
                    WHERE d.asset_id = p_asset AND r.repository = p_repository
                      AND COALESCE(r.started_at, r.seen_at) <= p_valid AND r.known_at <= p_known)
        OR NOT EXISTS (SELECT FROM asset_digests d
                        WHERE d.asset_id = p_asset AND d.known_at <= p_known)
$$;

CREATE FUNCTION list_assets(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (uai text, asset_id uuid, repository text, tag text, floating boolean, digest text,
               digests bigint, known_since timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT a.uai, a.asset_id, a.repository, a.tag, a.floating,
           CASE WHEN a.tag IS NULL THEN a.digest
                ELSE (SELECT h.digest FROM tag_history_known(p_known) h
                       WHERE h.repository = a.repository COLLATE "C"
                         AND h.tag = a.tag COLLATE "C" -- as the index has them
                         AND h.valid_from <= p_valid AND COALESCE(h.valid_to > p_valid, true)
                       ORDER BY h.valid_from DESC, h.event_id DESC LIMIT 1)
           END,
           (SELECT count(*) FROM asset_digests d
             WHERE d.asset_id = a.asset_id AND d.known_at <= p_known),
           a.known_at
      FROM live_assets_known(p_known) a
     WHERE api_asset_was(a.asset_id, a.repository, a.tag, a.digest, p_valid, p_known)
$$;

-- One row per running container: the worst of its manifests.
CREATE FUNCTION api_containers(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, cluster text, namespace text, pod text, pod_uid text,
               container text, container_kind text, image text, repository text, uai text,
               digest text, node text, owner_kind text, owner_name text, started_at timestamptz,
               scan_id uuid, state text, reason text)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (c.instance_id) c.instance_id, c.cluster, c.namespace, c.pod, c.pod_uid,
           c.container, c.container_kind, c.image, c.repository, c.uai,
           COALESCE(c.manifest_digest, c.reported_digest), c.node, c.owner_kind, c.owner_name,
           c.started_at, c.scan_id, c.state, c.reason
      FROM coverage_images(p_valid, p_known) c
     ORDER BY c.instance_id, coverage_rank(c.state) DESC, c.manifest_digest
$$;

CREATE FUNCTION list_totals(p_valid timestamptz, p_known timestamptz, p_by text)
RETURNS TABLE (name text, state text, containers bigint)
LANGUAGE sql STABLE AS $$
    SELECT COALESCE(CASE p_by WHEN 'cluster' THEN c.cluster
                              WHEN 'namespace' THEN c.cluster || '/' || c.namespace
                              WHEN 'node' THEN c.cluster || '/' || c.node
                              WHEN 'owner' THEN c.cluster || '/' || c.namespace || '/'
                                                || c.owner_kind || '/' || c.owner_name
                              WHEN 'repository' THEN c.repository
                              WHEN 'asset' THEN c.uai END, '') COLLATE "C",
           c.state, count(*)
      FROM api_containers(p_valid, p_known) c
     GROUP BY 1, 2
$$;

-- What became of a UAI, a digest or a pod, in order.
CREATE FUNCTION list_history(p_valid timestamptz, p_known timestamptz, p_subject text)
RETURNS TABLE (at timestamptz, kind text, subject text, detail text, known_at timestamptz,
               event_id uuid)
LANGUAGE sql STABLE AS $$
    WITH own AS MATERIALIZED (
        SELECT d.digest FROM subject_digests(p_subject, p_known) d
    ), happened (at, kind, subject, detail, known_at, event_id) AS (
        SELECT o.valid_from, CASE WHEN o.digest IS NULL THEN 'tag_deleted' ELSE 'tag_set' END,
               o.repository || ':' || o.tag, o.digest, o.known_at, o.event_id
          FROM tag_observations o
         WHERE o.digest IN (SELECT digest FROM own) OR o.repository || ':' || o.tag = p_subject
         UNION ALL
        SELECT f.at, 'image_' || f.state, f.repository, f.digest, f.known_at, f.event_id
          FROM registry_facts f WHERE f.digest IN (SELECT digest FROM own)
         UNION ALL
        SELECT s.finished_at, 'scan_' || s.outcome, s.digest,
               COALESCE(s.evidence_digest, s.failure_code || ': ' || s.failure_message),
               s.known_at, s.scan_id
          FROM scans s WHERE s.digest IN (SELECT digest FROM own)
         UNION ALL
        SELECT e.at, e.kind, concat_ws('/', i.cluster, p.namespace, p.pod, i.container), r.digest,
               i.known_at, i.event_id
          FROM runs_known(p_known) r
          JOIN instances i ON i.instance_id = r.instance_id
          JOIN pods_known(p_known) p ON p.cluster = i.cluster AND p.pod_uid = i.pod_uid
         CROSS JOIN LATERAL (VALUES (r.started_at, 'run_started'), (r.ended_at, 'run_ended'))
               AS e (at, kind)
         WHERE e.at IS NOT NULL
           AND (p.pod = p_subject OR p.pod_uid = p_subject
                OR r.repository || ':' || r.tag = p_subject
                OR r.digest IN (SELECT digest FROM own)
                   AND NOT EXISTS (SELECT FROM pod_facts q
                                    WHERE q.pod = p_subject OR q.pod_uid = p_subject))
         UNION ALL
        SELECT x.valid_from, 'excluded', x.uai, x.reason || ' (' || x.author || ')', x.known_at,
               x.exclusion_id
          FROM exclusions x WHERE x.uai = p_subject
         UNION ALL
        SELECT f.opened_at, 'failure_opened', f.repository || '@' || f.digest,
               f.code || ': ' || f.message, f.known_at, f.failure_id
          FROM detection_failures f WHERE f.digest IN (SELECT digest FROM own)
         UNION ALL
        SELECT f.closed_at, 'failure_closed', f.repository || '@' || f.digest, f.code,
               f.closed_known_at, f.failure_id
          FROM detection_failures f
         WHERE f.digest IN (SELECT digest FROM own) AND f.closed_at IS NOT NULL
    )
    SELECT h.at, h.kind, h.subject, h.detail, h.known_at, h.event_id
      FROM happened h WHERE h.at <= p_valid AND h.known_at <= p_known
$$;

-- What ran behind a pod (name, uid, namespace/name), node, owner, UAI or digest at the instant.
CREATE FUNCTION list_whowas(p_valid timestamptz, p_known timestamptz, p_subject text)
RETURNS TABLE (instance_id uuid, cluster text, namespace text, pod text, pod_uid text,
               container text, container_kind text, node text, owner_kind text, owner_name text,
               image text, uai text, digest text, started_at timestamptz, ended_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT r.instance_id, r.cluster, r.namespace, r.pod, r.pod_uid, r.container, r.container_kind,
           r.node, r.owner_kind, r.owner_name, r.image, r.uai, r.digest, r.started_at, r.ended_at
      FROM running_known(p_valid, p_known) r
     WHERE p_subject IN (r.pod, r.pod_uid, r.namespace || '/' || r.pod, r.node, r.owner_name,
                         r.owner_kind || '/' || r.owner_name, r.uai, r.digest, r.image)
        OR r.digest IN (SELECT d.digest FROM subject_digests(p_subject, p_known) d
                         WHERE p_subject LIKE 'sha%:%')
$$;

CREATE FUNCTION list_sources(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (source text, source_kind text, state text, since timestamptz,
               last_event_at timestamptz, silent_after_seconds bigint,
               usual_interval_seconds bigint, last_error text)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (r.source) r.source, r.source_kind, r.state, r.observed_at, r.last_event_at,
           r.silent_after_seconds, r.usual_interval_seconds, r.last_error
      FROM source_reports r
     WHERE r.observed_at <= p_valid AND r.known_at <= p_known
     ORDER BY r.source, r.observed_at DESC, r.event_id DESC
$$;

CREATE FUNCTION list_failures(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (failure_id uuid, state text, code text, message text, repository text, digest text,
               source text, attempts integer, opened_at timestamptz, closed_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT f.failure_id, CASE WHEN c.closed_at IS NULL THEN 'open' ELSE 'closed' END, f.code,
           f.message, f.repository, f.digest, f.source, f.attempts, f.opened_at, c.closed_at
      FROM detection_failures f
      LEFT JOIN LATERAL (SELECT f.closed_at WHERE f.closed_at <= p_valid
                            AND f.closed_known_at <= p_known) c ON true
     WHERE f.opened_at <= p_valid AND f.known_at <= p_known
$$;

-- Findings of the newest complete scan of each digest under each name.
CREATE FUNCTION list_findings(p_valid timestamptz, p_known timestamptz, p_uai text, p_digest text)
RETURNS TABLE (uai text, digest text, ordinal integer, vulnerability text, severity text,
               package text, version text, fixed_version text, ecosystem text, purl text,
               status text, evidence text, scanned_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH newest AS MATERIALIZED (
        SELECT DISTINCT ON (u.uai, s.digest) u.uai, s.digest, s.evidence_digest, s.finished_at
          FROM scans s
          JOIN scan_uais u ON u.scan_id = s.scan_id
         WHERE s.outcome = 'complete' AND s.finished_at <= p_valid AND s.known_at <= p_known
           AND (p_uai IS NULL OR u.uai = p_uai) AND (p_digest IS NULL OR s.digest = p_digest)
         ORDER BY u.uai, s.digest, s.finished_at DESC, s.scan_id
    )
    SELECT n.uai, n.digest, f.ordinal, f.vulnerability_id, f.severity, f.package_name,
           f.package_version, f.fixed_version, f.package_ecosystem, f.package_purl, f.status,
           n.evidence_digest, n.finished_at
      FROM newest n
      JOIN findings f ON f.evidence_digest = n.evidence_digest
$$;

-- What differs between two instants, as known at one; each row with one cause. A container that
-- changed its image has one row, whatever that did to its state.
CREATE FUNCTION list_diff(p_known timestamptz, p_from timestamptz, p_to timestamptz)
RETURNS TABLE (change text, subject text, from_image text, to_image text, from_digest text,
               to_digest text, from_state text, to_state text, cause text, cause_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH before AS MATERIALIZED (
        SELECT c.* FROM api_containers(p_from, p_known) c
    ), after AS MATERIALIZED (
        SELECT c.* FROM api_containers(p_to, p_known) c
    ), differing AS MATERIALIZED (
        SELECT COALESCE(b.instance_id, a.instance_id) AS instance_id,
               CASE WHEN b.instance_id IS NULL THEN 'container_started'
                    WHEN a.instance_id IS NULL THEN 'container_stopped'
                    WHEN b.started_at <> a.started_at
                         AND (b.digest, b.uai) IS DISTINCT FROM (a.digest, a.uai)
                         THEN 'image_changed'
                    WHEN (b.digest, b.uai) IS DISTINCT FROM (a.digest, a.uai) THEN 'image_resolved'
                    ELSE 'state_changed' END AS change,
               concat_ws('/', COALESCE(b.cluster, a.cluster), COALESCE(b.namespace, a.namespace),
                         COALESCE(b.pod, a.pod), COALESCE(b.container, a.container)) AS subject,
               b.uai AS from_image, a.uai AS to_image, b.digest AS from_digest,
               a.digest AS to_digest, b.state AS from_state, a.state AS to_state,
               a.started_at, a.scan_id, a.repository,
               COALESCE(b.cluster, a.cluster) AS cluster, COALESCE(b.pod_uid, a.pod_uid) AS pod_uid
          FROM before b
          FULL JOIN after a ON a.instance_id = b.instance_id
         WHERE (b.instance_id, b.digest, b.uai, b.state)
               IS DISTINCT FROM (a.instance_id, a.digest, a.uai, a.state)
    ), ended AS MATERIALIZED (
        SELECT r.instance_id, max(r.ended_at) AS at
          FROM runs_known(p_known) r
         WHERE r.ended_at > p_from AND r.ended_at <= p_to
           AND r.instance_id IN (SELECT d.instance_id FROM differing d
                                  WHERE d.change = 'container_stopped')
         GROUP BY r.instance_id
    ), removed AS MATERIALIZED (
        SELECT r.cluster, r.pod_uid, min(r.removed_at) AS at
          FROM pod_removals r WHERE r.known_at <= p_known
         GROUP BY r.cluster, r.pod_uid
    )
    SELECT d.change, d.subject, d.from_image, d.to_image, d.from_digest, d.to_digest,
           d.from_state, d.to_state, c.cause, c.at
      FROM differing d
      LEFT JOIN ended e ON e.instance_id = d.instance_id
      LEFT JOIN removed m ON m.cluster = d.cluster AND m.pod_uid = d.pod_uid
      LEFT JOIN scans s ON s.scan_id = d.scan_id
     CROSS JOIN LATERAL (
        SELECT f.state, f.at FROM (VALUES (1)) AS one (row)
          LEFT JOIN LATERAL (SELECT g.state, g.at FROM registry_facts g
                              WHERE g.repository = d.repository AND g.digest = d.to_digest
                                AND g.at <= p_to AND g.known_at <= p_known
                              ORDER BY g.at DESC, g.event_id DESC LIMIT 1) f ON true) g
     CROSS JOIN LATERAL (
        SELECT x.cause, x.at FROM (VALUES
            (1, d.change = 'container_started', 'started', d.started_at),
            (2, d.change = 'container_stopped' AND m.at IS NOT DISTINCT FROM e.at, 'pod_removed', e.at),
            (3, d.change = 'container_stopped', 'finished', e.at),
            (4, d.change = 'image_changed', 'restarted', d.started_at),
            (5, d.change = 'image_resolved', 'digest_or_tag_learned', NULL),
            (6, d.to_state = 'excluded', 'exclusion_began', NULL),
            (7, d.from_state = 'excluded', 'exclusion_ended', NULL),
            (8, d.to_state = 'covered', 'scan_completed', s.finished_at),
            (9, d.to_state = 'scan_expired', 'scan_expired', s.finished_at + scan_window()),
            (10, d.to_state = 'scan_failed', 'scan_failed', s.finished_at),
            (11, d.to_state = 'not_in_registry' AND g.state = 'deleted', 'registry_deleted', g.at),
            (12, d.to_state = 'not_in_registry', 'registry_missing', g.at),
            (13, d.from_state = 'not_in_registry', 'registry_pushed', g.at),
            (14, d.from_state = 'unresolved', 'digest_resolved', NULL),
            (15, true, 'manifests_learned', NULL)) AS x (rank, applies, cause, at)
         WHERE x.applies ORDER BY x.rank LIMIT 1) c
     UNION ALL
    SELECT CASE WHEN b.digest IS NULL THEN 'tag_created' WHEN a.digest IS NULL THEN 'tag_deleted'
                ELSE 'tag_moved' END,
           t.repository || ':' || t.tag, NULL, NULL, b.digest, a.digest, NULL, NULL,
           CASE WHEN a.digest IS NOT NULL THEN 'pushed' ELSE 'deleted' END,
           COALESCE(a.valid_from, (SELECT max(h.valid_to) FROM tag_history_known(p_known) h
                                    WHERE h.repository = t.repository AND h.tag = t.tag
                                      AND h.valid_to <= p_to))
      FROM (SELECT DISTINCT o.repository, o.tag FROM tag_observations o
             WHERE o.known_at <= p_known AND o.valid_from <= p_to) t
      LEFT JOIN LATERAL (SELECT h.digest, h.valid_from FROM tag_history_known(p_known) h
                          WHERE h.repository = t.repository AND h.tag = t.tag
                            AND h.valid_from <= p_from AND COALESCE(h.valid_to > p_from, true)
                          ORDER BY h.valid_from DESC, h.event_id DESC LIMIT 1) b ON true
      LEFT JOIN LATERAL (SELECT h.digest, h.valid_from FROM tag_history_known(p_known) h
                          WHERE h.repository = t.repository AND h.tag = t.tag
                            AND h.valid_from <= p_to AND COALESCE(h.valid_to > p_to, true)
                          ORDER BY h.valid_from DESC, h.event_id DESC LIMIT 1) a ON true
     WHERE b.digest IS DISTINCT FROM a.digest
$$;

-- The same containers for the same seed: a first one of each asset before a second one of any.
CREATE FUNCTION list_sample(p_valid timestamptz, p_known timestamptz, p_seed text, p_n bigint)
RETURNS TABLE (place bigint, uai text, digest text, cluster text, namespace text, pod text,
               pod_uid text, container text, state text, reason text, evidence text,
               scanned_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH drawn AS (
        SELECT c.*, row_number() OVER (PARTITION BY c.uai
                                       ORDER BY sha256(convert_to(p_seed || '/' || c.instance_id, 'UTF8'))) AS turn
          FROM api_containers(p_valid, p_known) c
    )
    SELECT row_number() OVER (ORDER BY d.turn, sha256(convert_to(p_seed || '/' || d.uai, 'UTF8')), d.uai), d.uai, d.digest,
           d.cluster, d.namespace, d.pod, d.pod_uid, d.container, d.state, d.reason,
           s.evidence_digest, s.finished_at
      FROM drawn d
      LEFT JOIN scans s ON s.scan_id = d.scan_id
     ORDER BY d.turn, sha256(convert_to(p_seed || '/' || d.uai, 'UTF8')), d.uai
     LIMIT p_n
$$;

-- Received = applied + quarantined + duplicates, topic by topic.
-- ledger_balance by topic.
CREATE FUNCTION list_ledger()
RETURNS TABLE (topic text, received bigint, applied bigint, quarantined bigint, duplicates bigint,
               difference bigint)
LANGUAGE sql STABLE AS $$
    SELECT p.topic, p.received, p.applied, p.quarantined, p.duplicates,
           p.received - p.applied - p.quarantined - p.duplicates
      FROM (SELECT s.topic, sum(s.received)::bigint AS received, sum(s.applied)::bigint AS applied,
                   sum(s.quarantined)::bigint AS quarantined, sum(s.duplicates)::bigint AS duplicates
              FROM positions s GROUP BY s.topic) p
$$;
