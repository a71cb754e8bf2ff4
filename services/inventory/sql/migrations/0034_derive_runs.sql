-- How much derive_runs does in one transaction is its caller's choice.

-- Brings run_spans nearer to the ledger's clock, by some p_facts at a time; how many rows it wrote, and 0 only when there is no more
-- to do, or another process is at it.
DROP FUNCTION derive_runs();
CREATE FUNCTION derive_runs(p_facts bigint DEFAULT 50000) RETURNS bigint LANGUAGE plpgsql
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
