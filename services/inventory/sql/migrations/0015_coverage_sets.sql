-- Runs, names and coverage computed by sets: once for each distinct image, not for each container. And what was missing: assets
-- as known then, since when a state holds, until when, and by which event.

-- ---- runs ----

-- The kind a container was told to be, before another word replaced it.
CREATE TABLE instance_kinds (
    instance_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    until timestamptz NOT NULL, -- known time of the word that replaced it
    PRIMARY KEY (instance_id, until, kind)
);

-- The start is the runtime's word where there is one, else the first sight. A run ends when it finished, when the same container
-- started again, or when its pod went, whichever came first, but never before it started: clocks disagree. What the
-- runtime reports (image_id) wins over what the spec asked for.
CREATE OR REPLACE FUNCTION runs_known(p_known timestamptz)
RETURNS TABLE (instance_id uuid, run_key text, image text, image_id text, repository text,
               tag text, digest text, started_at timestamptz, ended_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT e.instance_id, e.run_key, e.image, e.image_id, e.repository, e.tag, e.digest, e.started_at,
           CASE WHEN e.ended_at IS NOT NULL THEN GREATEST(e.started_at, e.ended_at) END
      FROM (SELECT m.*, LEAST(m.finished_at,
                              lead(m.started_at) OVER (PARTITION BY m.instance_id
                                                       ORDER BY m.started_at, m.run_key),
                              g.removed_at) AS ended_at
              FROM (SELECT f.instance_id, f.run_key, max(f.image) AS image, max(f.image_id) AS image_id,
                           COALESCE(max(f.repository) FILTER (WHERE f.image_id IS NOT NULL),
                                    max(f.repository)) AS repository,
                           max(f.tag) AS tag,
                           COALESCE(max(f.digest) FILTER (WHERE f.image_id IS NOT NULL),
                                    max(f.digest)) AS digest,
                           COALESCE(min(f.started_at), min(f.seen_at)) AS started_at,
                           min(f.finished_at) AS finished_at
                      FROM run_facts f
                     WHERE f.known_at <= p_known
                     GROUP BY f.instance_id, f.run_key) m
              JOIN instances i ON i.instance_id = m.instance_id
              LEFT JOIN (SELECT r.cluster, r.pod_uid, min(r.removed_at) AS removed_at
                           FROM pod_removals r
                          WHERE r.known_at <= p_known
                          GROUP BY r.cluster, r.pod_uid) g
                ON g.cluster = i.cluster AND g.pod_uid = i.pod_uid) e
$$;

-- The containers running at an instant, each once, without the name of their image.
CREATE FUNCTION running_at(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, run_key text, cluster text, namespace text, pod text,
               pod_uid text, container text, container_kind text, image text, image_id text,
               repository text, tag text, digest text, platform text, node text,
               owner_kind text, owner_name text, started_at timestamptz, ended_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (r.instance_id)
           r.instance_id, r.run_key, i.cluster, p.namespace, p.pod, i.pod_uid, i.container,
           COALESCE((SELECT k.kind FROM instance_kinds k
                      WHERE k.instance_id = i.instance_id AND k.until > p_known
                      ORDER BY k.until, k.kind LIMIT 1), i.kind),
           r.image, r.image_id, r.repository, r.tag, r.digest, p.platform, p.node, p.owner_kind,
           p.owner_name, r.started_at, r.ended_at
      FROM runs_known(p_known) r
      JOIN instances i ON i.instance_id = r.instance_id
      JOIN pods_known(p_known) p ON p.cluster = i.cluster AND p.pod_uid = i.pod_uid
     WHERE r.started_at <= p_as_of AND (r.ended_at IS NULL OR r.ended_at > p_as_of)
     ORDER BY r.instance_id, r.started_at DESC, r.run_key DESC
$$;

-- ---- assets ----

-- Assets worth listing: a name by digest is superfluous where a tag reaches the digest. Where none does it counts when
-- something ran under it; else not when it turned out to be no image, or to be a part of something.
CREATE FUNCTION live_assets_known(p_known timestamptz) RETURNS SETOF assets
LANGUAGE sql STABLE AS $$
    SELECT s.*
      FROM assets s
     WHERE s.known_at <= p_known
       AND (s.tag IS NOT NULL
            OR (NOT EXISTS (SELECT FROM digest_ancestors(s.digest, p_known) a
                              JOIN tag_observations o ON o.digest = a.digest
                             WHERE o.repository = s.repository AND o.known_at <= p_known)
                AND (EXISTS (SELECT FROM run_facts f
                              WHERE f.digest = s.digest AND f.repository = s.repository
                                AND f.tag IS NULL AND f.known_at <= p_known)
                     OR NOT EXISTS (SELECT FROM digest_ancestors(s.digest, p_known) a
                                     WHERE a.digest <> s.digest
                                        OR EXISTS (SELECT FROM digest_facts f
                                                    WHERE f.digest = a.digest AND f.known_at <= p_known
                                                      AND f.kind IN ('attestation', 'blob'))))))
$$;
CREATE OR REPLACE VIEW live_assets AS SELECT * FROM live_assets_known('infinity');

-- ---- coverage ----

-- One way in which containers name an image. `pinned_at` is the start of one that names no tag, else NULL.
CREATE TYPE image_key AS (
    repository text, tag text, digest text, platform text, image text, pinned_at timestamptz
);

CREATE INDEX scans_complete ON scans (digest, finished_at DESC, scan_id) WHERE outcome = 'complete';
CREATE INDEX scans_failed ON scans (digest, finished_at DESC, scan_id) WHERE outcome = 'failed';

-- What is to be said of each image, by its place in the array: one row for each platform manifest behind it, or one without any. The
-- manifests are those of digest_manifests, the names of what is pinned those of pinned_uai, each computed for all at once.
-- OFFSET 0 keeps a probe of scan_uais a probe: the newest scan nearly always has the name.
-- `cause_id` is the event, or the exclusion, that made the state; `expires_at` when a covering scan is too old, was too old, or an
-- exclusion ends.
CREATE FUNCTION image_states(p_images image_key[], p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (place bigint, uai text, manifest_digest text, platform text, scan_id uuid, state text,
               reason text, expires_at timestamptz, cause_id uuid)
LANGUAGE plpgsql STABLE ROWS 10000
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH RECURSIVE asked AS MATERIALIZED (
        SELECT a.place, a.repository COLLATE "C" AS repository, a.tag COLLATE "C" AS tag,
               a.digest COLLATE "C" AS digest, a.platform COLLATE "C" AS platform,
               a.image COLLATE "C" AS image, a.pinned_at
          FROM unnest(p_images) WITH ORDINALITY
               AS a (repository, tag, digest, platform, image, pinned_at, place)
    ), reported AS MATERIALIZED (
        SELECT DISTINCT a.digest FROM asked a WHERE a.digest IS NOT NULL
    ), below (root, digest, platform, depth) AS (
        SELECT r.digest, r.digest, '' COLLATE "C", 0 FROM reported r
         UNION
        SELECT b.root, e.child, CASE WHEN e.platform = '' THEN b.platform ELSE e.platform END, b.depth + 1
          FROM below b
          JOIN digest_edges e ON e.parent = b.digest AND e.known_at <= p_known
         WHERE b.depth < 4
    ), candidates (root, digest, platform) AS (
        SELECT b.root, b.digest, b.platform FROM below b
         UNION
        SELECT r.digest, f.digest, '' FROM reported r
          JOIN digest_facts f ON f.config_digest = r.digest AND f.known_at <= p_known
    ), manifests (root, digest, platform) AS MATERIALIZED (
        SELECT c.root, c.digest, max(COALESCE(NULLIF(c.platform, ''), f.platform, ''))
          FROM candidates c
          JOIN digest_facts f ON f.digest = c.digest AND f.known_at <= p_known
         GROUP BY c.root, c.digest
        HAVING max(kind_rank(f.kind)) = kind_rank('manifest')
    ), fitting AS (
        SELECT q.digest, q.platform AS node, m.digest AS manifest, m.platform, f.fits,
               bool_or(f.fits) OVER (PARTITION BY q.digest, q.platform) AS any_fits
          FROM (SELECT DISTINCT a.digest, COALESCE(a.platform, '') AS platform FROM asked a) q
          JOIN manifests m ON m.root = q.digest,
               LATERAL (SELECT q.platform <> '' AND platform_fits(m.platform, q.platform) AS fits) f
    ), above (root, digest, depth) AS (
        SELECT s.root, s.digest, 0
          FROM (SELECT p.digest AS root, p.digest FROM asked p
                 WHERE p.tag IS NULL AND p.repository IS NOT NULL AND p.digest IS NOT NULL
                 UNION
                SELECT p.digest, f.digest FROM asked p
                  JOIN digest_facts f ON f.config_digest = p.digest AND f.known_at <= p_known
                 WHERE p.tag IS NULL AND p.repository IS NOT NULL) s
         UNION
        SELECT a.root, e.parent, a.depth + 1
          FROM above a
          JOIN digest_edges e ON e.child = a.digest AND e.known_at <= p_known
         WHERE a.depth < 4
    ), reaching AS MATERIALIZED (
        SELECT a.root, h.repository, s.uai, s.floating, s.tag, h.valid_from, h.valid_to
          FROM (SELECT DISTINCT v.root, v.digest FROM above v) a,
               LATERAL (SELECT t.* FROM tag_history_known(p_known) t
                         WHERE t.digest = a.digest AND t.valid_from <= p_as_of OFFSET 0) h
          JOIN assets s ON s.repository = h.repository AND s.tag = h.tag AND s.known_at <= p_known
    ), pinned AS (
        SELECT DISTINCT ON (a.place) a.place, r.uai
          FROM asked a
          JOIN reaching r ON r.root = a.digest AND r.repository = a.repository
         WHERE a.tag IS NULL
         ORDER BY a.place, r.floating,
                  r.valid_from <= a.pinned_at AND COALESCE(r.valid_to > a.pinned_at, true) DESC,
                  r.valid_from DESC, r.tag
    ), images AS MATERIALIZED (
        SELECT a.place, a.repository, COALESCE(f.manifest, a.digest) AS digest, f.manifest, f.platform,
               f.manifest IS NOT NULL AS is_manifest,
               COALESCE(CASE WHEN a.repository IS NULL THEN NULL
                             WHEN a.tag IS NOT NULL THEN a.repository || ':' || a.tag
                             WHEN a.digest IS NOT NULL THEN
                                  COALESCE(n.uai, a.repository || '@' || a.digest) END,
                        a.image) AS name
          FROM asked a
          LEFT JOIN pinned n ON n.place = a.place
          LEFT JOIN fitting f ON f.digest = a.digest AND f.node = COALESCE(a.platform, '')
                             AND (f.fits OR NOT f.any_fits)
    ), judged AS MATERIALIZED (
        SELECT d.*, x.exclusion_id, x.reason AS exclusion, x.valid_to AS excluded_to,
               c.scan_id AS complete_id, c.finished_at
          FROM (SELECT DISTINCT i.repository, i.digest, i.is_manifest, i.name FROM images i) d
          LEFT JOIN LATERAL (
                SELECT e.exclusion_id, e.reason, e.valid_to FROM exclusions e
                 WHERE e.uai = d.name AND e.valid_from <= p_as_of AND e.known_at <= p_known
                   AND COALESCE(e.valid_to > p_as_of, true)
                 ORDER BY e.valid_from DESC, e.exclusion_id LIMIT 1) x ON true
          LEFT JOIN LATERAL (
                SELECT s.scan_id, s.finished_at FROM scans s
                 WHERE s.digest = d.digest AND s.outcome = 'complete'
                   AND s.finished_at <= p_as_of AND s.known_at <= p_known
                   AND EXISTS (SELECT FROM scan_uais u WHERE u.scan_id = s.scan_id AND u.uai = d.name
                                OFFSET 0)
                 ORDER BY s.finished_at DESC, s.scan_id LIMIT 1) c ON true
    ), decided AS MATERIALIZED (
        SELECT j.*, g.state AS registry, g.event_id AS registry_id, f.scan_id AS failed_id,
               f.failure_code, f.failure_message,
               CASE WHEN j.exclusion_id IS NOT NULL THEN 'excluded'
                    WHEN j.digest IS NULL THEN 'unresolved'
                    WHEN j.finished_at >= p_as_of - scan_window() THEN 'covered'
                    WHEN j.complete_id IS NOT NULL THEN 'scan_expired'
                    WHEN g.state IN ('missing', 'deleted') THEN 'not_in_registry'
                    WHEN f.scan_id IS NOT NULL THEN 'scan_failed'
                    WHEN j.is_manifest OR g.state IS NOT NULL THEN 'never_scanned'
                    ELSE 'unresolved'
               END AS state
          FROM judged j
          LEFT JOIN LATERAL (
                SELECT r.state, r.event_id FROM registry_facts r
                 WHERE j.complete_id IS NULL
                   AND r.repository = j.repository AND r.digest = j.digest
                   AND r.at <= p_as_of AND r.known_at <= p_known
                 ORDER BY r.at DESC, r.event_id DESC LIMIT 1) g ON true
          LEFT JOIN LATERAL (
                SELECT s.scan_id, s.failure_code, s.failure_message FROM scans s
                 WHERE j.complete_id IS NULL
                   AND s.digest = j.digest AND s.outcome = 'failed'
                   AND s.finished_at <= p_as_of AND s.known_at <= p_known
                   AND EXISTS (SELECT FROM scan_uais u WHERE u.scan_id = s.scan_id AND u.uai = j.name
                                OFFSET 0)
                 ORDER BY s.finished_at DESC, s.scan_id LIMIT 1) f ON true
    )
    SELECT i.place, i.name, i.manifest, NULLIF(i.platform, ''), COALESCE(d.complete_id, d.failed_id), d.state,
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
           END,
           CASE WHEN d.state = 'excluded' THEN d.excluded_to
                WHEN d.state IN ('covered', 'scan_expired') THEN d.finished_at + scan_window() END,
           CASE d.state WHEN 'excluded' THEN d.exclusion_id
                        WHEN 'covered' THEN d.complete_id
                        WHEN 'scan_expired' THEN d.complete_id
                        WHEN 'not_in_registry' THEN d.registry_id
                        WHEN 'scan_failed' THEN d.failed_id END
      FROM images i
      JOIN decided d ON d.name = i.name
                    AND COALESCE(d.repository, '') = COALESCE(i.repository, '')
                    AND COALESCE(d.digest, '') = COALESCE(i.digest, '')
                    AND d.is_manifest = i.is_manifest;
END
$$;

-- Since when an image of this digest, under this name, has been in the state it is in; NULL: nothing known changed it.
CREATE FUNCTION state_since(p_repository text, p_digest text, p_is_manifest boolean, p_uai text,
                            p_state text, p_as_of timestamptz, p_known timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    WITH excluded AS (
        SELECT e.valid_from, COALESCE(e.valid_to, 'infinity') AS valid_to FROM exclusions e
         WHERE e.uai = p_uai AND e.known_at <= p_known AND COALESCE(e.valid_to > e.valid_from, true)
    ), finished AS (
        SELECT s.finished_at AS at, s.outcome FROM scans s
         WHERE s.digest = p_digest AND s.finished_at <= p_as_of AND s.known_at <= p_known
           AND s.outcome IN ('complete', 'failed')
           AND EXISTS (SELECT FROM scan_uais u WHERE u.scan_id = s.scan_id AND u.uai = p_uai)
    ), told AS ( -- the last word of each instant
        SELECT DISTINCT ON (r.at) r.at, r.state IN ('missing', 'deleted') AS absent
          FROM registry_facts r
         WHERE r.repository = p_repository AND r.digest = p_digest AND r.at <= p_as_of
           AND r.known_at <= p_known
         ORDER BY r.at, r.event_id DESC
    ), turned AS ( -- when it last came, or went
        SELECT min(t.at) FILTER (WHERE t.absent AND t.at > COALESCE(l.present, '-infinity')) AS went,
               min(t.at) FILTER (WHERE NOT t.absent AND t.at > COALESCE(l.absent, '-infinity')) AS came,
               bool_or(t.absent) AS was_absent
          FROM told t,
               (SELECT max(o.at) FILTER (WHERE NOT o.absent) AS present,
                       max(o.at) FILTER (WHERE o.absent) AS absent FROM told o) l
    )
    SELECT GREATEST(
        CASE p_state
            WHEN 'excluded' THEN
                (SELECT max(e.valid_from) FROM excluded e
                  WHERE e.valid_from <= p_as_of
                    AND NOT EXISTS (SELECT FROM excluded o WHERE o.valid_from < e.valid_from
                                                             AND o.valid_to >= e.valid_from))
            WHEN 'covered' THEN
                (SELECT max(f.at) FROM finished f
                  WHERE f.outcome = 'complete'
                    AND NOT EXISTS (SELECT FROM finished o
                                     WHERE o.outcome = 'complete' AND o.at < f.at
                                       AND o.at + scan_window() >= f.at - interval '1 microsecond'))
            WHEN 'scan_expired' THEN
                (SELECT max(f.at) + scan_window() FROM finished f WHERE f.outcome = 'complete')
            WHEN 'not_in_registry' THEN (SELECT t.went FROM turned t)
            WHEN 'scan_failed' THEN
                GREATEST((SELECT min(f.at) FROM finished f WHERE f.outcome = 'failed'),
                         (SELECT t.came FROM turned t WHERE t.was_absent))
            WHEN 'never_scanned' THEN
                (SELECT t.came FROM turned t WHERE t.was_absent OR NOT p_is_manifest)
        END,
        CASE WHEN p_state <> 'excluded' THEN
            (SELECT max(e.valid_to) FROM excluded e WHERE e.valid_to <= p_as_of) END)
$$;

-- The containers running at an instant, each once, with the UAI of its image.
CREATE OR REPLACE FUNCTION running_known(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, run_key text, cluster text, namespace text, pod text,
               pod_uid text, container text, container_kind text, image text, image_id text,
               repository text, tag text, digest text, platform text, node text,
               owner_kind text, owner_name text, started_at timestamptz, ended_at timestamptz,
               uai text)
LANGUAGE sql STABLE AS $$
    SELECT r.*,
           CASE WHEN r.repository IS NULL THEN NULL
                WHEN r.tag IS NOT NULL THEN r.repository || ':' || r.tag
                WHEN r.digest IS NOT NULL THEN
                     pinned_uai(r.repository, r.digest, r.started_at, p_as_of, p_known)
           END
      FROM running_at(p_as_of, p_known) r
$$;

-- One row per running container and platform manifest behind it; manifest_digest NULL when there is none known.
CREATE FUNCTION coverage_rows(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, cluster text, namespace text, pod text, pod_uid text,
               container text, container_kind text, image text, repository text, tag text,
               reported_digest text, node text, owner_kind text, owner_name text,
               started_at timestamptz, uai text, manifest_digest text, platform text,
               scan_id uuid, state text, reason text, expires_at timestamptz, cause_id uuid)
LANGUAGE sql STABLE ROWS 100000
SET enable_nestloop = off SET jit = off AS $$
    WITH running AS MATERIALIZED (
        SELECT r.*, CASE WHEN r.tag IS NULL THEN r.started_at END AS pinned_at
          FROM running_at(p_as_of, p_known) r
    ), keys AS MATERIALIZED (
        SELECT k.*, row_number() OVER () AS place
          FROM (SELECT DISTINCT r.repository, r.tag, r.digest, r.platform, r.image, r.pinned_at
                  FROM running r) k
    ), states AS MATERIALIZED (
        SELECT s.*
          FROM image_states((SELECT array_agg((k.repository, k.tag, k.digest, k.platform, k.image,
                                               k.pinned_at)::image_key ORDER BY k.place)
                               FROM keys k), p_as_of, p_known) s
    )
    SELECT r.instance_id, r.cluster, r.namespace, r.pod, r.pod_uid, r.container, r.container_kind,
           r.image, r.repository, r.tag, r.digest, r.node, r.owner_kind, r.owner_name, r.started_at,
           s.uai, s.manifest_digest, s.platform, s.scan_id, s.state, s.reason, s.expires_at, s.cause_id
      FROM running r
      JOIN keys k ON k.image = r.image
                 AND COALESCE(k.repository, '') = COALESCE(r.repository, '')
                 AND COALESCE(k.tag, '') = COALESCE(r.tag, '')
                 AND COALESCE(k.digest, '') = COALESCE(r.digest, '')
                 AND COALESCE(k.platform, '') = COALESCE(r.platform, '')
                 AND COALESCE(k.pinned_at, 'infinity') = COALESCE(r.pinned_at, 'infinity')
      JOIN states s ON s.place = k.place
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
      FROM coverage_rows(p_as_of, p_known) c
$$;

-- The same with the clocks: since when it is in its state (this run of it), until when, and by which event.
CREATE FUNCTION coverage_clocks(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, cluster text, namespace text, pod text, pod_uid text,
               container text, container_kind text, image text, repository text, tag text,
               reported_digest text, node text, owner_kind text, owner_name text,
               started_at timestamptz, uai text, manifest_digest text, platform text,
               scan_id uuid, state text, reason text, expires_at timestamptz, cause_id uuid,
               since timestamptz)
LANGUAGE sql STABLE AS $$
    WITH found AS MATERIALIZED (
        SELECT c.*, COALESCE(c.manifest_digest, c.reported_digest) AS digest
          FROM coverage_rows(p_as_of, p_known) c
    ), changed AS MATERIALIZED (
        SELECT d.*, state_since(d.repository, d.digest, d.is_manifest, d.uai, d.state, p_as_of, p_known) AS since
          FROM (SELECT DISTINCT f.repository, f.digest, f.manifest_digest IS NOT NULL AS is_manifest,
                       f.uai, f.state FROM found f) d
    )
    SELECT f.instance_id, f.cluster, f.namespace, f.pod, f.pod_uid, f.container, f.container_kind,
           f.image, f.repository, f.tag, f.reported_digest, f.node, f.owner_kind, f.owner_name,
           f.started_at, f.uai, f.manifest_digest, f.platform, f.scan_id, f.state, f.reason,
           f.expires_at, f.cause_id, GREATEST(f.started_at, c.since)
      FROM found f
      JOIN changed c ON c.uai = f.uai AND c.state = f.state
                    AND COALESCE(c.repository, '') = COALESCE(f.repository, '')
                    AND COALESCE(c.digest, '') = COALESCE(f.digest, '')
                    AND c.is_manifest = (f.manifest_digest IS NOT NULL)
$$;
