-- The logs by months (see 0037), and how months are made and let go, of these and of the ledger.

-- What is partitioned by months: by which column, with which primary key in each month, and which column says when a row
-- came. A key has the time in it, so it holds within a month: that is enough where the same row always has the
-- same time. A gate's record has, and gate_ship takes a number once whatever its time is; so does an audit record.
-- A notification is looked for in all months before it is written, under the ledger's clock.
CREATE FUNCTION month_tables()
RETURNS TABLE (parent text, key text, columns text, came text) LANGUAGE sql IMMUTABLE AS $$
    VALUES ('ledger', 'known_at', 'known_at, event_id', 'known_at'),
           ('ledger_payloads', 'known_at', 'known_at', 'known_at'),
           ('audit_log', 'at', 'at, record_id', 'written_at'),
           ('gate_decisions', 'decided_at', 'instance, sequence, decided_at', 'known_at'),
           ('policy_decisions', 'decided_at', 'decided_at, decision_id', 'known_at'),
           ('notifications', 'known_at', 'notification_id, known_at', 'known_at'),
           ('webhook_deliveries', 'created_at', 'delivery_id, created_at', 'created_at')
$$;

-- The partitions but the default one.
CREATE FUNCTION months_of(p_parent text)
RETURNS TABLE (name text, time_from timestamptz, time_to timestamptz) LANGUAGE sql STABLE AS $$
    SELECT c.relname,
           COALESCE(substring(b.bound FROM 'FROM \(''([^'']*)''\)')::timestamptz, '-infinity'),
           substring(b.bound FROM 'TO \(''(.*)''\)')::timestamptz
      FROM pg_inherits i
      JOIN pg_class c ON c.oid = i.inhrelid,
           LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) b
     WHERE i.inhparent = p_parent::regclass AND b.bound <> 'DEFAULT'
$$;

-- ---- the switch ----

SELECT muster_lock_tables('audit_log, gate_decisions, policy_decisions, notifications, webhook_deliveries');

-- What may be done with p_from may be done with p_to, and nothing else; nothing at all when p_from is NULL.
CREATE FUNCTION log_same_rights(p_from text, p_to text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT DISTINCT a.grantee FROM pg_class c, aclexplode(c.relacl) a
              WHERE c.oid = p_to::regclass AND a.grantee NOT IN (0, c.relowner) LOOP
        EXECUTE format('REVOKE ALL ON %I FROM %I', p_to, pg_get_userbyid(r.grantee));
    END LOOP;
    FOR r IN SELECT a.grantee, a.privilege_type, a.is_grantable FROM pg_class c, aclexplode(c.relacl) a
              WHERE c.oid = p_from::regclass AND a.grantee <> c.relowner LOOP
        EXECUTE format('GRANT %s ON %I TO %s', r.privilege_type, p_to,
                       CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.grantee)) END ||
                       CASE WHEN r.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
    END LOOP;
END
$$;

DO $$
DECLARE
    t record;
    x record;
    bound text;
    filled boolean;
BEGIN
    FOR t IN SELECT m.*, m.parent || '_before' AS before, m.parent || '_default' AS rest,
                    m.parent || '_bound' AS proof
               FROM month_tables() m WHERE m.parent NOT LIKE 'ledger%' LOOP
        bound := (SELECT substring(pg_get_constraintdef(oid) FROM '''(.*)''::')
                    FROM pg_constraint WHERE conname = t.proof);
        EXECUTE format('DROP TRIGGER log_ahead ON %I', t.parent);
        EXECUTE format('ALTER TABLE %I RENAME TO %I', t.parent, t.before);
        FOR x IN SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                  WHERE i.indrelid = t.before::regclass LOOP
            EXECUTE format('ALTER INDEX %I RENAME TO %I', x.name, replace(x.name, t.parent, t.before));
        END LOOP;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (%I)',
                       t.parent, t.before, t.key);
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', t.parent, t.proof);
        PERFORM log_same_rights(t.before, t.parent);
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', t.before) INTO filled;
        IF filled THEN
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)',
                           t.parent, t.before, bound);
        ELSE
            EXECUTE format('DROP TABLE %I', t.before);
        END IF;
        EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', t.rest, t.parent);
        EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (%s)', t.rest, t.columns);
    END LOOP;
END
$$;

-- As they were: those of an old table become a part of these as they lie. audit_log (at, record_id) and the key
-- of each month are the same.
CREATE INDEX audit_log_principal ON audit_log (principal, at);
CREATE INDEX gate_decisions_decided_at ON gate_decisions (decided_at);
CREATE INDEX gate_decisions_image ON gate_decisions (repository, digest);
CREATE INDEX policy_decisions_image ON policy_decisions (repository, digest);
CREATE INDEX notifications_known_at ON notifications (known_at);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (target, next_try_at) WHERE state = 'pending';

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT m.parent FROM month_tables() m WHERE m.parent NOT LIKE 'ledger%' LOOP
        EXECUTE format('INSERT INTO %I SELECT * FROM %I ON CONFLICT DO NOTHING', name, name || '_ahead');
        EXECUTE format('DROP TABLE %I', name || '_ahead');
    END LOOP;
END
$$;
DROP FUNCTION log_ahead();
DROP FUNCTION log_same_rights(text, text);

-- ---- months ----

-- A month is made apart and attached: who reads and writes waits for an instant only. What came before it was made
-- lies in the default partition, and moves. Nobody has rights on a month but through its table.
CREATE FUNCTION month_make(p_parent text, p_month timestamptz) RETURNS void
LANGUAGE plpgsql SET TimeZone = 'UTC' AS $$
DECLARE
    name text := p_parent || to_char(p_month, '"_"YYYY"_"MM');
    rest text := p_parent || '_default';
    t record;
    span text;
BEGIN
    SELECT m.* INTO STRICT t FROM month_tables() m WHERE m.parent = p_parent;
    span := format('%1$I >= %2$L AND %1$I < %3$L', t.key, p_month, p_month + interval '1 month');
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMPRESSION, '
                   'PRIMARY KEY (%s), CHECK (%s))', name, p_parent, t.columns, span);
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
REVOKE ALL ON FUNCTION month_make(text, timestamptz) FROM PUBLIC;

-- Months from now up to p_until that are no partitions yet, and those of the past that rows in the default partition are
-- of (a clock that was wrong, a time when nobody made months), twelve at a time. One maker at a time; gives how many
-- were made.
CREATE OR REPLACE FUNCTION ledger_make_partitions(p_until timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET TimeZone = 'UTC'
SET lock_timeout = '5s' AS $$
DECLARE
    t record;
    this_month timestamptz := date_trunc('month', clock_timestamp());
    late timestamptz[];
    month timestamptz;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(x'6d75737465727061'::bigint);
    FOR t IN SELECT m.parent, m.key FROM month_tables() m LOOP
        EXECUTE format('SELECT array_agg(l.month) FROM (SELECT DISTINCT date_trunc(''month'', %1$I) AS month FROM %2$I '
                       'WHERE %1$I >= ''1970-01-01Z'' AND %1$I < %3$L ORDER BY 1 LIMIT 12) l',
                       t.key, t.parent || '_default', this_month) INTO late;
        FOR month IN SELECT generate_series(this_month, p_until, interval '1 month') UNION SELECT unnest(late) LOOP
            CONTINUE WHEN EXISTS (SELECT FROM months_of(t.parent) o
                                   WHERE o.time_from <= month AND o.time_to > month);
            PERFORM month_make(t.parent, month);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
SELECT ledger_make_partitions(now() + interval '3 months');
