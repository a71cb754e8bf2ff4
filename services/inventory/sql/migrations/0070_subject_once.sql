-- What a name stands for, found once: `explain` asks a dozen questions of one subject, and each found its digests anew.

CREATE FUNCTION subject_uais(p_subject text, p_digests text[], p_known timestamptz) RETURNS TABLE (uai text)
LANGUAGE plpgsql STABLE ROWS 20 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH named AS MATERIALIZED (
        SELECT a.asset_id FROM assets a WHERE a.uai = p_subject
         UNION
        SELECT d.asset_id FROM asset_digests d WHERE d.digest = ANY (p_digests) AND d.known_at <= p_known
         UNION
        SELECT a.asset_id FROM assets a WHERE a.digest = ANY (p_digests)
    )
    SELECT l.uai FROM named n JOIN live_assets_known(p_known) l ON l.asset_id = n.asset_id;
END
$$;

CREATE OR REPLACE FUNCTION subject_uais(p_subject text, p_known timestamptz) RETURNS TABLE (uai text)
LANGUAGE sql STABLE ROWS 20 AS $$
    SELECT u.uai FROM subject_uais(p_subject, ARRAY(SELECT d.digest FROM subject_digests(p_subject, p_known) d), p_known) u
$$;

-- subject_instances with its digests given, instead of asked for.
DO $$
DECLARE
    was text := pg_get_functiondef('subject_instances(text, timestamptz)'::regprocedure);
    body text := replace(was, '(p_subject text, p_known', '(p_subject text, p_digests text[], p_known');
BEGIN
    body := regexp_replace(body, '\n *v_digests text\[\] := [^;]*;', '');
    body := replace(body, 'v_digests', 'p_digests');
    IF body ~ 'subject_digests' OR body !~ 'ANY \(p_digests\)' THEN
        RAISE EXCEPTION 'subject_instances is otherwise than expected';
    END IF;
    EXECUTE body;
END
$$;

CREATE OR REPLACE FUNCTION subject_instances(p_subject text, p_known timestamptz) RETURNS TABLE (instance_id uuid)
LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT i.instance_id
      FROM subject_instances(p_subject, ARRAY(SELECT d.digest FROM subject_digests(p_subject, p_known) d), p_known) i
$$;

CREATE FUNCTION subject_named(p_subject text, p_known timestamptz)
RETURNS TABLE (uais text[], digests text[], instances uuid[])
LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
    digests := ARRAY(SELECT d.digest FROM subject_digests(p_subject, p_known) d);
    uais := ARRAY(SELECT u.uai FROM subject_uais(p_subject, digests, p_known) u);
    instances := ARRAY(SELECT i.instance_id FROM subject_instances(p_subject, digests, p_known) i);
    RETURN NEXT;
END
$$;
