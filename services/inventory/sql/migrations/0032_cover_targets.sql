-- What the images of running containers are, kept: coverage of a fleet is computed for each distinct manifest under a name, over numbers,
-- and only what cannot be told from here is computed from the facts.
--
-- cover_targets, cover_scans, image_targets, image_reads and cover_clock follow from the facts; when cover_clock is emptied,
-- derive_images() makes them all again. Questions are answered the same whether it ran or not.

-- What is judged: a digest of a repository under a name. See image_states.
CREATE TABLE cover_targets (
    target_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    digest text COLLATE "C",
    repository text COLLATE "C",
    is_manifest boolean NOT NULL,
    UNIQUE NULLS NOT DISTINCT (name, digest, repository, is_manifest)
);

-- Its complete scans that carry the name.
CREATE TABLE cover_scans (
    target_no integer NOT NULL,
    finished_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (finished_at, target_no, known_at)
);

-- What an image (run_images) is judged as from valid_from on until valid_to, for all knowledge from known_from on. None for the times at
-- which its name depends on when the container started.
CREATE TABLE image_targets (
    image_no integer NOT NULL,
    target_no integer NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    PRIMARY KEY (image_no, target_no, valid_from)
);

-- Digests of which a new fact may change what an image is; two that have one hash only cost time.
CREATE TABLE image_reads (
    digest_hash bigint NOT NULL,
    image_no integer NOT NULL,
    PRIMARY KEY (digest_hash, image_no)
);
CREATE INDEX image_reads_image ON image_reads (image_no);

-- Everything learned up to here is in these tables, but for the images that wait in run_images.
CREATE TABLE cover_clock (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    known_at timestamptz NOT NULL
);
ALTER TABLE run_images ADD COLUMN is_resolved boolean NOT NULL DEFAULT false;
CREATE INDEX run_images_waiting ON run_images (image_no) WHERE NOT is_resolved;

CREATE INDEX digest_facts_known_at ON digest_facts USING brin (known_at) WITH (autosummarize = on);
CREATE INDEX digest_edges_known_at ON digest_edges USING brin (known_at) WITH (autosummarize = on);
CREATE INDEX tag_observations_known_at ON tag_observations USING brin (known_at) WITH (autosummarize = on);
CREATE INDEX assets_known_at ON assets USING brin (known_at) WITH (autosummarize = on);
CREATE INDEX scans_known_at ON scans USING brin (known_at) WITH (autosummarize = on);

-- The runs as all that is known has them, and those that were known otherwise.
DROP INDEX run_spans_ended;
CREATE INDEX run_spans_lasting ON run_spans (ended_at, started_at) INCLUDE (image_no, known_from)
    WHERE known_until = 'infinity';
CREATE INDEX run_spans_replaced ON run_spans (known_until) WHERE known_until <> 'infinity';

ALTER FUNCTION kind_rank(text) PARALLEL SAFE;
ALTER FUNCTION platform_fits(text, text) PARALLEL SAFE;
ALTER FUNCTION coverage_rank(text) PARALLEL SAFE;
ALTER FUNCTION scan_window() PARALLEL SAFE;

-- ---- the digest graph, for many digests at once ----

-- What is behind digests that runtimes reported, themselves too: digest_manifests has the manifests among it.
CREATE FUNCTION digests_below(p_digests text[], p_known timestamptz)
RETURNS TABLE (root text, digest text, platform text, is_manifest boolean)
LANGUAGE plpgsql STABLE ROWS 100 SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH RECURSIVE reported AS MATERIALIZED (
        SELECT DISTINCT d.digest COLLATE "C" AS digest FROM unnest(p_digests) AS d (digest)
         WHERE d.digest IS NOT NULL
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
    )
    SELECT c.root, c.digest, max(COALESCE(NULLIF(c.platform, ''), f.platform, '')),
           COALESCE(max(kind_rank(f.kind)) = kind_rank('manifest'), false)
      FROM candidates c
      LEFT JOIN digest_facts f ON f.digest = c.digest AND f.known_at <= p_known
     GROUP BY c.root, c.digest;
