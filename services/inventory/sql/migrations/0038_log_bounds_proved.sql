-- See 0037.

DO $$
DECLARE
    parent text;
    key text;
    bound text;
BEGIN
    FOR parent, key IN VALUES ('audit_log', 'at'), ('gate_decisions', 'decided_at'),
                              ('policy_decisions', 'decided_at'), ('notifications', 'known_at'),
                              ('webhook_deliveries', 'created_at') LOOP
        bound := (SELECT substring(pg_get_constraintdef(oid) FROM '''(.*)''::')
                    FROM pg_constraint WHERE conname = parent || '_bound');
        EXECUTE format('WITH ahead AS (DELETE FROM %I WHERE %I >= %L RETURNING *) '
                       'INSERT INTO %I SELECT * FROM ahead ON CONFLICT DO NOTHING',
                       parent, key, bound, parent || '_ahead');
        EXECUTE format('ALTER TABLE %I VALIDATE CONSTRAINT %I', parent, parent || '_bound');
    END LOOP;
END
$$;
