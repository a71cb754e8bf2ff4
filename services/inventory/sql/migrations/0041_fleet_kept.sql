-- For reads of whole fleets (0042): the place of each run and the platform of each image are kept too, and what is to be said of
-- targets is told for many at once.

-- Where a run is, as its pod is known.
CREATE TABLE run_places (
    place_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster text COLLATE "C" NOT NULL,
    pod_uid text COLLATE "C" NOT NULL,
    namespace text COLLATE "C",
    pod text COLLATE "C",
    node text COLLATE "C",
    owner_kind text COLLATE "C",
    owner_name text COLLATE "C"
);
CREATE INDEX run_places_pod ON run_places (pod_uid);

-- What was kept lacks the place, and the platform of the manifest: all is made again, and until then computed from the facts.
TRUNCATE run_spans, run_images, run_spans_clock, image_targets, image_reads, cover_targets, cover_scans, cover_clock;
ALTER TABLE run_spans ADD COLUMN place_no integer NOT NULL;
ALTER TABLE image_targets ADD COLUMN platform text COLLATE "C";
DROP INDEX run_spans_lasting;
CREATE INDEX run_spans_lasting ON run_spans (ended_at, started_at) INCLUDE (image_no, place_no, known_from)
    WHERE known_until = 'infinity';

-- As 0034 has it, with the place.
CREATE OR REPLACE FUNCTION derive_runs(p_facts bigint DEFAULT 50000) RETURNS bigint LANGUAGE plpgsql
SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_from timestamptz;
    v_clock timestamptz;
    v_to timestamptz;
    v_rows bigint;
