-- As 0054 has it, but the instant is asked for once and not for every fact, and nothing is counted when nothing is behind.
CREATE OR REPLACE FUNCTION kept_behind() RETURNS TABLE (facts bigint, images bigint) LANGUAGE plpgsql STABLE
SET jit = off SET enable_seqscan = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    v_runs timestamptz := run_spans_known();
BEGIN
    facts := 0;
    IF (SELECT c.known_at FROM ledger_clock c) > v_runs THEN
        facts := (SELECT count(*) FROM run_facts f WHERE f.known_at > v_runs)
               + (SELECT count(*) FROM pod_facts f WHERE f.known_at > v_runs)
               + (SELECT count(*) FROM pod_removals f WHERE f.known_at > v_runs);
    END IF;
    images := (SELECT count(*) FROM run_images i WHERE NOT i.is_resolved);
    RETURN NEXT;
END
$$;
