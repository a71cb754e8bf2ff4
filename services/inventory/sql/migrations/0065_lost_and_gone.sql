-- Events that Kafka lost are a failure until a person says that it is dealt with: nothing else can know it.

ALTER TABLE detection_failures
    ADD COLUMN closed_by text COLLATE "C",
    ADD COLUMN closed_reason text COLLATE "C";

-- False: there is no such open failure.
CREATE FUNCTION detection_failure_close(p_failure uuid, p_by text, p_reason text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_known timestamptz;
BEGIN
    IF COALESCE(p_by, '') = '' OR COALESCE(p_reason, '') = '' THEN
        RAISE EXCEPTION 'say who closes it, and why';
    END IF;
    v_known := ledger_tick();
    UPDATE detection_failures f
       SET closed_at = v_known, closed_known_at = v_known, closed_by = p_by, closed_reason = p_reason
     WHERE f.failure_id = p_failure AND f.closed_at IS NULL AND f.code IN ('events_lost', 'topic_recreated');
    RETURN FOUND;
END
$$;
