-- How much is not kept yet: facts since the instant up to which runs are kept, and images that are not resolved. Questions compute it.
CREATE FUNCTION kept_behind() RETURNS TABLE (facts bigint, images bigint) LANGUAGE sql STABLE SET jit = off AS $$
    SELECT (SELECT count(*) FROM run_facts f WHERE f.known_at > run_spans_known())
         + (SELECT count(*) FROM pod_facts f WHERE f.known_at > run_spans_known())
         + (SELECT count(*) FROM pod_removals f WHERE f.known_at > run_spans_known()),
           (SELECT count(*) FROM run_images i WHERE NOT i.is_resolved)
$$;
