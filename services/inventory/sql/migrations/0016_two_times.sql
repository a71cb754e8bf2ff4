-- Questions about one thing, at an instant and as known then; and totals of what runs.

CREATE INDEX pod_facts_uid ON pod_facts (pod_uid);
CREATE INDEX run_facts_undigested ON run_facts (repository, tag) WHERE digest IS NULL;

-- Digests that a UAI, a digest, a pod name or a pod uid leads to: themselves, the manifests behind them, the
-- indexes above them.
CREATE FUNCTION subject_digests(p_subject text, p_known timestamptz) RETURNS TABLE (digest text)
LANGUAGE plpgsql STABLE ROWS 20 SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH named (digest) AS MATERIALIZED (
        SELECT p_subject COLLATE "C" WHERE p_subject LIKE 'sha256:%' OR p_subject LIKE 'sha512:%'
         UNION
        SELECT substr(p_subject, position('@' IN p_subject) + 1) COLLATE "C"
         WHERE position('@sha' IN p_subject) > 0
         UNION
        SELECT d.digest FROM assets a
          JOIN asset_digests d ON d.asset_id = a.asset_id AND d.known_at <= p_known
         WHERE a.uai = p_subject AND a.known_at <= p_known
         UNION
        SELECT r.digest
          FROM (SELECT n.cluster, n.pod_uid FROM pod_facts n
                 WHERE n.pod = p_subject AND n.known_at <= p_known
                 UNION
                SELECT u.cluster, u.pod_uid FROM pod_facts u
                 WHERE u.pod_uid = p_subject AND u.known_at <= p_known) p
          JOIN instances i ON i.cluster = p.cluster AND i.pod_uid = p.pod_uid
          JOIN run_facts r ON r.instance_id = i.instance_id AND r.known_at <= p_known
    )
    SELECT n.digest FROM named n WHERE n.digest IS NOT NULL
     UNION
    SELECT m.manifest FROM named n, LATERAL digest_manifests(n.digest, NULL, p_known) m
     WHERE n.digest IS NOT NULL
     UNION
    SELECT a.digest FROM named n, LATERAL digest_ancestors(n.digest, p_known) a
     WHERE n.digest IS NOT NULL;
END
$$;
CREATE OR REPLACE FUNCTION subject_digests(p_subject text) RETURNS TABLE (digest text)
LANGUAGE sql STABLE AS $$ SELECT d.digest FROM subject_digests(p_subject, 'infinity') d $$;

CREATE FUNCTION subject_uais(p_subject text, p_known timestamptz) RETURNS TABLE (uai text)
LANGUAGE plpgsql STABLE ROWS 20 SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH reached AS MATERIALIZED (SELECT s.digest FROM subject_digests(p_subject, p_known) s),
         named AS MATERIALIZED (
        SELECT a.asset_id, a.uai FROM assets a WHERE a.uai = p_subject
         UNION
        SELECT a.asset_id, a.uai FROM reached r
          JOIN asset_digests d ON d.digest = r.digest AND d.known_at <= p_known
          JOIN assets a ON a.asset_id = d.asset_id
         UNION
        SELECT a.asset_id, a.uai FROM reached r JOIN assets a ON a.digest = r.digest
    )
    SELECT l.uai FROM named n JOIN live_assets_known(p_known) l ON l.asset_id = n.asset_id;
END
$$;
CREATE OR REPLACE FUNCTION subject_uais(p_subject text) RETURNS TABLE (uai text)
LANGUAGE sql STABLE AS $$ SELECT u.uai FROM subject_uais(p_subject, 'infinity') u $$;

