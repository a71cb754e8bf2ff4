-- Pages of a fleet's lists that cost what is on them, not what there is.

-- Images that are not kept as they are known are found by one join, not by a look for each.
DO $$
DECLARE
    change record;
    was text;
    body text;
BEGIN
    FOR change IN
        SELECT * FROM (VALUES
            ($w$v_rest := ARRAY(SELECT$w$, $w$v_rest := v_changed || ARRAY(SELECT$w$),
            ($w$WHERE i.image_no = ANY (v_changed)
                        OR NOT EXISTS$w$, $w$WHERE NOT EXISTS$w$)
        ) AS c (words, others)
    LOOP
        was := pg_get_functiondef('containers_computed(timestamptz, timestamptz)'::regprocedure);
        body := replace(was, change.words, change.others);
        IF body = was THEN
            RAISE EXCEPTION 'containers_computed is otherwise than expected';
        END IF;
        EXECUTE body;
    END LOOP;
END
$$;

-- How many containers run each asset, of these or (NULL) of all: counted by image, each named once, and the rest one by one.
DROP FUNCTION running_assets(timestamptz, timestamptz);
CREATE FUNCTION running_assets(p_uais text[], p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (uai text, containers bigint)
LANGUAGE plpgsql STABLE ROWS 10000
SET plan_cache_mode = force_custom_plan SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_computed uuid[] := containers_computed(p_valid, p_known);
    v_images integer[];
    v_containers bigint[];
BEGIN
    IF p_uais IS NULL THEN
        SELECT array_agg(k.image_no), array_agg(k.containers) INTO v_images, v_containers
          FROM (SELECT r.image_no, sum(r.containers)::bigint AS containers
                  FROM running_kept(v_computed, p_valid, p_known) r
                 GROUP BY r.image_no) k;
    ELSE
        v_images := images_named(p_uais, NULL, p_valid, p_known);
        SELECT array_agg(k.image_no), array_agg(k.containers) INTO v_images, v_containers
          FROM (SELECT s.image_no, count(*) AS containers
                  FROM run_spans s
                 WHERE s.image_no = ANY (v_images)
                   AND s.started_at <= p_valid AND s.ended_at > p_valid
                   AND s.known_from <= p_known AND (s.known_until = 'infinity' OR s.known_until > p_known)
                   AND s.instance_id <> ALL (v_computed)
                 GROUP BY s.image_no) k;
    END IF;
    RETURN QUERY
    WITH named AS (
        SELECT r.image_no, max(r.containers) AS containers, max(t.name) AS uai
          FROM unnest(v_images, v_containers) AS r (image_no, containers)
          JOIN image_targets g ON g.image_no = r.image_no AND g.known_from <= p_known
                              AND g.valid_from <= p_valid AND g.valid_to > p_valid
          JOIN cover_targets t ON t.target_no = g.target_no
         GROUP BY r.image_no
    )
    SELECT n.uai, sum(n.containers)::bigint
      FROM (SELECT d.uai, d.containers FROM named d
             UNION ALL
            SELECT c.uai, count(DISTINCT c.instance_id)
              FROM coverage_of(v_computed, p_valid, p_known) c
             GROUP BY c.uai) n
     WHERE n.uai IS NOT NULL AND (p_uais IS NULL OR n.uai = ANY (p_uais))
     GROUP BY n.uai;
END
$$;

-- Images that are kept as they are known, by what they are called or by a digest of theirs (NULL: any).
CREATE FUNCTION images_named(p_uais text[], p_digest text, p_valid timestamptz, p_known timestamptz) RETURNS integer[]
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET enable_nestloop = off SET jit = off AS $$
BEGIN
    RETURN ARRAY(SELECT DISTINCT g.image_no
                   FROM cover_targets t
                   JOIN image_targets g ON g.target_no = t.target_no AND g.known_from <= p_known
                                       AND g.valid_from <= p_valid AND g.valid_to > p_valid
                   JOIN run_images i ON i.image_no = g.image_no
                  WHERE (p_uais IS NULL OR t.name = ANY (p_uais))
                    AND (p_digest IS NULL OR p_digest IN (t.digest, i.digest)));
END
$$;

-- coverage_rows_of, for few: found by index, where a fleet is read in whole.
DO $$
DECLARE
    was text := pg_get_functiondef('coverage_rows_of(uuid[],timestamptz,timestamptz)'::regprocedure);
    body text := replace(was, 'coverage_rows_of', 'coverage_rows_near');
BEGIN
    IF body !~ 'enable_nestloop' THEN
        RAISE EXCEPTION 'coverage_rows_of is otherwise than expected';
    END IF;
    EXECUTE body;
END
$$;
ALTER FUNCTION coverage_rows_near(uuid[], timestamptz, timestamptz) RESET enable_nestloop;

-- Rows of coverage_images behind a key ("INSTANCE/MANIFEST"), so many (NULL: all). The containers that may be on the page are sought
-- first, in the order of their ids, and coverage is computed of these; where few of them are what is asked for, of all that are left.
CREATE FUNCTION list_instances(p_valid timestamptz, p_known timestamptz, p_after text, p_limit bigint, p_uai text, p_digest text,
                               p_cluster text, p_namespace text, p_pod text, p_node text, p_state text)
RETURNS TABLE (instance_id uuid, cluster text, namespace text, pod text, pod_uid text, container text, container_kind text,
               node text, owner_kind text, owner_name text, image text, uai text, digest text, state text, reason text,
               started_at timestamptz, scan_id uuid, key text)
LANGUAGE plpgsql STABLE ROWS 100
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_most constant bigint := 1500; -- at once by index; more by sets of the whole fleet
    v_computed uuid[] := containers_computed(p_valid, p_known);
    v_images integer[];
    v_among uuid[];
    v_some uuid[];
    v_from uuid := COALESCE(left(p_after, 36), '00000000-0000-0000-0000-000000000000')::uuid;
    v_key text := p_after COLLATE "C";
    v_left bigint := p_limit;
    v_turns bigint := CASE WHEN p_state = 'excluded' OR p_limit IS NULL THEN 0 ELSE 3 END; -- how often so many are tried
    v_size bigint;
    v_rows bigint;
BEGIN
    IF p_uai IS NOT NULL OR p_digest IS NOT NULL THEN
        v_images := images_named(CASE WHEN p_uai IS NOT NULL THEN ARRAY[p_uai] END, p_digest, p_valid, p_known);
    END IF;
    IF p_pod IS NOT NULL THEN
        v_among := ARRAY(SELECT i.instance_id FROM instances i WHERE i.pod_uid = p_pod
                          UNION
                         SELECT i.instance_id
                           FROM pod_facts n JOIN instances i ON i.cluster = n.cluster AND i.pod_uid = n.pod_uid
                          WHERE n.pod = p_pod AND n.known_at <= p_known);
    ELSIF p_state NOT IN ('covered', 'excluded') THEN
        v_among := containers_in_doubt(p_valid, p_known);
    END IF;
    LOOP
        v_size := CASE WHEN v_turns > 0 THEN CASE WHEN p_state IS NULL THEN LEAST(v_most, v_left + 1) ELSE v_most END END;
        v_turns := v_turns - 1;
        v_some := ARRAY(
            SELECT n.instance_id
              FROM ((SELECT DISTINCT s.instance_id
                       FROM run_spans s
                       JOIN run_places p ON p.place_no = s.place_no
                      WHERE s.instance_id >= v_from
                        AND s.started_at <= p_valid AND s.ended_at > p_valid
                        AND s.known_from <= p_known AND (s.known_until = 'infinity' OR s.known_until > p_known)
                        AND (v_among IS NULL OR s.instance_id = ANY (v_among))
                        AND (v_images IS NULL OR s.image_no = ANY (v_images))
                        AND (p_cluster IS NULL OR p.cluster = p_cluster)
                        AND (p_namespace IS NULL OR p.namespace = p_namespace)
                        AND (p_node IS NULL OR p.node = p_node)
                      ORDER BY s.instance_id LIMIT v_size)
                     UNION
                    (SELECT c.instance_id
                       FROM unnest(v_computed) AS c (instance_id)
                      WHERE c.instance_id >= v_from AND (v_among IS NULL OR c.instance_id = ANY (v_among))
                      ORDER BY c.instance_id LIMIT v_size)) n
             ORDER BY n.instance_id LIMIT v_size);
        RETURN QUERY
        SELECT r.instance_id, r.cluster, r.namespace, r.pod, r.pod_uid, r.container, r.container_kind, r.node, r.owner_kind,
               r.owner_name, r.image, r.uai, r.digest, r.state, r.reason, r.started_at, r.scan_id, r.key
          FROM (SELECT c.*, COALESCE(c.manifest_digest, c.reported_digest) AS digest,
                       c.instance_id || '/' || COALESCE(c.manifest_digest, '') COLLATE "C" AS key
                  FROM (SELECT n.* FROM coverage_rows_near(v_some, p_valid, p_known) n WHERE v_size IS NOT NULL
                         UNION ALL
                        SELECT a.* FROM coverage_rows_of(v_some, p_valid, p_known) a WHERE v_size IS NULL) c) r
         WHERE (v_key IS NULL OR r.key > v_key)
           AND (p_uai IS NULL OR r.uai = p_uai)
           AND (p_digest IS NULL OR p_digest IN (r.manifest_digest, r.reported_digest))
           AND (p_cluster IS NULL OR r.cluster = p_cluster)
           AND (p_namespace IS NULL OR r.namespace = p_namespace)
           AND (p_pod IS NULL OR p_pod IN (r.pod, r.pod_uid))
           AND (p_node IS NULL OR r.node = p_node)
           AND (p_state IS NULL OR r.state = p_state)
         ORDER BY r.key LIMIT v_left;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_left := v_left - v_rows;
        EXIT WHEN v_size IS NULL OR v_left = 0 OR cardinality(v_some) < v_size;
        v_from := v_some[v_size];
        v_key := v_from || '0'; -- behind all of its own: '/' < '0'
    END LOOP;
END
$$;
