-- Runs as they are known, kept: what a fleet of a million containers cannot afford to compute for each question.
--
-- These three tables follow from the facts and may be emptied at any time; derive_runs() makes them again, and brings them up to
-- date. Questions are answered the same whether it ran or not: what was learned since is computed from the facts.

-- What one run is: an image as it was named, on a platform.
CREATE TABLE run_images (
    image_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    repository text COLLATE "C",
    tag text COLLATE "C",
    digest text COLLATE "C",
    platform text COLLATE "C",
    image text COLLATE "C" NOT NULL,
    UNIQUE NULLS NOT DISTINCT (repository, tag, digest, platform, image)
);

-- A run from one moment of knowledge to the next that changed it. Open ends are infinity.
CREATE TABLE run_spans (
    instance_id uuid NOT NULL,
    run_key text COLLATE "C" NOT NULL,
    image_no integer NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    PRIMARY KEY (instance_id, run_key, known_from)
);
CREATE INDEX run_spans_ended ON run_spans (ended_at);

-- Everything learned up to here is in run_spans.
CREATE TABLE run_spans_clock (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    known_at timestamptz NOT NULL
);

-- Facts come in the order of their knowledge: small indexes that cost an insert nothing.
CREATE INDEX run_facts_known_at ON run_facts USING brin (known_at) WITH (autosummarize = on);
CREATE INDEX pod_facts_known_at ON pod_facts USING brin (known_at) WITH (autosummarize = on);
CREATE INDEX pod_removals_known_at ON pod_removals USING brin (known_at) WITH (autosummarize = on);

-- Containers of which something was learned after p_from and up to p_to, and each moment it was.
CREATE FUNCTION instances_learned(p_from timestamptz, p_to timestamptz)
RETURNS TABLE (instance_id uuid, known_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT f.instance_id, f.known_at FROM run_facts f WHERE f.known_at > p_from AND f.known_at <= p_to
     UNION
    SELECT i.instance_id, r.known_at FROM pod_removals r
      JOIN instances i ON i.cluster = r.cluster AND i.pod_uid = r.pod_uid
     WHERE r.known_at > p_from AND r.known_at <= p_to
     UNION
    SELECT i.instance_id, p.known_at FROM pod_facts p
      JOIN instances i ON i.cluster = p.cluster AND i.pod_uid = p.pod_uid
     WHERE p.known_at > p_from AND p.known_at <= p_to
$$;

-- The moment up to which run_spans is complete; -infinity when it never was made.
CREATE FUNCTION run_spans_known() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT COALESCE((SELECT c.known_at FROM run_spans_clock c), '-infinity')
$$;

-- Brings run_spans nearer to the ledger's clock, by some 50,000 facts at a time; how many rows it wrote, and 0 only when there is no more
-- to do, or another process is at it.
CREATE FUNCTION derive_runs() RETURNS bigint LANGUAGE plpgsql
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
    SELECT CASE WHEN count(*) < 50000 THEN v_clock ELSE LEAST(v_clock, max(s.known_at)) END INTO v_to
      FROM (SELECT f.known_at FROM run_facts f WHERE f.known_at > v_from
             UNION ALL
            SELECT r.known_at FROM pod_removals r WHERE r.known_at > v_from
             UNION ALL
            SELECT p.known_at FROM pod_facts p WHERE p.known_at > v_from
             ORDER BY 1 LIMIT 50000) s;

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
        SELECT l.instance_id, l.known_at,
               (SELECT max(p.platform) FROM pod_facts p WHERE p.cluster = i.cluster
                   AND p.pod_uid = i.pod_uid AND p.known_at <= l.known_at) AS platform,
               (SELECT min(r.removed_at) FROM pod_removals r WHERE r.cluster = i.cluster
                   AND r.pod_uid = i.pod_uid AND r.known_at <= l.known_at) AS removed_at
          FROM learned l
          JOIN instances i ON i.instance_id = l.instance_id
    )
    SELECT t.instance_id, t.run_key, t.known_at, t.repository, t.tag, t.digest, p.platform, t.image, t.started_at,
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

    CREATE TEMP TABLE changed ON COMMIT DROP AS
    WITH numbered AS (
        SELECT f.instance_id, f.run_key, f.known_at, i.image_no, f.started_at, f.ended_at
          FROM found f
          JOIN run_images i ON i.image = f.image
                           AND COALESCE(i.repository, '') = COALESCE(f.repository, '')
                           AND COALESCE(i.tag, '') = COALESCE(f.tag, '')
                           AND COALESCE(i.digest, '') = COALESCE(f.digest, '')
                           AND COALESCE(i.platform, '') = COALESCE(f.platform, '')
         UNION ALL
        SELECT s.instance_id, s.run_key, s.known_from, s.image_no, s.started_at, s.ended_at
          FROM (SELECT DISTINCT l.instance_id FROM learned l) l
          JOIN run_spans s ON s.instance_id = l.instance_id AND s.known_until = 'infinity'
    ), stepped AS (
        SELECT n.*, lag((n.image_no, n.started_at, n.ended_at)) OVER w IS DISTINCT FROM
                    (n.image_no, n.started_at, n.ended_at) AS is_new
          FROM numbered n
        WINDOW w AS (PARTITION BY n.instance_id, n.run_key ORDER BY n.known_at)
    )
    SELECT s.instance_id, s.run_key, s.image_no, s.started_at, s.ended_at, s.known_at AS known_from,
           lead(s.known_at, 1, 'infinity') OVER (PARTITION BY s.instance_id, s.run_key
                                                 ORDER BY s.known_at) AS known_until
      FROM stepped s WHERE s.is_new;

    INSERT INTO run_spans AS r SELECT * FROM changed
        ON CONFLICT (instance_id, run_key, known_from) DO UPDATE SET known_until = EXCLUDED.known_until
         WHERE r.known_until <> EXCLUDED.known_until;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    UPDATE run_spans_clock SET known_at = v_to;
    DROP TABLE learned, found, changed;
    RETURN CASE WHEN v_to < v_clock THEN GREATEST(v_rows, 1) ELSE v_rows END;