BEGIN
    INSERT INTO run_spans_clock (known_at) VALUES ('-infinity') ON CONFLICT DO NOTHING;
    SELECT c.known_at INTO v_from FROM run_spans_clock c FOR UPDATE SKIP LOCKED;
    SELECT c.known_at INTO v_clock FROM ledger_clock c;
    IF v_from IS NULL OR v_clock <= v_from THEN
        RETURN 0;
    END IF;
    SELECT CASE WHEN count(*) < p_facts THEN v_clock ELSE LEAST(v_clock, max(s.known_at)) END INTO v_to
      FROM (SELECT f.known_at FROM run_facts f WHERE f.known_at > v_from
             UNION ALL
            SELECT r.known_at FROM pod_removals r WHERE r.known_at > v_from
             UNION ALL
            SELECT p.known_at FROM pod_facts p WHERE p.known_at > v_from
             ORDER BY 1 LIMIT p_facts) s;

    CREATE TEMP TABLE learned ON COMMIT DROP AS SELECT * FROM instances_learned(v_from, v_to);
    ANALYZE learned;
    CREATE TEMP TABLE found ON COMMIT DROP AS
    WITH told AS ( -- each run as known at each of these moments
        SELECT l.instance_id, l.known_at, f.run_key, max(f.image) AS image,
               COALESCE(max(f.repository) FILTER (WHERE f.image_id IS NOT NULL),
                        max(f.repository)) AS repository,
               max(f.tag) AS tag,
               COALESCE(max(f.digest) FILTER (WHERE f.image_id IS NOT NULL), max(f.digest)) AS digest,
               COALESCE(min(f.started_at), min(f.seen_at)) AS started_at,
               min(f.finished_at) AS finished_at
          FROM learned l
          JOIN run_facts f ON f.instance_id = l.instance_id AND f.known_at <= l.known_at
         GROUP BY l.instance_id, l.known_at, f.run_key
    ), pods AS (
        SELECT l.instance_id, l.known_at, i.cluster, i.pod_uid, f.*,
               (SELECT min(r.removed_at) FROM pod_removals r WHERE r.cluster = i.cluster
                   AND r.pod_uid = i.pod_uid AND r.known_at <= l.known_at) AS removed_at
          FROM learned l
          JOIN instances i ON i.instance_id = l.instance_id
         CROSS JOIN LATERAL (
               SELECT max(p.platform) AS platform, max(p.namespace) AS namespace, max(p.pod) AS pod, max(p.node) AS node,
                      max(p.owner_kind) AS owner_kind, max(p.owner_name) AS owner_name
                 FROM pod_facts p
                WHERE p.cluster = i.cluster AND p.pod_uid = i.pod_uid AND p.known_at <= l.known_at) f
    )
    SELECT t.instance_id, t.run_key, t.known_at, t.repository, t.tag, t.digest, p.platform, t.image, p.cluster, p.pod_uid,
           p.namespace, p.pod, p.node, p.owner_kind, p.owner_name, t.started_at,
           GREATEST(t.started_at,
                    COALESCE(LEAST(t.finished_at,
                                   lead(t.started_at) OVER (PARTITION BY t.instance_id, t.known_at
                                                            ORDER BY t.started_at, t.run_key),
                                   p.removed_at), 'infinity')) AS ended_at
      FROM told t
      JOIN pods p ON p.instance_id = t.instance_id AND p.known_at = t.known_at;
    ANALYZE found;

    INSERT INTO run_images (repository, tag, digest, platform, image)
    SELECT DISTINCT f.repository, f.tag, f.digest, f.platform, f.image FROM found f
     WHERE NOT EXISTS (SELECT FROM run_images i
                        WHERE i.image = f.image AND i.repository IS NOT DISTINCT FROM f.repository
                          AND i.tag IS NOT DISTINCT FROM f.tag AND i.digest IS NOT DISTINCT FROM f.digest
                          AND i.platform IS NOT DISTINCT FROM f.platform)
        ON CONFLICT DO NOTHING;

    INSERT INTO run_places (cluster, pod_uid, namespace, pod, node, owner_kind, owner_name)
    SELECT DISTINCT f.cluster, f.pod_uid, f.namespace, f.pod, f.node, f.owner_kind, f.owner_name FROM found f
     WHERE NOT EXISTS (SELECT FROM run_places p
                        WHERE p.cluster = f.cluster AND p.pod_uid = f.pod_uid
                          AND (p.namespace, p.pod, p.node, p.owner_kind, p.owner_name)
                              IS NOT DISTINCT FROM (f.namespace, f.pod, f.node, f.owner_kind, f.owner_name));

    CREATE TEMP TABLE changed ON COMMIT DROP AS
    WITH numbered AS (
        SELECT f.instance_id, f.run_key, f.known_at, i.image_no,
               (SELECT p.place_no FROM run_places p -- one probe each
                 WHERE p.cluster = f.cluster AND p.pod_uid = f.pod_uid
                   AND (p.namespace, p.pod, p.node, p.owner_kind, p.owner_name)
                       IS NOT DISTINCT FROM (f.namespace, f.pod, f.node, f.owner_kind, f.owner_name)) AS place_no,
               f.started_at, f.ended_at
          FROM found f
          JOIN run_images i ON i.image = f.image
                           AND COALESCE(i.repository, '') = COALESCE(f.repository, '')
                           AND COALESCE(i.tag, '') = COALESCE(f.tag, '')
                           AND COALESCE(i.digest, '') = COALESCE(f.digest, '')
                           AND COALESCE(i.platform, '') = COALESCE(f.platform, '')
         UNION ALL
        SELECT s.instance_id, s.run_key, s.known_from, s.image_no, s.place_no, s.started_at, s.ended_at
          FROM (SELECT DISTINCT l.instance_id FROM learned l) l
          JOIN run_spans s ON s.instance_id = l.instance_id AND s.known_until = 'infinity'
    ), stepped AS (
        SELECT n.*, lag((n.image_no, n.place_no, n.started_at, n.ended_at)) OVER w IS DISTINCT FROM
                    (n.image_no, n.place_no, n.started_at, n.ended_at) AS is_new
          FROM numbered n
        WINDOW w AS (PARTITION BY n.instance_id, n.run_key ORDER BY n.known_at)
    )
    SELECT s.instance_id, s.run_key, s.image_no, s.place_no, s.started_at, s.ended_at, s.known_at AS known_from,
           lead(s.known_at, 1, 'infinity') OVER (PARTITION BY s.instance_id, s.run_key
                                                 ORDER BY s.known_at) AS known_until
      FROM stepped s WHERE s.is_new;

    INSERT INTO run_spans AS r (instance_id, run_key, image_no, place_no, started_at, ended_at, known_from, known_until)
    SELECT * FROM changed
        ON CONFLICT (instance_id, run_key, known_from) DO UPDATE SET known_until = EXCLUDED.known_until
         WHERE r.known_until <> EXCLUDED.known_until;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    UPDATE run_spans_clock SET known_at = v_to;
    DROP TABLE learned, found, changed;
    RETURN CASE WHEN v_to < v_clock THEN GREATEST(v_rows, 1) ELSE v_rows END;
END
$$;

-- What is judged; target_no NULL: not kept.
CREATE TYPE cover_key AS (target_no integer, repository text, digest text, is_manifest boolean, name text);