-- Containers that a subject leads to: of a pod, or that ever ran one of its digests, or its tag without any.
CREATE FUNCTION subject_instances(p_subject text, p_known timestamptz)
RETURNS TABLE (instance_id uuid)
LANGUAGE plpgsql STABLE ROWS 100 SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT i.instance_id
      FROM (SELECT n.cluster, n.pod_uid FROM pod_facts n
             WHERE n.pod = p_subject AND n.known_at <= p_known
             UNION
            SELECT u.cluster, u.pod_uid FROM pod_facts u
             WHERE u.pod_uid = p_subject AND u.known_at <= p_known) p
      JOIN instances i ON i.cluster = p.cluster AND i.pod_uid = p.pod_uid
     UNION
    SELECT f.instance_id
      FROM subject_digests(p_subject, p_known) d
      JOIN run_facts f ON f.digest = d.digest AND f.known_at <= p_known
     UNION
    SELECT f.instance_id
      FROM assets a
      JOIN run_facts f ON f.repository = a.repository AND f.tag = a.tag AND f.digest IS NULL
                      AND f.known_at <= p_known
     WHERE a.uai = p_subject;
END
$$;

-- runs_known of some containers only, found by index.
CREATE FUNCTION runs_of(p_instances uuid[], p_known timestamptz)
RETURNS TABLE (instance_id uuid, run_key text, image text, image_id text, repository text,
               tag text, digest text, started_at timestamptz, ended_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT e.instance_id, e.run_key, e.image, e.image_id, e.repository, e.tag, e.digest, e.started_at,
           CASE WHEN e.ended_at IS NOT NULL THEN GREATEST(e.started_at, e.ended_at) END
      FROM (SELECT m.*, LEAST(m.finished_at,
                              lead(m.started_at) OVER (PARTITION BY m.instance_id
                                                       ORDER BY m.started_at, m.run_key),
                              (SELECT min(r.removed_at)
                                 FROM instances i
                                 JOIN pod_removals r ON r.cluster = i.cluster AND r.pod_uid = i.pod_uid
                                WHERE i.instance_id = m.instance_id AND r.known_at <= p_known)) AS ended_at
              FROM (SELECT f.instance_id, f.run_key, max(f.image) AS image, max(f.image_id) AS image_id,
                           COALESCE(max(f.repository) FILTER (WHERE f.image_id IS NOT NULL),
                                    max(f.repository)) AS repository,
                           max(f.tag) AS tag,
                           COALESCE(max(f.digest) FILTER (WHERE f.image_id IS NOT NULL),
                                    max(f.digest)) AS digest,
                           COALESCE(min(f.started_at), min(f.seen_at)) AS started_at,
                           min(f.finished_at) AS finished_at
                      FROM run_facts f
                     WHERE f.known_at <= p_known AND f.instance_id = ANY (p_instances)
                     GROUP BY f.instance_id, f.run_key) m) e
$$;

-- Containers with what is known of their pods.
CREATE FUNCTION instances_of(p_instances uuid[], p_known timestamptz)
RETURNS TABLE (instance_id uuid, cluster text, pod_uid text, container text, container_kind text,
               namespace text, pod text, owner_kind text, owner_name text, node text, platform text,
               removed_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT i.instance_id, i.cluster, i.pod_uid, i.container,
           COALESCE((SELECT k.kind FROM instance_kinds k
                      WHERE k.instance_id = i.instance_id AND k.until > p_known
                      ORDER BY k.until, k.kind LIMIT 1), i.kind),
           p.namespace, p.pod, p.owner_kind, p.owner_name, p.node, p.platform,
           (SELECT min(r.removed_at) FROM pod_removals r
             WHERE r.cluster = i.cluster AND r.pod_uid = i.pod_uid AND r.known_at <= p_known)
      FROM instances i,
           LATERAL (SELECT max(f.namespace) AS namespace, max(f.pod) AS pod,
                           max(f.owner_kind) AS owner_kind, max(f.owner_name) AS owner_name,
                           max(f.node) AS node, max(f.platform) AS platform
                      FROM pod_facts f
                     WHERE f.cluster = i.cluster AND f.pod_uid = i.pod_uid AND f.known_at <= p_known) p
     WHERE i.instance_id = ANY (p_instances) AND i.known_at <= p_known
$$;

-- coverage_clocks of some containers only.
CREATE FUNCTION coverage_of(p_instances uuid[], p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, cluster text, namespace text, pod text, pod_uid text,
               container text, container_kind text, image text, repository text, tag text,
               reported_digest text, node text, owner_kind text, owner_name text,
               started_at timestamptz, uai text, manifest_digest text, platform text,
               scan_id uuid, state text, reason text, expires_at timestamptz, cause_id uuid,
               since timestamptz)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH running AS MATERIALIZED (
        SELECT DISTINCT ON (r.instance_id) r.*, n.platform AS node_platform, n.cluster, n.namespace, n.pod,
               n.pod_uid, n.container, n.container_kind, n.node, n.owner_kind, n.owner_name
          FROM runs_of(p_instances, p_known) r
          JOIN instances_of(p_instances, p_known) n ON n.instance_id = r.instance_id
         WHERE r.started_at <= p_as_of AND (r.ended_at IS NULL OR r.ended_at > p_as_of)
         ORDER BY r.instance_id, r.started_at DESC, r.run_key DESC
    ), placed AS MATERIALIZED (
        SELECT r.*, row_number() OVER () AS place FROM running r
    ), states AS MATERIALIZED (
        SELECT s.*
          FROM image_states((SELECT array_agg((p.repository, p.tag, p.digest, p.node_platform, p.image,
                                               p.started_at)::image_key ORDER BY p.place)
                               FROM placed p), p_as_of, p_known) s
    ), changed AS MATERIALIZED (
        SELECT d.*, state_since(d.repository, d.digest, d.is_manifest, d.uai, d.state, p_as_of,
                                p_known) AS since
          FROM (SELECT DISTINCT p.repository, COALESCE(s.manifest_digest, p.digest) AS digest,
                       s.manifest_digest IS NOT NULL AS is_manifest, s.uai, s.state
                  FROM placed p JOIN states s ON s.place = p.place) d
    )
    SELECT p.instance_id, p.cluster, p.namespace, p.pod, p.pod_uid, p.container, p.container_kind,
           p.image, p.repository, p.tag, p.digest, p.node, p.owner_kind, p.owner_name, p.started_at,
           s.uai, s.manifest_digest, s.platform, s.scan_id, s.state, s.reason, s.expires_at, s.cause_id,
           GREATEST(p.started_at, c.since)
      FROM placed p
      JOIN states s ON s.place = p.place
      JOIN changed c ON c.uai = s.uai AND c.state = s.state
                    AND COALESCE(c.repository, '') = COALESCE(p.repository, '')
                    AND COALESCE(c.digest, '') = COALESCE(s.manifest_digest, p.digest, '')
                    AND c.is_manifest = (s.manifest_digest IS NOT NULL);
END
$$;

-- Containers running at an instant, by 'cluster', 'namespace', 'node' or 'owner'; name NULL: not known.
CREATE FUNCTION running_totals(p_as_of timestamptz, p_known timestamptz, p_by text)
RETURNS TABLE (cluster text, name text, containers bigint)
LANGUAGE plpgsql STABLE SET enable_nestloop = off SET jit = off AS $$
#variable_conflict use_column
BEGIN
    IF p_by NOT IN ('cluster', 'namespace', 'node', 'owner') THEN
        RAISE EXCEPTION 'totals are by cluster, namespace, node or owner, not by "%"', p_by
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
    SELECT r.cluster,
           CASE p_by WHEN 'cluster' THEN r.cluster WHEN 'namespace' THEN r.namespace
                     WHEN 'node' THEN r.node ELSE r.owner_kind || '/' || r.owner_name END,
           count(*)
      FROM running_at(p_as_of, p_known) r
     GROUP BY 1, 2
     ORDER BY 1, 2;
END
$$;
