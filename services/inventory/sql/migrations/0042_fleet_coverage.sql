-- Coverage of whole fleets: what was computed for each container, or for each image, is computed once for each distinct image and target,
-- from what is kept of them.

-- ---- what runs ----

-- The containers running at an instant, each once, of these or (NULL) of all, with what is known of their pods. What was learned since
-- runs were kept is computed from the facts and has no image_no.
DROP FUNCTION running_at(timestamptz, timestamptz);
CREATE FUNCTION running_of(p_instances uuid[], p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, image_no integer, cluster text, namespace text, pod text, pod_uid text, container text,
               container_kind text, image text, repository text, tag text, digest text, platform text, node text,
               owner_kind text, owner_name text, started_at timestamptz, ended_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 100000
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_runs timestamptz := run_spans_known();
    v_late uuid[];
BEGIN
    IF p_known > v_runs THEN
        v_late := NULLIF(ARRAY(SELECT DISTINCT l.instance_id FROM instances_learned(v_runs, p_known) l
                                WHERE p_instances IS NULL OR l.instance_id = ANY (p_instances)), '{}');
    END IF;
    RETURN QUERY
    WITH spans AS (
        SELECT s.instance_id, s.image_no, s.place_no, s.started_at, s.ended_at
          FROM run_spans s
         WHERE s.known_until = 'infinity' AND s.ended_at > p_as_of AND s.started_at <= p_as_of AND s.known_from <= p_known
           AND (p_instances IS NULL OR s.instance_id = ANY (p_instances))
           AND (v_late IS NULL OR s.instance_id <> ALL (v_late))
         UNION ALL
        SELECT s.instance_id, s.image_no, s.place_no, s.started_at, s.ended_at
          FROM run_spans s
         WHERE p_known < v_runs AND s.known_until <> 'infinity' AND s.known_until > p_known
           AND s.ended_at > p_as_of AND s.started_at <= p_as_of AND s.known_from <= p_known
           AND (p_instances IS NULL OR s.instance_id = ANY (p_instances))
    ), kinds AS MATERIALIZED (
        SELECT DISTINCT ON (k.instance_id) k.instance_id, k.kind FROM instance_kinds k
         WHERE k.until > p_known
         ORDER BY k.instance_id, k.until, k.kind
    )
    SELECT s.instance_id, s.image_no, p.cluster, p.namespace, p.pod, p.pod_uid, i.container, COALESCE(k.kind, i.kind), m.image,
           m.repository, m.tag, m.digest, m.platform, p.node, p.owner_kind, p.owner_name, s.started_at,
           NULLIF(s.ended_at, 'infinity')
      FROM spans s
      JOIN instances i ON i.instance_id = s.instance_id
      JOIN run_places p ON p.place_no = s.place_no
      JOIN run_images m ON m.image_no = s.image_no
      LEFT JOIN kinds k ON k.instance_id = s.instance_id;

    RETURN QUERY
    SELECT r.instance_id, NULL::integer, n.cluster, n.namespace, n.pod, n.pod_uid, n.container, n.container_kind, r.image,
           r.repository, r.tag, r.digest, n.platform, n.node, n.owner_kind, n.owner_name, r.started_at, r.ended_at
      FROM runs_of(v_late, p_known) r
      JOIN instances_of(v_late, p_known) n ON n.instance_id = r.instance_id
     WHERE r.started_at <= p_as_of AND (r.ended_at IS NULL OR r.ended_at > p_as_of);
END
$$;

-- The same of all, with the UAI of its image.
DROP FUNCTION running_known(timestamptz, timestamptz);
CREATE FUNCTION running_known(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, cluster text, namespace text, pod text, pod_uid text, container text, container_kind text,
               image text, repository text, tag text, digest text, platform text, node text, owner_kind text,
               owner_name text, started_at timestamptz, ended_at timestamptz, uai text)
LANGUAGE sql STABLE AS $$
    SELECT r.instance_id, r.cluster, r.namespace, r.pod, r.pod_uid, r.container, r.container_kind, r.image, r.repository, r.tag,
           r.digest, r.platform, r.node, r.owner_kind, r.owner_name, r.started_at, r.ended_at,
           CASE WHEN r.repository IS NULL THEN NULL
                WHEN r.tag IS NOT NULL THEN r.repository || ':' || r.tag
                WHEN r.digest IS NOT NULL THEN
                     pinned_uai(r.repository, r.digest, r.started_at, p_as_of, p_known)
           END
      FROM running_of(NULL, p_as_of, p_known) r
$$;

-- Containers running at an instant, by 'cluster', 'namespace', 'node' or 'owner'; name NULL: not known.
CREATE OR REPLACE FUNCTION running_totals(p_as_of timestamptz, p_known timestamptz, p_by text)
RETURNS TABLE (cluster text, name text, containers bigint)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_runs timestamptz := run_spans_known();
    v_late uuid[];
BEGIN
    IF p_by NOT IN ('cluster', 'namespace', 'node', 'owner') THEN
        RAISE EXCEPTION 'totals are by cluster, namespace, node or owner, not by "%"', p_by
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_known > v_runs THEN
        v_late := NULLIF(ARRAY(SELECT DISTINCT l.instance_id FROM instances_learned(v_runs, p_known) l), '{}');
    END IF;
    RETURN QUERY
    WITH counted AS (
        SELECT s.place_no, count(*) AS containers
          FROM run_spans s
         WHERE s.known_until = 'infinity' AND s.ended_at > p_as_of AND s.started_at <= p_as_of AND s.known_from <= p_known
         GROUP BY s.place_no
         UNION ALL
        SELECT s.place_no, count(*)
          FROM run_spans s
         WHERE p_known < v_runs AND s.known_until <> 'infinity' AND s.known_until > p_known
           AND s.ended_at > p_as_of AND s.started_at <= p_as_of AND s.known_from <= p_known
         GROUP BY s.place_no
         UNION ALL -- what is known otherwise since
        SELECT s.place_no, -count(*)
          FROM run_spans s
         WHERE s.instance_id = ANY (v_late) AND s.known_until = 'infinity'
           AND s.ended_at > p_as_of AND s.started_at <= p_as_of AND s.known_from <= p_known
         GROUP BY s.place_no
    ), places AS (
        SELECT p.cluster, p.namespace, p.node, p.owner_kind, p.owner_name, c.containers
          FROM counted c
          JOIN run_places p ON p.place_no = c.place_no
         UNION ALL
        SELECT n.cluster, n.namespace, n.node, n.owner_kind, n.owner_name, 1
          FROM runs_of(v_late, p_known) r
          JOIN instances_of(v_late, p_known) n ON n.instance_id = r.instance_id
         WHERE r.started_at <= p_as_of AND (r.ended_at IS NULL OR r.ended_at > p_as_of)
    )
    SELECT p.cluster,
           CASE p_by WHEN 'cluster' THEN p.cluster WHEN 'namespace' THEN p.namespace
                     WHEN 'node' THEN p.node ELSE p.owner_kind || '/' || p.owner_name END,
           sum(p.containers)::bigint
      FROM places p
     GROUP BY 1, 2
    HAVING sum(p.containers) > 0
     ORDER BY 1, 2;
END
$$;

-- ---- coverage, container by container ----

-- One row per running container, of these or (NULL) of all, and platform manifest behind it; manifest_digest NULL when there is none
-- known. With the clocks: since when it is in its state (this run of it), until when, and by which event.
CREATE FUNCTION coverage_rows_of(p_instances uuid[], p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, cluster text, namespace text, pod text, pod_uid text,
               container text, container_kind text, image text, repository text, tag text,
               reported_digest text, node text, owner_kind text, owner_name text,
               started_at timestamptz, uai text, manifest_digest text, platform text,
               scan_id uuid, state text, reason text, expires_at timestamptz, cause_id uuid,
               since timestamptz)
LANGUAGE plpgsql STABLE ROWS 100000
SET plan_cache_mode = force_custom_plan SET enable_nestloop = off SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_cover timestamptz := cover_known();
    v_changed integer[];
BEGIN
    IF p_known > v_cover THEN
        v_changed := NULLIF(ARRAY(SELECT l.image_no FROM images_learned(v_cover, p_known) l), '{}');
    END IF;
    RETURN QUERY
    WITH running AS MATERIALIZED (
        SELECT r.*, g.target_no, g.platform AS target_platform,
               CASE WHEN g.target_no IS NULL AND r.tag IS NULL THEN r.started_at END AS pinned_at
          FROM running_of(p_instances, p_as_of, p_known) r
          LEFT JOIN image_targets g ON g.image_no = r.image_no AND g.known_from <= p_known
                                   AND g.valid_from <= p_as_of AND g.valid_to > p_as_of
                                   AND (v_changed IS NULL OR g.image_no <> ALL (v_changed))
    ), targets AS MATERIALIZED (
        SELECT c.*, row_number() OVER () AS place
          FROM cover_targets c
         WHERE c.target_no IN (SELECT r.target_no FROM running r)
    ), keys AS MATERIALIZED (
        SELECT k.*, row_number() OVER () AS place
          FROM (SELECT DISTINCT r.repository, r.tag, r.digest, r.platform, r.image, r.pinned_at
                  FROM running r WHERE r.target_no IS NULL) k
    ), states AS MATERIALIZED (
        SELECT t.place, NULL::bigint AS key_place, t.target_no, t.repository, t.digest, t.is_manifest, t.name,
               CASE WHEN t.is_manifest THEN t.digest END AS manifest_digest, NULL AS platform,
               s.scan_id, s.state, s.reason, s.expires_at, s.cause_id
          FROM target_states((SELECT array_agg((t.target_no, t.repository, t.digest, t.is_manifest, t.name)::cover_key
                                               ORDER BY t.place) FROM targets t), p_as_of, p_known) s
          JOIN targets t ON t.place = s.place
         UNION ALL
        SELECT (SELECT count(*) FROM targets) + row_number() OVER (), s.place, NULL, k.repository,
               COALESCE(s.manifest_digest, k.digest), s.manifest_digest IS NOT NULL, s.uai, s.manifest_digest, s.platform,
               s.scan_id, s.state, s.reason, s.expires_at, s.cause_id
          FROM image_states((SELECT array_agg((k.repository, k.tag, k.digest, k.platform, k.image,
                                               k.pinned_at)::image_key ORDER BY k.place)
                               FROM keys k), p_as_of, p_known) s
          JOIN keys k ON k.place = s.place
    ), dated AS MATERIALIZED (
        SELECT s.*, c.since
          FROM states_since((SELECT array_agg((s.target_no, s.repository, s.digest, s.is_manifest, s.name)::cover_key
                                              ORDER BY s.place) FROM states s),
                            (SELECT array_agg(s.state ORDER BY s.place) FROM states s), p_as_of, p_known) c
          JOIN states s ON s.place = c.place
    )
    SELECT r.instance_id, r.cluster, r.namespace, r.pod, r.pod_uid, r.container, r.container_kind,
           r.image, r.repository, r.tag, r.digest, r.node, r.owner_kind, r.owner_name, r.started_at,
           d.name, d.manifest_digest, r.target_platform, d.scan_id, d.state, d.reason, d.expires_at, d.cause_id,
           GREATEST(r.started_at, d.since)
      FROM running r
      JOIN dated d ON d.target_no = r.target_no
     UNION ALL
    SELECT r.instance_id, r.cluster, r.namespace, r.pod, r.pod_uid, r.container, r.container_kind,
           r.image, r.repository, r.tag, r.digest, r.node, r.owner_kind, r.owner_name, r.started_at,
           d.name, d.manifest_digest, d.platform, d.scan_id, d.state, d.reason, d.expires_at, d.cause_id,
           GREATEST(r.started_at, d.since)
      FROM running r
      JOIN keys k ON k.image = r.image
                 AND COALESCE(k.repository, '') = COALESCE(r.repository, '')
                 AND COALESCE(k.tag, '') = COALESCE(r.tag, '')
                 AND COALESCE(k.digest, '') = COALESCE(r.digest, '')
                 AND COALESCE(k.platform, '') = COALESCE(r.platform, '')
                 AND COALESCE(k.pinned_at, 'infinity') = COALESCE(r.pinned_at, 'infinity')
      JOIN dated d ON d.key_place = k.place
     WHERE r.target_no IS NULL;
END
$$;

DROP FUNCTION coverage_rows(timestamptz, timestamptz);
CREATE OR REPLACE FUNCTION coverage_clocks(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, cluster text, namespace text, pod text, pod_uid text,
               container text, container_kind text, image text, repository text, tag text,
               reported_digest text, node text, owner_kind text, owner_name text,
               started_at timestamptz, uai text, manifest_digest text, platform text,
               scan_id uuid, state text, reason text, expires_at timestamptz, cause_id uuid,
               since timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT c.* FROM coverage_rows_of(NULL, p_as_of, p_known) c
$$;

CREATE OR REPLACE FUNCTION coverage_images(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, cluster text, namespace text, pod text, pod_uid text,
               container text, container_kind text, image text, repository text, tag text,
               reported_digest text, node text, owner_kind text, owner_name text,
               started_at timestamptz, uai text, manifest_digest text, platform text,
               scan_id uuid, state text, reason text)
LANGUAGE sql STABLE AS $$
    SELECT c.instance_id, c.cluster, c.namespace, c.pod, c.pod_uid, c.container, c.container_kind,
           c.image, c.repository, c.tag, c.reported_digest, c.node, c.owner_kind, c.owner_name,
           c.started_at, c.uai, c.manifest_digest, c.platform, c.scan_id, c.state, c.reason
      FROM coverage_rows_of(NULL, p_as_of, p_known) c
$$;

-- coverage_clocks of some containers only: few from the facts, found by index and planned once a session; many by sets.
CREATE OR REPLACE FUNCTION coverage_of(p_instances uuid[], p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, cluster text, namespace text, pod text, pod_uid text,
               container text, container_kind text, image text, repository text, tag text,
               reported_digest text, node text, owner_kind text, owner_name text,
               started_at timestamptz, uai text, manifest_digest text, platform text,
               scan_id uuid, state text, reason text, expires_at timestamptz, cause_id uuid,
               since timestamptz)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
BEGIN
    IF cardinality(p_instances) > 500 THEN
        RETURN QUERY SELECT c.* FROM coverage_rows_of(p_instances, p_as_of, p_known) c;
        RETURN;
    END IF;
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
    ), targets AS MATERIALIZED (
        SELECT d.*, row_number() OVER () AS place
          FROM (SELECT DISTINCT p.repository, COALESCE(s.manifest_digest, p.digest) AS digest,
                       s.manifest_digest IS NOT NULL AS is_manifest, s.uai, s.state
                  FROM placed p JOIN states s ON s.place = p.place) d
    ), changed AS MATERIALIZED (
        SELECT t.*, c.since
          FROM states_since((SELECT array_agg((NULL, t.repository, t.digest, t.is_manifest, t.uai)::cover_key ORDER BY t.place)
                               FROM targets t),
                            (SELECT array_agg(t.state ORDER BY t.place) FROM targets t), p_as_of, p_known) c
          JOIN targets t ON t.place = c.place
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
DROP FUNCTION state_since(text, text, boolean, text, text, timestamptz, timestamptz);

-- ---- by image ----

-- Containers running at an instant whose run or image is computed from the facts: what is known of them is not what is kept, or their
-- name depends on when they started.
CREATE FUNCTION containers_computed(p_as_of timestamptz, p_known timestamptz) RETURNS uuid[]
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_runs timestamptz := run_spans_known();
    v_cover timestamptz := cover_known();
    v_late uuid[] := '{}';
    v_changed integer[] := '{}';
BEGIN
    IF p_known > v_runs THEN
        v_late := ARRAY(SELECT DISTINCT l.instance_id FROM instances_learned(v_runs, p_known) l);
    END IF;
    IF p_known > v_cover THEN
        v_changed := ARRAY(SELECT l.image_no FROM images_learned(v_cover, p_known) l);
    END IF;
    RETURN v_late || ARRAY(
        SELECT s.instance_id
          FROM run_images i
          JOIN run_spans s ON s.image_no = i.image_no
         WHERE (i.image_no = ANY (v_changed)
                OR NOT EXISTS (SELECT FROM image_targets g
                                WHERE g.image_no = i.image_no AND g.known_from <= p_known
                                  AND g.valid_from <= p_as_of AND g.valid_to > p_as_of))
           AND s.started_at <= p_as_of AND s.ended_at > p_as_of AND s.known_from <= p_known
           AND (s.known_until > p_known OR s.known_until = 'infinity')
           AND s.instance_id <> ALL (v_late));
END
$$;

-- How many of the others run, by image and place.
CREATE FUNCTION running_kept(p_computed uuid[], p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (image_no integer, place_no integer, containers bigint)
LANGUAGE plpgsql STABLE ROWS 100000
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT s.image_no, s.place_no, count(*)
      FROM run_spans s
     WHERE s.known_until = 'infinity' AND s.ended_at > p_as_of AND s.started_at <= p_as_of AND s.known_from <= p_known
       AND s.instance_id <> ALL (p_computed)
     GROUP BY s.image_no, s.place_no;
    IF p_known < run_spans_known() THEN
        RETURN QUERY
        SELECT s.image_no, s.place_no, count(*)
          FROM run_spans s
         WHERE s.known_until <> 'infinity' AND s.known_until > p_known
           AND s.ended_at > p_as_of AND s.started_at <= p_as_of AND s.known_from <= p_known
           AND s.instance_id <> ALL (p_computed)
         GROUP BY s.image_no, s.place_no;
    END IF;
END
$$;

-- What is said of each of these images: a row for each target of it.
CREATE FUNCTION kept_states(p_images integer[], p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (image_no integer, name text, digest text, scan_id uuid, state text)
LANGUAGE plpgsql STABLE ROWS 10000
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH placed AS MATERIALIZED (
        SELECT g.image_no, g.target_no
          FROM image_targets g
         WHERE g.image_no = ANY (p_images) AND g.known_from <= p_known AND g.valid_from <= p_as_of AND g.valid_to > p_as_of
    ), targets AS MATERIALIZED (
        SELECT c.*, row_number() OVER () AS place
          FROM cover_targets c
         WHERE c.target_no IN (SELECT p.target_no FROM placed p)
    )
    SELECT p.image_no, t.name, t.digest, s.scan_id, s.state
      FROM target_states((SELECT array_agg((t.target_no, t.repository, t.digest, t.is_manifest, t.name)::cover_key ORDER BY t.place)
                            FROM targets t), p_as_of, p_known) s
      JOIN targets t ON t.place = s.place
      JOIN placed p ON p.target_no = t.target_no;
END
$$;

-- The 30-day window of every running image, and whether the database was young enough: updated within
-- the 24 hours before the scan (RA-5(2)).
CREATE OR REPLACE FUNCTION image_clocks_known(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (uai text, manifest text, state text, containers bigint, scanned_at timestamptz,
               expires_at timestamptz, scanner text, database_built_at timestamptz,
               database_age interval, database_stale boolean)
LANGUAGE plpgsql STABLE ROWS 10000
SET plan_cache_mode = force_custom_plan SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_computed uuid[] := containers_computed(p_valid, p_known);
BEGIN
    RETURN QUERY
    WITH running AS MATERIALIZED (
        SELECT k.image_no, sum(k.containers)::bigint AS containers
          FROM running_kept(v_computed, p_valid, p_known) k
         GROUP BY k.image_no
    ), told AS (
        SELECT s.name AS uai, s.digest, s.state, s.scan_id, r.containers
          FROM kept_states(ARRAY(SELECT r.image_no FROM running r), p_valid, p_known) s
          JOIN running r ON r.image_no = s.image_no
         UNION ALL
        SELECT c.uai, COALESCE(c.manifest_digest, c.reported_digest), c.state, c.scan_id, count(DISTINCT c.instance_id)
          FROM coverage_of(v_computed, p_valid, p_known) c
         GROUP BY 1, 2, 3, 4
    )
    SELECT t.uai, t.digest, t.state, t.containers, s.finished_at,
           CASE WHEN s.outcome = 'complete' THEN s.finished_at + scan_window() END,
           s.scanner_name || ' ' || s.scanner_version, s.database_built_at,
           s.started_at - s.database_built_at,
           s.outcome = 'complete'
               AND COALESCE(s.started_at - s.database_built_at > database_max_age(), true)
      FROM (SELECT t.uai, t.digest, t.state, t.scan_id, sum(t.containers)::bigint AS containers
              FROM told t GROUP BY 1, 2, 3, 4) t
      LEFT JOIN scans s ON s.scan_id = t.scan_id;
END
$$;

-- Containers by where they run, or what, and by state; of several manifests the worst counts.
CREATE OR REPLACE FUNCTION list_totals(p_valid timestamptz, p_known timestamptz, p_by text)
RETURNS TABLE (name text, state text, containers bigint)
LANGUAGE plpgsql STABLE ROWS 1000
SET plan_cache_mode = force_custom_plan SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_computed uuid[] := containers_computed(p_valid, p_known);
BEGIN
    RETURN QUERY
    WITH running AS MATERIALIZED (
        SELECT k.* FROM running_kept(v_computed, p_valid, p_known) k
    ), worst AS MATERIALIZED (
        SELECT s.image_no, max(s.name) AS uai, (array_agg(s.state ORDER BY coverage_rank(s.state) DESC))[1] AS state
          FROM kept_states(ARRAY(SELECT DISTINCT r.image_no FROM running r), p_valid, p_known) s
         GROUP BY s.image_no
    ), told AS (
        SELECT p.cluster, p.namespace, p.node, p.owner_kind, p.owner_name, i.repository, w.uai, w.state, r.containers
          FROM running r
          JOIN worst w ON w.image_no = r.image_no
          JOIN run_images i ON i.image_no = r.image_no
          JOIN run_places p ON p.place_no = r.place_no
         UNION ALL
        SELECT c.cluster, c.namespace, c.node, c.owner_kind, c.owner_name, c.repository, c.uai, c.state, 1
          FROM (SELECT DISTINCT ON (c.instance_id) c.* FROM coverage_of(v_computed, p_valid, p_known) c
                 ORDER BY c.instance_id, coverage_rank(c.state) DESC, c.manifest_digest) c
    )
    SELECT COALESCE(CASE p_by WHEN 'cluster' THEN t.cluster
                              WHEN 'namespace' THEN t.cluster || '/' || t.namespace
                              WHEN 'node' THEN t.cluster || '/' || t.node
                              WHEN 'owner' THEN t.cluster || '/' || t.namespace || '/'
                                                || t.owner_kind || '/' || t.owner_name
                              WHEN 'repository' THEN t.repository
                              WHEN 'asset' THEN t.uai END, '') COLLATE "C",
           t.state, sum(t.containers)::bigint
      FROM told t
     GROUP BY 1, 2;
END
$$;