-- As 0032 has it, with the platform.
CREATE OR REPLACE FUNCTION resolve_images(p_images integer[], p_known timestamptz) RETURNS void LANGUAGE plpgsql
SET jit = off SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    v_last integer;
BEGIN
    CREATE TEMP TABLE asked ON COMMIT DROP AS
    SELECT i.*, i.tag IS NULL AND i.repository IS NOT NULL AND i.digest IS NOT NULL AS is_pinned
      FROM run_images i WHERE i.image_no = ANY (p_images);
    CREATE TEMP TABLE below ON COMMIT DROP AS
    SELECT b.* FROM digests_below(ARRAY(SELECT a.digest FROM asked a), p_known) b;
    CREATE TEMP TABLE above ON COMMIT DROP AS
    SELECT a.* FROM digests_above(ARRAY(SELECT a.digest FROM asked a WHERE a.is_pinned), p_known) a;
    ANALYZE asked, below, above;

    -- Each tag that reaches a digest in a repository: from when on, and since when that is known.
    CREATE TEMP TABLE reached ON COMMIT DROP AS
    SELECT DISTINCT ON (a.root, o.repository, o.tag) a.root, o.repository, s.uai, s.floating,
           o.valid_from, GREATEST(o.known_at, s.known_at) AS known_at
      FROM above a
      JOIN tag_observations o ON o.digest = a.digest AND o.known_at <= p_known
      JOIN assets s ON s.repository = o.repository AND s.tag = o.tag AND s.known_at <= p_known
     ORDER BY a.root, o.repository, o.tag, o.valid_from, o.known_at;
    ANALYZE reached;

    -- The newest word that made a digest what it is.
    CREATE TEMP TABLE words ON COMMIT DROP AS
    SELECT w.root, max(w.known_at) AS known_at
      FROM (SELECT b.root, e.known_at FROM below b JOIN digest_edges e ON e.parent = b.digest
             UNION ALL
            SELECT b.root, f.known_at FROM below b JOIN digest_facts f ON f.digest = b.digest
             UNION ALL
            SELECT d.root, f.known_at FROM (SELECT DISTINCT b.root FROM below b) d
              JOIN digest_facts f ON f.config_digest = d.root
             UNION ALL
            SELECT a.root, e.known_at FROM above a JOIN digest_edges e ON e.child = a.digest) w
     WHERE w.known_at <= p_known
     GROUP BY w.root;

    -- The name by digest until a tag reaches it; then the tag, versions before floating ones, until there are two of a kind.
    CREATE TEMP TABLE named ON COMMIT DROP AS
    WITH ranked AS (
        SELECT a.image_no, r.uai, r.floating, r.valid_from, r.known_at,
               row_number() OVER (PARTITION BY a.image_no, r.floating ORDER BY r.valid_from, r.uai) AS turn
          FROM asked a
          JOIN reached r ON r.root = a.digest AND r.repository = a.repository
         WHERE a.is_pinned
    ), turns AS (
        SELECT a.image_no, a.repository || '@' || a.digest AS by_digest,
               max(r.uai) FILTER (WHERE r.floating AND r.turn = 1) AS floating,
               max(r.uai) FILTER (WHERE NOT r.floating AND r.turn = 1) AS version,
               COALESCE(max(r.valid_from) FILTER (WHERE r.floating AND r.turn = 1), 'infinity') AS floating_from,
               COALESCE(max(r.valid_from) FILTER (WHERE r.floating AND r.turn = 2), 'infinity') AS floating_to,
               COALESCE(max(r.valid_from) FILTER (WHERE NOT r.floating AND r.turn = 1), 'infinity') AS version_from,
               COALESCE(max(r.valid_from) FILTER (WHERE NOT r.floating AND r.turn = 2), 'infinity') AS version_to,
               max(r.known_at) AS known_at
          FROM asked a
          LEFT JOIN ranked r ON r.image_no = a.image_no
         WHERE a.is_pinned
         GROUP BY a.image_no, a.repository, a.digest
    )
    SELECT t.image_no, n.name, n.valid_from, n.valid_to, t.known_at
      FROM turns t,
           LATERAL (VALUES (t.by_digest, '-infinity', LEAST(t.floating_from, t.version_from)),
                           (t.floating, t.floating_from, LEAST(t.floating_to, t.version_from)),
                           (t.version, t.version_from, t.version_to)) AS n (name, valid_from, valid_to)
     WHERE n.valid_from < n.valid_to
     UNION ALL
    SELECT a.image_no, COALESCE(a.repository || ':' || a.tag, a.image), '-infinity', 'infinity', NULL
      FROM asked a WHERE NOT a.is_pinned;

    CREATE TEMP TABLE told ON COMMIT DROP AS
    WITH fitting AS (
        SELECT a.image_no, b.digest, b.platform, f.fits, bool_or(f.fits) OVER (PARTITION BY a.image_no) AS any_fits
          FROM asked a
          JOIN below b ON b.root = a.digest AND b.is_manifest,
               LATERAL (SELECT platform_fits(b.platform, NULLIF(a.platform, '')) AS fits) f
    )
    SELECT a.image_no, a.repository, COALESCE(f.digest, a.digest) AS digest, f.digest IS NOT NULL AS is_manifest,
           f.platform, n.name, n.valid_from, n.valid_to,
           COALESCE(GREATEST(w.known_at, n.known_at), '-infinity') AS known_from
      FROM asked a
      JOIN named n ON n.image_no = a.image_no
      LEFT JOIN words w ON w.root = a.digest
      LEFT JOIN fitting f ON f.image_no = a.image_no AND (f.fits OR f.any_fits IS NOT TRUE);
    ANALYZE told;

    v_last := COALESCE((SELECT max(c.target_no) FROM cover_targets c), 0);
    INSERT INTO cover_targets (name, digest, repository, is_manifest)
    SELECT DISTINCT t.name, t.digest, t.repository, t.is_manifest FROM told t
     WHERE NOT EXISTS (SELECT FROM cover_targets c
                        WHERE c.name = t.name AND c.is_manifest = t.is_manifest
                          AND c.digest IS NOT DISTINCT FROM t.digest
                          AND c.repository IS NOT DISTINCT FROM t.repository);
    INSERT INTO cover_scans (target_no, finished_at, known_at)
    SELECT m.target_no, s.finished_at, s.known_at
      FROM cover_targets m
      JOIN scans s ON s.digest = m.digest AND s.outcome = 'complete' AND s.known_at <= p_known
     WHERE m.target_no > v_last
       AND EXISTS (SELECT FROM scan_uais u WHERE u.scan_id = s.scan_id AND u.uai = m.name OFFSET 0)
        ON CONFLICT DO NOTHING;

    DELETE FROM image_targets WHERE image_no = ANY (p_images);
    INSERT INTO image_targets (image_no, target_no, valid_from, valid_to, known_from, platform)
    SELECT DISTINCT t.image_no, c.target_no, t.valid_from, t.valid_to, t.known_from, NULLIF(t.platform, '')
      FROM told t
      JOIN cover_targets c ON c.name = t.name AND c.is_manifest = t.is_manifest
                          AND COALESCE(c.digest, '') = COALESCE(t.digest, '')
                          AND COALESCE(c.repository, '') = COALESCE(t.repository, '');
    DELETE FROM image_reads WHERE image_no = ANY (p_images);
    INSERT INTO image_reads (digest_hash, image_no)
    SELECT hashtextextended(b.digest, 0), a.image_no FROM asked a JOIN below b ON b.root = a.digest
     UNION
    SELECT hashtextextended(v.digest, 0), a.image_no FROM asked a JOIN above v ON v.root = a.digest
     WHERE a.is_pinned;
    UPDATE run_images SET is_resolved = true WHERE image_no = ANY (p_images) AND NOT is_resolved;
    DROP TABLE asked, below, above, reached, words, named, told;
