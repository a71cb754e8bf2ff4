-- Which containers to look at for gaps, without looking at those of images that are covered.

-- All that are not covered at the instant are among them: those of images that are not, and those that were learned since runs were kept.
CREATE FUNCTION containers_in_doubt(p_as_of timestamptz, p_known timestamptz) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_runs timestamptz := run_spans_known();
    v_late uuid[];
    v_images integer[];
BEGIN
    IF p_known > v_runs THEN
        v_late := ARRAY(SELECT DISTINCT l.instance_id FROM instances_learned(v_runs, p_known) l);
    END IF;
    v_images := ARRAY(
        WITH open AS MATERIALIZED (
            SELECT c.image_no, c.key FROM image_coverage(p_as_of, p_known) c WHERE c.rank <> coverage_rank('covered')
        )
        SELECT o.image_no FROM open o WHERE o.image_no IS NOT NULL
         UNION
        SELECT i.image_no FROM open o
          JOIN run_images i ON i.image = (o.key).image COLLATE "C"
                           AND COALESCE(i.repository, '') = COALESCE((o.key).repository, '') COLLATE "C"
                           AND COALESCE(i.digest, '') = COALESCE((o.key).digest, '') COLLATE "C"
         WHERE o.image_no IS NULL);
    RETURN ARRAY(
        SELECT s.instance_id FROM run_spans s
         WHERE s.image_no = ANY (v_images) AND s.started_at <= p_as_of AND s.ended_at > p_as_of
           AND s.known_from <= p_known AND (s.known_until > p_known OR s.known_until = 'infinity')
         UNION
        SELECT l.instance_id FROM unnest(v_late) AS l (instance_id));
END
$$;