END
$$;

-- The images that run at an instant: each way of naming one, since when for those whose name depends on it, and in how many
-- containers. A pinned image's name depends on its start only where several tags reach it.
CREATE FUNCTION running_images(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (repository text, tag text, digest text, platform text, image text,
               pinned_at timestamptz, containers bigint)
LANGUAGE plpgsql STABLE ROWS 10000
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_derived timestamptz := run_spans_known();
    v_late uuid[];
BEGIN
    IF p_known > v_derived THEN
        v_late := ARRAY(SELECT DISTINCT l.instance_id FROM instances_learned(v_derived, p_known) l);
    END IF;
    RETURN QUERY
    WITH RECURSIVE kept AS MATERIALIZED (
        SELECT s.image_no, CASE WHEN i.tag IS NULL THEN s.started_at END AS started_at, count(*) AS containers
          FROM run_spans s
          JOIN run_images i ON i.image_no = s.image_no
         WHERE s.started_at <= p_as_of AND s.ended_at > p_as_of
           AND s.known_from <= p_known
           AND (s.known_until > p_known OR s.known_until = 'infinity')
           AND (v_late IS NULL OR s.instance_id <> ALL (v_late))
         GROUP BY 1, 2
    ), pinned AS MATERIALIZED (
        SELECT i.image_no, i.repository, i.digest
          FROM (SELECT DISTINCT k.image_no FROM kept k WHERE k.started_at IS NOT NULL) k
          JOIN run_images i ON i.image_no = k.image_no
         WHERE i.repository IS NOT NULL AND i.digest IS NOT NULL
    ), above (root, digest, depth) AS (
        SELECT s.root, s.digest, 0
          FROM (SELECT p.digest AS root, p.digest FROM pinned p
                 UNION
                SELECT p.digest, f.digest FROM pinned p
                  JOIN digest_facts f ON f.config_digest = p.digest AND f.known_at <= p_known) s
         UNION
        SELECT a.root, e.parent, a.depth + 1
          FROM above a
          JOIN digest_edges e ON e.child = a.digest AND e.known_at <= p_known
         WHERE a.depth < 4
    ), reached AS MATERIALIZED (
        SELECT a.root, o.repository, min(o.tag) <> max(o.tag) AS by_several
          FROM (SELECT DISTINCT v.root, v.digest FROM above v) a
          JOIN tag_observations o ON o.digest = a.digest
         GROUP BY a.root, o.repository
    ), ambiguous AS MATERIALIZED (
        SELECT p.image_no
          FROM pinned p
          JOIN reached r ON r.root = p.digest AND r.repository = p.repository
         WHERE r.by_several
    ), grouped AS (
        SELECT k.image_no, min(k.started_at) AS started_at, sum(k.containers)::bigint AS containers
          FROM kept k
         GROUP BY k.image_no,
                  CASE WHEN k.image_no IN (SELECT a.image_no FROM ambiguous a) THEN k.started_at END
    )
    SELECT i.repository, i.tag, i.digest, i.platform, i.image, g.started_at, g.containers
      FROM grouped g
      JOIN run_images i ON i.image_no = g.image_no
     UNION ALL
    SELECT r.repository, r.tag, r.digest, n.platform, r.image,
           CASE WHEN r.tag IS NULL THEN r.started_at END, count(*)
      FROM runs_of(v_late, p_known) r
      JOIN instances_of(v_late, p_known) n ON n.instance_id = r.instance_id
     WHERE r.started_at <= p_as_of AND (r.ended_at IS NULL OR r.ended_at > p_as_of)
     GROUP BY 1, 2, 3, 4, 5, 6;
END
$$;

-- How many containers are in each state; of several manifests the worst counts.
CREATE FUNCTION coverage_totals(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (state text, containers bigint)
LANGUAGE plpgsql STABLE SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_keys image_key[];
    v_containers bigint[];
BEGIN
    SELECT array_agg((r.repository, r.tag, r.digest, r.platform, r.image, r.pinned_at)::image_key),
           array_agg(r.containers)
      INTO v_keys, v_containers
      FROM running_images(p_as_of, p_known) r;
    RETURN QUERY
    WITH worst AS (
        SELECT s.place, max(coverage_rank(s.state)) AS rank
          FROM image_states(v_keys, p_as_of, p_known) s
         GROUP BY s.place
    ), counted AS (
        SELECT w.rank, sum(c.containers)::bigint AS containers
          FROM worst w
          JOIN unnest(v_containers) WITH ORDINALITY AS c (containers, place) ON c.place = w.place
         GROUP BY w.rank
    )
    SELECT n.name, COALESCE(c.containers, 0)
      FROM unnest(ARRAY['covered', 'scan_expired', 'scan_failed', 'never_scanned', 'unresolved',
                        'not_in_registry', 'excluded']) WITH ORDINALITY AS n (name, place)
      LEFT JOIN counted c ON c.rank = coverage_rank(n.name)
     ORDER BY n.place;
END
$$;

CREATE OR REPLACE FUNCTION report_v1.totals(as_of timestamptz, known_at timestamptz)
RETURNS TABLE (state text, containers bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.state, t.containers FROM coverage_totals(totals.as_of, totals.known_at) t
$$;
