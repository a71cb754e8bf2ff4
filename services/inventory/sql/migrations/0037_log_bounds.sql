-- The logs that grow for ever become partitioned by months, in three steps (0037 to 0039), so that a full one is
-- neither copied nor read under a lock that stops anybody:
--   0037 says where each old table ends (an instant). What lies behind that end, because a clock was wrong, goes
--        into a table beside it, so no insert ever fails.
--   0038 moves what lies there already and proves the end (one scan, nobody waits).
--   0039 makes each old table the first partition (an instant).

-- All locks or none, and none is waited for longer than a second: nobody waits longer behind it.
CREATE FUNCTION muster_lock_tables(p_tables text, p_tries integer DEFAULT 60) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('lock_timeout', '1s', true);
    FOR i IN 1..p_tries LOOP
        BEGIN
            EXECUTE 'LOCK TABLE ' || p_tables || ' IN ACCESS EXCLUSIVE MODE';
            RETURN;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            PERFORM pg_sleep(0.5);
        END;
    END LOOP;
    RAISE EXCEPTION 'others use % all the time: end what runs there for long, and try again', replace(p_tables, 'ONLY ', '')
        USING ERRCODE = 'lock_not_available';
END
$$;
REVOKE ALL ON FUNCTION muster_lock_tables(text, integer) FROM PUBLIC;

CREATE FUNCTION log_ahead() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    EXECUTE format('INSERT INTO %I SELECT ($1).* ON CONFLICT DO NOTHING', TG_TABLE_NAME || '_ahead') USING NEW;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION log_ahead() FROM PUBLIC;

SELECT muster_lock_tables('audit_log, gate_decisions, policy_decisions, notifications, webhook_deliveries');

-- When the database took it, whatever the asked process's clock said; NULL: before this was kept.
ALTER TABLE audit_log ADD COLUMN written_at timestamptz;
ALTER TABLE audit_log ALTER COLUMN written_at SET DEFAULT now();

DO $$
DECLARE
    bound timestamptz := date_trunc('month', now(), 'UTC') + interval '2 months';
    parent text;
    key text;
BEGIN
    FOR parent, key IN VALUES ('audit_log', 'at'), ('gate_decisions', 'decided_at'),
                              ('policy_decisions', 'decided_at'), ('notifications', 'known_at'),
                              ('webhook_deliveries', 'created_at') LOOP
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING INDEXES)', parent || '_ahead', parent);
        EXECUTE format('CREATE TRIGGER log_ahead BEFORE INSERT ON %I FOR EACH ROW WHEN (NEW.%I >= %L) '
                       'EXECUTE FUNCTION log_ahead()', parent, key, bound);
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I CHECK (%I < %L) NOT VALID',
                       parent, parent || '_bound', key, bound);
    END LOOP;
END
$$;