END
$$;

-- The state of each, by its place in the array; with what is said of it. `cause_id` is the event, or the exclusion, that made the
-- state; `expires_at` when a covering scan is too old, was too old, or an exclusion ends.
-- OFFSET 0 keeps a probe of scan_uais a probe: the newest scan nearly always has the name.
-- An attestation or signature is never scanned (design.md section 5): whether someone tried says nothing of it.
CREATE FUNCTION target_states(p_targets cover_key[], p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (place bigint, scan_id uuid, state text, reason text, expires_at timestamptz, cause_id uuid)
LANGUAGE plpgsql STABLE ROWS 10000 SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH judged AS MATERIALIZED (
        SELECT d.place, d.repository, d.digest, d.is_manifest, d.name, x.exclusion_id, x.reason AS exclusion, x.valid_to AS excluded_to,
               c.scan_id AS complete_id, c.finished_at
          FROM (SELECT a.place, a.repository COLLATE "C" AS repository, a.digest COLLATE "C" AS digest, a.is_manifest,
                       a.name COLLATE "C" AS name
                  FROM unnest(p_targets) WITH ORDINALITY AS a (target_no, repository, digest, is_manifest, name, place)) d
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
               f.failure_code, f.failure_message, a.is_attestation,
               CASE WHEN j.exclusion_id IS NOT NULL THEN 'excluded'
                    WHEN j.digest IS NULL THEN 'unresolved'
                    WHEN j.finished_at >= p_as_of - scan_window() THEN 'covered'
                    WHEN j.complete_id IS NOT NULL THEN 'scan_expired'
                    WHEN g.state IN ('missing', 'deleted') THEN 'not_in_registry'
                    WHEN a.is_attestation THEN 'unresolved'
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
         CROSS JOIN LATERAL (
                SELECT j.complete_id IS NULL AND NOT j.is_manifest
                       AND EXISTS (SELECT FROM digest_facts k WHERE k.digest = j.digest AND k.kind = 'attestation'
                                                                AND k.known_at <= p_known) AS is_attestation) a
    )
    SELECT d.place, COALESCE(d.complete_id, CASE WHEN NOT d.is_attestation THEN d.failed_id END), d.state,
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
                         WHEN d.is_attestation THEN 'the digest is of an attestation or signature, not of an image'
                         ELSE 'no registry event or scan explains the digest' END
           END,
           CASE WHEN d.state = 'excluded' THEN d.excluded_to
                WHEN d.state IN ('covered', 'scan_expired') THEN d.finished_at + scan_window() END,
           CASE d.state WHEN 'excluded' THEN d.exclusion_id
                        WHEN 'covered' THEN d.complete_id
                        WHEN 'scan_expired' THEN d.complete_id
                        WHEN 'not_in_registry' THEN d.registry_id
                        WHEN 'scan_failed' THEN d.failed_id END
      FROM decided d;
END
$$;

-- What is to be said of each image, by its place in the array: one row for each platform manifest behind it, or one without any. The
-- names of what is pinned are those of pinned_uai, computed for all at once.
CREATE OR REPLACE FUNCTION image_states(p_images image_key[], p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (place bigint, uai text, manifest_digest text, platform text, scan_id uuid, state text,
               reason text, expires_at timestamptz, cause_id uuid)
LANGUAGE plpgsql STABLE ROWS 10000
SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT a.place, a.repository COLLATE "C" AS repository, a.tag COLLATE "C" AS tag,
               a.digest COLLATE "C" AS digest, a.platform COLLATE "C" AS platform,
               a.image COLLATE "C" AS image, a.pinned_at
          FROM unnest(p_images) WITH ORDINALITY
               AS a (repository, tag, digest, platform, image, pinned_at, place)
    ), manifests AS MATERIALIZED (
        SELECT b.root COLLATE "C" AS root, b.digest COLLATE "C" AS digest, b.platform COLLATE "C" AS platform
          FROM digests_below(ARRAY(SELECT a.digest FROM asked a), p_known) b
         WHERE b.is_manifest
    ), fitting AS (
        SELECT q.digest, q.platform AS node, m.digest AS manifest, m.platform, f.fits,
               bool_or(f.fits) OVER (PARTITION BY q.digest, q.platform) AS any_fits
          FROM (SELECT DISTINCT a.digest, COALESCE(a.platform, '') AS platform FROM asked a) q
          JOIN manifests m ON m.root = q.digest,
               LATERAL (SELECT q.platform <> '' AND platform_fits(m.platform, q.platform) AS fits) f
    ), above AS MATERIALIZED (
        SELECT v.root COLLATE "C" AS root, v.digest COLLATE "C" AS digest
          FROM digests_above(ARRAY(SELECT a.digest FROM asked a
                                    WHERE a.tag IS NULL AND a.repository IS NOT NULL), p_known) v
    ), reaching AS MATERIALIZED (
        SELECT a.root, h.repository, s.uai, s.floating, s.tag, h.valid_from, h.valid_to
          FROM above a,
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
    ), targets AS MATERIALIZED (
        SELECT d.*, row_number() OVER () AS target
          FROM (SELECT DISTINCT i.repository, i.digest, i.is_manifest, i.name FROM images i) d
    ), decided AS MATERIALIZED (
        SELECT t.*, d.scan_id, d.state, d.reason, d.expires_at, d.cause_id
          FROM target_states((SELECT array_agg((NULL, t.repository, t.digest, t.is_manifest, t.name)::cover_key ORDER BY t.target)
                                FROM targets t), p_as_of, p_known) d
          JOIN targets t ON t.target = d.place
    )
    SELECT i.place, i.name, i.manifest, NULLIF(i.platform, ''), d.scan_id, d.state, d.reason, d.expires_at, d.cause_id
      FROM images i
      JOIN decided d ON d.name = i.name
                    AND COALESCE(d.repository, '') = COALESCE(i.repository, '')
                    AND COALESCE(d.digest, '') = COALESCE(i.digest, '')
                    AND d.is_manifest = i.is_manifest;
END
$$;

-- Since when each target has been in the state it is in; NULL: nothing known changed it. Complete scans of what is kept are in
-- cover_scans, but for those learned since.
CREATE FUNCTION states_since(p_targets cover_key[], p_states text[], p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (place bigint, since timestamptz)
LANGUAGE plpgsql STABLE ROWS 10000 SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_cover timestamptz := cover_known();
    v_kept boolean := EXISTS (SELECT FROM unnest(p_targets) t WHERE t.target_no IS NOT NULL);
BEGIN
    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT a.place, a.target_no, a.repository COLLATE "C" AS repository, a.digest COLLATE "C" AS digest, a.is_manifest,
               a.name COLLATE "C" AS name, a.state
          FROM unnest(p_targets, p_states) WITH ORDINALITY
               AS a (target_no, repository, digest, is_manifest, name, state, place)
    ), complete AS (
        SELECT a.place, c.finished_at AS at
          FROM cover_scans c
          JOIN asked a ON a.target_no = c.target_no
         WHERE v_kept AND a.state IN ('covered', 'scan_expired') AND c.finished_at <= p_as_of AND c.known_at <= p_known
         UNION ALL
        SELECT a.place, l.finished_at
          FROM cover_learned(v_cover, p_known) l
          JOIN asked a ON a.target_no = l.target_no
         WHERE v_kept AND a.state IN ('covered', 'scan_expired') AND l.finished_at <= p_as_of
         UNION ALL
        SELECT a.place, s.finished_at
          FROM asked a
          JOIN scans s ON s.digest = a.digest AND s.outcome = 'complete' AND s.finished_at <= p_as_of AND s.known_at <= p_known
         WHERE a.target_no IS NULL AND a.state IN ('covered', 'scan_expired')
           AND EXISTS (SELECT FROM scan_uais u WHERE u.scan_id = s.scan_id AND u.uai = a.name OFFSET 0)
    ), scanned AS MATERIALIZED ( -- `began`: when the unbroken row of scans began that the last one is in
        SELECT c.place, max(c.at) AS at, max(c.at) FILTER (WHERE c.is_first) AS began
          FROM (SELECT c.place, c.at,
                       COALESCE(lag(c.at) OVER (PARTITION BY c.place ORDER BY c.at) + scan_window()
                                    < c.at - interval '1 microsecond', true) AS is_first
                  FROM complete c) c
         GROUP BY c.place
    ), excluded AS MATERIALIZED (
        SELECT a.place, a.state, e.valid_from, COALESCE(e.valid_to, 'infinity') AS valid_to
          FROM asked a
          JOIN exclusions e ON e.uai = a.name AND e.known_at <= p_known AND COALESCE(e.valid_to > e.valid_from, true)
    ), excused AS MATERIALIZED (
        SELECT e.place,
               max(CASE WHEN e.state <> 'excluded' THEN CASE WHEN e.valid_to <= p_as_of THEN e.valid_to END
                        WHEN e.valid_from <= p_as_of
                             AND NOT EXISTS (SELECT FROM excluded o
                                              WHERE o.place = e.place AND o.valid_from < e.valid_from
                                                AND o.valid_to >= e.valid_from) THEN e.valid_from END) AS at
          FROM excluded e
         GROUP BY e.place
    ), told AS ( -- the last word of each instant
        SELECT DISTINCT ON (a.place, r.at) a.place, r.at, r.state IN ('missing', 'deleted') AS absent
          FROM asked a
          JOIN registry_facts r ON r.repository = a.repository AND r.digest = a.digest AND r.at <= p_as_of
                               AND r.known_at <= p_known
         WHERE a.state NOT IN ('excluded', 'covered', 'scan_expired')
         ORDER BY a.place, r.at, r.event_id DESC
    ), seen AS (
        SELECT t.*, max(t.at) FILTER (WHERE NOT t.absent) OVER w AS last_present,
               max(t.at) FILTER (WHERE t.absent) OVER w AS last_absent
          FROM told t
        WINDOW w AS (PARTITION BY t.place)
    ), turned AS MATERIALIZED ( -- when it last came, or went
        SELECT s.place,
               min(s.at) FILTER (WHERE s.absent AND s.at > COALESCE(s.last_present, '-infinity')) AS went,
               min(s.at) FILTER (WHERE NOT s.absent AND s.at > COALESCE(s.last_absent, '-infinity')) AS came,
               bool_or(s.absent) AS was_absent
          FROM seen s
         GROUP BY s.place
    ), failed AS MATERIALIZED (
        SELECT a.place, min(s.finished_at) AS at
          FROM asked a
          JOIN scans s ON s.digest = a.digest AND s.outcome = 'failed' AND s.finished_at <= p_as_of AND s.known_at <= p_known
         WHERE a.state = 'scan_failed'
           AND EXISTS (SELECT FROM scan_uais u WHERE u.scan_id = s.scan_id AND u.uai = a.name OFFSET 0)
         GROUP BY a.place
    )
    SELECT a.place,
           GREATEST(CASE a.state
                        WHEN 'covered' THEN s.began
                        WHEN 'scan_expired' THEN s.at + scan_window()
                        WHEN 'not_in_registry' THEN t.went
                        WHEN 'scan_failed' THEN GREATEST(f.at, CASE WHEN t.was_absent THEN t.came END)
                        WHEN 'never_scanned' THEN CASE WHEN t.was_absent OR NOT a.is_manifest THEN t.came END
                        WHEN 'unresolved' THEN CASE WHEN t.was_absent THEN t.came END
                    END, x.at)
      FROM asked a
      LEFT JOIN scanned s ON s.place = a.place
      LEFT JOIN excused x ON x.place = a.place
      LEFT JOIN turned t ON t.place = a.place
      LEFT JOIN failed f ON f.place = a.place;
END
$$;

-- As 0032 has it; an attestation is never scanned.
CREATE OR REPLACE FUNCTION image_coverage(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (image_no integer, key image_key, rank integer, containers bigint)
LANGUAGE plpgsql STABLE ROWS 100000
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_runs timestamptz := run_spans_known();
    v_cover timestamptz := cover_known();
    v_late uuid[];      -- containers, and
    v_changed integer[]; -- images, that are known otherwise than kept
    v_images integer[];
    v_targets integer[];
    v_containers bigint[];
    v_pinned integer[];
    v_keys image_key[];
BEGIN
    IF p_known > v_runs THEN
        v_late := NULLIF(ARRAY(SELECT DISTINCT l.instance_id FROM instances_learned(v_runs, p_known) l), '{}');
    END IF;
    IF p_known > v_cover THEN
        v_changed := NULLIF(ARRAY(SELECT l.image_no FROM images_learned(v_cover, p_known) l), '{}');
    END IF;

    SELECT array_agg(k.image_no), array_agg(k.containers) INTO v_images, v_containers
      FROM (SELECT s.image_no, count(*) AS containers
              FROM run_spans s
             WHERE s.known_until = 'infinity' AND s.ended_at > p_as_of AND s.started_at <= p_as_of
               AND s.known_from <= p_known
             GROUP BY s.image_no) k;
    IF p_known < v_runs OR v_late IS NOT NULL THEN -- more that were known so then, fewer that are known otherwise now
        SELECT array_agg(k.image_no), array_agg(k.containers) INTO v_images, v_containers
          FROM (SELECT a.image_no, sum(a.containers)::bigint AS containers
                  FROM (SELECT u.image_no, u.containers FROM unnest(v_images, v_containers) AS u (image_no, containers)
                         UNION ALL
                        SELECT s.image_no, count(*)
                          FROM run_spans s
                         WHERE s.known_until <> 'infinity' AND s.known_until > p_known
                           AND s.ended_at > p_as_of AND s.started_at <= p_as_of AND s.known_from <= p_known
                         GROUP BY s.image_no
                         UNION ALL
                        SELECT s.image_no, -count(*)
                          FROM run_spans s
                         WHERE s.instance_id = ANY (v_late) AND s.known_until = 'infinity'
                           AND s.ended_at > p_as_of AND s.started_at <= p_as_of AND s.known_from <= p_known
                         GROUP BY s.image_no) a
                 GROUP BY a.image_no
                HAVING sum(a.containers) > 0) k;
    END IF;
    SELECT array_agg(k.image_no), array_agg(k.containers), array_agg(g.target_no)
      INTO v_images, v_containers, v_targets
      FROM unnest(v_images, v_containers) AS k (image_no, containers)
      LEFT JOIN image_targets g ON g.image_no = k.image_no AND g.known_from <= p_known
                               AND g.valid_from <= p_as_of AND g.valid_to > p_as_of
                               AND (v_changed IS NULL OR g.image_no <> ALL (v_changed));

    RETURN QUERY
    WITH placed AS MATERIALIZED (
        SELECT p.image_no, p.containers, p.target_no
          FROM unnest(v_images, v_containers, v_targets) AS p (image_no, containers, target_no)
         WHERE p.target_no IS NOT NULL
    ), covered AS MATERIALIZED (
        SELECT s.target_no FROM cover_scans s
         WHERE s.finished_at >= p_as_of - scan_window() AND s.finished_at <= p_as_of AND s.known_at <= p_known
         UNION
        SELECT l.target_no FROM cover_learned(v_cover, p_known) l
         WHERE l.finished_at >= p_as_of - scan_window() AND l.finished_at <= p_as_of
    ), excluded AS MATERIALIZED (
        SELECT DISTINCT t.target_no
          FROM exclusions e
          JOIN cover_targets t ON t.name = e.uai
         WHERE e.valid_from <= p_as_of AND e.known_at <= p_known AND COALESCE(e.valid_to > p_as_of, true)
    ), told AS MATERIALIZED (
        SELECT p.image_no, p.containers, p.target_no,
               CASE WHEN e.target_no IS NOT NULL THEN coverage_rank('excluded')
                    WHEN c.target_no IS NOT NULL THEN coverage_rank('covered') END AS rank
          FROM placed p
          LEFT JOIN covered c ON c.target_no = p.target_no
          LEFT JOIN excluded e ON e.target_no = p.target_no
    ), other AS MATERIALIZED (
        SELECT t.target_no,
               CASE WHEN t.digest IS NULL THEN 'unresolved'
                    WHEN EXISTS (SELECT FROM scans s
                                  WHERE s.digest = t.digest AND s.outcome = 'complete'
                                    AND s.finished_at <= p_as_of AND s.known_at <= p_known
                                    AND EXISTS (SELECT FROM scan_uais u WHERE u.scan_id = s.scan_id AND u.uai = t.name
                                                OFFSET 0)) THEN 'scan_expired'
                    WHEN g.state IN ('missing', 'deleted') THEN 'not_in_registry'
                    WHEN NOT t.is_manifest AND EXISTS (SELECT FROM digest_facts f WHERE f.digest = t.digest AND f.kind = 'attestation'
                                                                                AND f.known_at <= p_known) THEN 'unresolved'
                    WHEN EXISTS (SELECT FROM scans s
                                  WHERE s.digest = t.digest AND s.outcome = 'failed'
                                    AND s.finished_at <= p_as_of AND s.known_at <= p_known
                                    AND EXISTS (SELECT FROM scan_uais u WHERE u.scan_id = s.scan_id AND u.uai = t.name
                                                OFFSET 0)) THEN 'scan_failed'
                    WHEN t.is_manifest OR g.state IS NOT NULL THEN 'never_scanned'
                    ELSE 'unresolved' END AS state
          FROM (SELECT DISTINCT d.target_no FROM told d WHERE d.rank IS NULL) o
          JOIN cover_targets t ON t.target_no = o.target_no
          LEFT JOIN LATERAL (SELECT registry_state(t.repository, t.digest, p_as_of, p_known) AS state) g ON true
    )
    SELECT d.image_no, NULL::image_key, max(COALESCE(d.rank, coverage_rank(o.state))), max(d.containers)
      FROM told d
      LEFT JOIN other o ON o.target_no = d.target_no AND d.rank IS NULL
     GROUP BY d.image_no;

    v_pinned := ARRAY(SELECT i.image_no
                        FROM unnest(v_images, v_targets) AS p (image_no, target_no)
                        JOIN run_images i ON i.image_no = p.image_no
                       WHERE p.target_no IS NULL AND i.tag IS NULL AND i.repository IS NOT NULL
                         AND i.digest IS NOT NULL);
    SELECT array_agg((k.repository, k.tag, k.digest, k.platform, k.image, k.pinned_at)::image_key),
           array_agg(k.containers)
      INTO v_keys, v_containers
      FROM (SELECT i.repository, i.tag, i.digest, i.platform, i.image, NULL::timestamptz AS pinned_at, p.containers
              FROM unnest(v_images, v_containers, v_targets) AS p (image_no, containers, target_no)
              JOIN run_images i ON i.image_no = p.image_no
             WHERE p.target_no IS NULL AND i.image_no <> ALL (v_pinned)
             UNION ALL
            SELECT i.repository, i.tag, i.digest, i.platform, i.image, s.started_at, count(*)
              FROM run_spans s
              JOIN run_images i ON i.image_no = s.image_no
             WHERE cardinality(v_pinned) > 0 AND s.image_no = ANY (v_pinned) AND s.started_at <= p_as_of AND s.ended_at > p_as_of
               AND s.known_from <= p_known
               AND (s.known_until > p_known OR s.known_until = 'infinity')
               AND (v_late IS NULL OR s.instance_id <> ALL (v_late))
             GROUP BY i.image_no, s.started_at
             UNION ALL
            SELECT r.repository, r.tag, r.digest, n.platform, r.image,
                   CASE WHEN r.tag IS NULL THEN r.started_at END, count(*)
              FROM runs_of(v_late, p_known) r
              JOIN instances_of(v_late, p_known) n ON n.instance_id = r.instance_id
             WHERE r.started_at <= p_as_of AND (r.ended_at IS NULL OR r.ended_at > p_as_of)
             GROUP BY 1, 2, 3, 4, 5, 6) k;
    IF v_keys IS NOT NULL THEN
        RETURN QUERY
        SELECT NULL::integer, v_keys[w.place], w.rank, v_containers[w.place]
          FROM (SELECT s.place, max(coverage_rank(s.state)) AS rank
                  FROM image_states(v_keys, p_as_of, p_known) s
                 GROUP BY s.place) w;
    END IF;
END
$$;
