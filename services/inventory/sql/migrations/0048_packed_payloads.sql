-- Payloads come packed (apply/payload_block.h): nothing is gained by trying to compress them again.
ALTER TABLE ledger_payloads ALTER COLUMN payload SET STORAGE EXTERNAL;

-- As in 0039; a month stores its columns as its table does.
CREATE OR REPLACE FUNCTION month_make(p_parent text, p_month timestamptz) RETURNS void
LANGUAGE plpgsql SET TimeZone = 'UTC' AS $$
DECLARE
    name text := p_parent || to_char(p_month, '"_"YYYY"_"MM');
    rest text := p_parent || '_default';
    t record;
    span text;
BEGIN
    SELECT m.* INTO STRICT t FROM month_tables() m WHERE m.parent = p_parent;
    span := format('%1$I >= %2$L AND %1$I < %3$L', t.key, p_month, p_month + interval '1 month');
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMPRESSION '
                   'INCLUDING STORAGE, PRIMARY KEY (%s), CHECK (%s))', name, p_parent, t.columns, span);
    IF t.came <> t.key THEN -- for retention, which asks whether some of a month came late
        EXECUTE format('CREATE INDEX ON %I USING brin (%I)', name, t.came);
    END IF;
    EXECUTE format('LOCK TABLE ONLY %I IN SHARE UPDATE EXCLUSIVE MODE', p_parent);
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', rest);
    EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %s RETURNING *) INSERT INTO %I SELECT * FROM moved',
                   rest, span, name);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   p_parent, name, p_month, p_month + interval '1 month');
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'muster_inventory') THEN
        EXECUTE format('REVOKE ALL ON %I FROM muster_inventory', name);
    END IF;
END
$$;
