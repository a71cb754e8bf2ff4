-- Most of a fleet is covered: of images that are, only the number of their containers is told, in one row without image and key. So runs are
-- counted without asking of each which image it is, and what is judged by its reasons is what no scan covers. States are as 0069 has them.
CREATE OR REPLACE FUNCTION image_coverage(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (image_no integer, key image_key, rank integer, containers bigint)
LANGUAGE plpgsql STABLE ROWS 100000
SET plan_cache_mode = force_custom_plan SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_runs timestamptz := run_spans_known();
    v_cover timestamptz := cover_known();
    v_late uuid[];       -- containers, and
    v_changed integer[]; -- images, that are known otherwise than kept
    v_excused integer[]; -- targets
    v_excluded integer[] := '{}'; -- images that have no others
    v_open integer[];    -- images with a target that is neither covered nor excused, or with none; once for each such target
    v_targets integer[];
    v_open_containers bigint[];
    v_judged integer[];
    v_covered bigint;    -- containers of all other images, and
    v_images integer[];  -- of each of these
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

    IF p_known < v_runs OR v_late IS NOT NULL THEN -- more that were known so then, fewer that are known otherwise now
        SELECT array_agg(k.image_no), array_agg(k.containers) INTO v_images, v_containers
          FROM (SELECT a.image_no, sum(a.containers)::bigint AS containers
                  FROM (SELECT s.image_no, count(*) AS containers
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
                 GROUP BY a.image_no) k;
    END IF;

    v_excused := ARRAY(
        SELECT DISTINCT t.target_no
          FROM exclusions_known(p_known) e
          JOIN cover_targets t ON t.name = e.uai
         WHERE e.valid_from <= p_as_of AND e.known_at <= p_known AND COALESCE(e.valid_to > p_as_of, true));
    IF cardinality(v_excused) > 0 THEN
        v_excluded := ARRAY(
            SELECT g.image_no
              FROM image_targets g
             WHERE g.image_no IN (SELECT e.image_no FROM image_targets e WHERE e.target_no = ANY (v_excused))
               AND g.known_from <= p_known AND g.valid_from <= p_as_of AND g.valid_to > p_as_of
               AND (v_changed IS NULL OR g.image_no <> ALL (v_changed))
             GROUP BY g.image_no
            HAVING bool_and(g.target_no = ANY (v_excused)));
    END IF;

    SELECT array_agg(o.image_no), array_agg(o.target_no) INTO v_open, v_targets
      FROM (SELECT g.image_no, g.target_no
              FROM image_targets g
             WHERE g.known_from <= p_known AND g.valid_from <= p_as_of AND g.valid_to > p_as_of
               AND (v_changed IS NULL OR g.image_no <> ALL (v_changed))
               AND g.target_no <> ALL (v_excused)
               AND NOT EXISTS (SELECT
                                 FROM (SELECT s.target_no FROM cover_scans s
                                        WHERE s.finished_at >= p_as_of - scan_window() AND s.finished_at <= p_as_of
                                          AND s.known_at <= p_known
                                        UNION ALL
                                       SELECT l.target_no FROM cover_learned(v_cover, p_known) l
                                        WHERE l.finished_at >= p_as_of - scan_window() AND l.finished_at <= p_as_of) c
                                WHERE c.target_no = g.target_no)
             UNION ALL
            SELECT i.image_no, NULL
              FROM run_images i
             WHERE NOT EXISTS (SELECT FROM image_targets g
                                WHERE g.image_no = i.image_no AND g.known_from <= p_known
                                  AND g.valid_from <= p_as_of AND g.valid_to > p_as_of
                                  AND (v_changed IS NULL OR g.image_no <> ALL (v_changed)))) o;

    v_judged := v_open || v_excluded;
    SELECT array_agg(k.image_no) FILTER (WHERE k.image_no IS NOT NULL),
           array_agg(k.containers) FILTER (WHERE k.image_no IS NOT NULL),
           max(k.containers) FILTER (WHERE k.image_no IS NULL)
      INTO v_images, v_containers, v_covered
      FROM (SELECT a.image_no, sum(a.containers)::bigint AS containers
              FROM (SELECT CASE WHEN s.image_no = ANY (v_judged) THEN s.image_no END AS image_no, count(*) AS containers
                      FROM run_spans s
                     WHERE s.known_until = 'infinity' AND s.ended_at > p_as_of AND s.started_at <= p_as_of
                       AND s.known_from <= p_known
                     GROUP BY 1
                     UNION ALL
                    SELECT CASE WHEN d.image_no = ANY (v_judged) THEN d.image_no END, sum(d.containers)
                      FROM unnest(v_images, v_containers) AS d (image_no, containers)
                     GROUP BY 1) a
             GROUP BY a.image_no
            HAVING sum(a.containers) > 0) k;
    SELECT array_agg(p.image_no), array_agg(p.target_no), array_agg(k.containers) INTO v_open, v_targets, v_open_containers
      FROM unnest(v_open, v_targets) AS p (image_no, target_no)
      JOIN unnest(v_images, v_containers) AS k (image_no, containers) ON k.image_no = p.image_no;

    RETURN QUERY
    WITH other AS MATERIALIZED (
        SELECT t.target_no,
               CASE WHEN t.digest IS NULL THEN 'unresolved'
                    WHEN g.state IN ('missing', 'deleted') THEN 'not_in_registry'
                    WHEN EXISTS (SELECT FROM scans s
                                  WHERE s.digest = t.digest AND s.outcome = 'complete'
                                    AND s.finished_at <= p_as_of AND s.known_at <= p_known
                                    AND EXISTS (SELECT FROM scan_uais u WHERE u.scan_id = s.scan_id AND u.uai = t.name
                                                OFFSET 0)) THEN 'scan_expired'
                    WHEN NOT t.is_manifest AND EXISTS (SELECT FROM digest_facts f WHERE f.digest = t.digest AND f.kind = 'attestation'
                                                                                AND f.known_at <= p_known) THEN 'unresolved'
                    WHEN EXISTS (SELECT FROM scans s
                                  WHERE s.digest = t.digest AND s.outcome = 'failed'
                                    AND s.finished_at <= p_as_of AND s.known_at <= p_known
                                    AND EXISTS (SELECT FROM scan_uais u WHERE u.scan_id = s.scan_id AND u.uai = t.name
                                                OFFSET 0)) THEN 'scan_failed'
                    WHEN t.is_manifest OR g.state IS NOT NULL THEN 'never_scanned'
                    ELSE 'unresolved' END AS state
          FROM (SELECT DISTINCT p.target_no FROM unnest(v_targets) AS p (target_no)) o
          JOIN cover_targets t ON t.target_no = o.target_no
          LEFT JOIN LATERAL (SELECT registry_state(t.repository, t.digest, p_as_of, p_known) AS state) g ON true
    )
    SELECT NULL::integer, NULL::image_key, coverage_rank('covered'), v_covered WHERE v_covered IS NOT NULL
     UNION ALL
    SELECT k.image_no, NULL::image_key, coverage_rank('excluded'), k.containers
      FROM unnest(v_images, v_containers) AS k (image_no, containers) WHERE k.image_no = ANY (v_excluded)
     UNION ALL
    SELECT p.image_no, NULL::image_key, max(coverage_rank(o.state)), max(p.containers)
      FROM unnest(v_open, v_open_containers, v_targets) AS p (image_no, containers, target_no)
      JOIN other o ON o.target_no = p.target_no
     GROUP BY p.image_no;

    v_pinned := ARRAY(SELECT i.image_no
                        FROM unnest(v_open, v_targets) AS p (image_no, target_no)
                        JOIN run_images i ON i.image_no = p.image_no
                       WHERE p.target_no IS NULL AND i.tag IS NULL AND i.repository IS NOT NULL
                         AND i.digest IS NOT NULL);
    SELECT array_agg((k.repository, k.tag, k.digest, k.platform, k.image, k.pinned_at)::image_key),
           array_agg(k.containers)
      INTO v_keys, v_containers
      FROM (SELECT i.repository, i.tag, i.digest, i.platform, i.image, NULL::timestamptz AS pinned_at, p.containers
              FROM unnest(v_open, v_open_containers, v_targets) AS p (image_no, containers, target_no)
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

-- As 0053 has it: images of which nothing else is told are covered.
DO $do$
DECLARE
    was text := pg_get_functiondef('list_totals(timestamptz, timestamptz, text)'::regprocedure);
    body text := replace(replace(was, 'JOIN worst w ON', 'LEFT JOIN worst w ON'), 'n.uai, w.rank, r.containers',
                         $w$n.uai, COALESCE(w.rank, coverage_rank('covered')) AS rank, r.containers$w$);
BEGIN
    IF position('LEFT JOIN worst w ON' IN body) = 0 OR position('COALESCE(w.rank, ' IN body) = 0 THEN
        RAISE EXCEPTION 'list_totals is otherwise than expected';
    END IF;
    EXECUTE body;
END
$do$;