END
$$;

-- digest_ancestors of each.
CREATE FUNCTION digests_above(p_digests text[], p_known timestamptz)
RETURNS TABLE (root text, digest text)
LANGUAGE plpgsql STABLE ROWS 100 SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH RECURSIVE named AS MATERIALIZED (
        SELECT DISTINCT d.digest COLLATE "C" AS digest FROM unnest(p_digests) AS d (digest)
         WHERE d.digest IS NOT NULL
    ), above (root, digest, depth) AS (
        SELECT s.root, s.digest, 0
          FROM (SELECT n.digest AS root, n.digest FROM named n
                 UNION
                SELECT n.digest, f.digest FROM named n
                  JOIN digest_facts f ON f.config_digest = n.digest AND f.known_at <= p_known) s
         UNION
        SELECT a.root, e.parent, a.depth + 1
          FROM above a
          JOIN digest_edges e ON e.child = a.digest AND e.known_at <= p_known
         WHERE a.depth < 4
    )
    SELECT DISTINCT a.root, a.digest FROM above a;
END
$$;

-- What is to be said of each image, by its place in the array: one row for each platform manifest behind it, or one without any. The
-- names of what is pinned are those of pinned_uai, computed for all at once.
-- OFFSET 0 keeps a probe of scan_uais a probe: the newest scan nearly always has the name.
-- `cause_id` is the event, or the exclusion, that made the state; `expires_at` when a covering scan is too old, was too old, or an
-- exclusion ends.
CREATE OR REPLACE FUNCTION image_states(p_images image_key[], p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (place bigint, uai text, manifest_digest text, platform text, scan_id uuid, state text,
               reason text, expires_at timestamptz, cause_id uuid)
LANGUAGE plpgsql STABLE ROWS 10000
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
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

-- ---- keeping ----

CREATE FUNCTION cover_known() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT COALESCE((SELECT c.known_at FROM cover_clock c), '-infinity')
$$;

-- Images of which something was learned after p_from and up to p_to.
CREATE FUNCTION images_learned(p_from timestamptz, p_to timestamptz) RETURNS TABLE (image_no integer)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT r.image_no
      FROM (SELECT e.parent AS digest FROM digest_edges e WHERE e.known_at > p_from AND e.known_at <= p_to
             UNION
            SELECT e.child FROM digest_edges e WHERE e.known_at > p_from AND e.known_at <= p_to
             UNION
            SELECT f.digest FROM digest_facts f WHERE f.known_at > p_from AND f.known_at <= p_to
             UNION
            SELECT f.config_digest FROM digest_facts f WHERE f.known_at > p_from AND f.known_at <= p_to
             UNION
            SELECT o.digest FROM tag_observations o WHERE o.known_at > p_from AND o.known_at <= p_to
             UNION
            SELECT o.digest FROM assets a
              JOIN tag_observations o ON o.repository = a.repository AND o.tag = a.tag
             WHERE a.known_at > p_from AND a.known_at <= p_to) d
      JOIN image_reads r ON r.digest_hash = hashtextextended(d.digest, 0)
$$;

-- Complete scans of targets learned after p_from and up to p_to.
CREATE FUNCTION cover_learned(p_from timestamptz, p_to timestamptz)
RETURNS TABLE (target_no integer, finished_at timestamptz, known_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT t.target_no, s.finished_at, s.known_at
      FROM scans s
      JOIN scan_uais u ON u.scan_id = s.scan_id
      JOIN cover_targets t ON t.name = u.uai AND t.digest = s.digest
     WHERE s.outcome = 'complete' AND s.known_at > p_from AND s.known_at <= p_to
$$;

-- Makes image_targets and image_reads of these images anew, as known at p_known.
CREATE FUNCTION resolve_images(p_images integer[], p_known timestamptz) RETURNS void LANGUAGE plpgsql
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
        SELECT a.image_no, b.digest, f.fits, bool_or(f.fits) OVER (PARTITION BY a.image_no) AS any_fits
          FROM asked a
          JOIN below b ON b.root = a.digest AND b.is_manifest,
               LATERAL (SELECT platform_fits(b.platform, NULLIF(a.platform, '')) AS fits) f
    )
    SELECT a.image_no, a.repository, COALESCE(f.digest, a.digest) AS digest, f.digest IS NOT NULL AS is_manifest,
           n.name, n.valid_from, n.valid_to,
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
    INSERT INTO image_targets (image_no, target_no, valid_from, valid_to, known_from)
    SELECT DISTINCT t.image_no, c.target_no, t.valid_from, t.valid_to, t.known_from
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

-- Brings these tables to the ledger's clock, and resolves some 20,000 images that wait; how many it resolved, and 0 only when there is no
-- more to do, or another process is at it.
CREATE FUNCTION derive_images() RETURNS bigint LANGUAGE plpgsql
SET jit = off AS $$
DECLARE
    v_from timestamptz;
    v_to timestamptz;
    v_images integer[];
BEGIN
    INSERT INTO cover_clock (known_at) VALUES ('-infinity') ON CONFLICT DO NOTHING;
    SELECT c.known_at INTO v_from FROM cover_clock c FOR UPDATE SKIP LOCKED;
    IF v_from IS NULL THEN
        RETURN 0;
    END IF;
    SELECT GREATEST(v_from, c.known_at) INTO v_to FROM ledger_clock c;
    IF v_to > v_from THEN
        IF v_from > '-infinity' THEN
            v_images := ARRAY(SELECT l.image_no FROM images_learned(v_from, v_to) l);
            UPDATE run_images SET is_resolved = false WHERE image_no = ANY (v_images) AND is_resolved;
            DELETE FROM image_targets WHERE image_no = ANY (v_images);
            INSERT INTO cover_scans (target_no, finished_at, known_at)
            SELECT l.target_no, l.finished_at, l.known_at FROM cover_learned(v_from, v_to) l
                ON CONFLICT DO NOTHING;
        ELSE -- nobody knows how far they reach
            DELETE FROM image_targets;
            DELETE FROM image_reads;
            DELETE FROM cover_scans;
            DELETE FROM cover_targets;
            UPDATE run_images SET is_resolved = false WHERE is_resolved;
        END IF;
        UPDATE cover_clock SET known_at = v_to;
    END IF;
    v_images := ARRAY(SELECT i.image_no FROM run_images i WHERE NOT i.is_resolved ORDER BY i.image_no LIMIT 20000);
    IF cardinality(v_images) > 0 THEN
        PERFORM resolve_images(v_images, v_to);
    END IF;
    RETURN cardinality(v_images);
END
$$;

-- ---- asking ----

-- The images that run at an instant: the worst state (coverage_rank) of what is behind each, and in how many containers. One that is
-- computed from the facts is named by `key` instead of image_no; several keys may be one image.
--
-- The states are those of image_states: an exclusion goes first, then a complete scan that is young enough; only what has
-- neither is looked at one by one.
CREATE FUNCTION image_coverage(p_as_of timestamptz, p_known timestamptz)
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

-- How many containers are in each state; of several manifests the worst counts.
CREATE OR REPLACE FUNCTION coverage_totals(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (state text, containers bigint)
LANGUAGE sql STABLE SET jit = off AS $$
    SELECT n.name, COALESCE(c.containers, 0)
      FROM unnest(ARRAY['covered', 'scan_expired', 'scan_failed', 'never_scanned', 'unresolved',
                        'not_in_registry', 'excluded']) WITH ORDINALITY AS n (name, place)
      LEFT JOIN (SELECT i.rank, sum(i.containers)::bigint AS containers
                   FROM image_coverage(p_as_of, p_known) i
                  GROUP BY i.rank) c ON c.rank = coverage_rank(n.name)
     ORDER BY n.place
$$;
DROP FUNCTION running_images(timestamptz, timestamptz);
