-- Retention by the operator's policy: whole months, and only what nothing needs any more.

-- Months that end before the ages, each with why it must stay; `why` NULL: it goes.
--   Payloads: a rebuild begins behind the newest dropped month and leaves older facts as they are.
--   Ledger: months of the last thirteen stay (an annual assessment looks at a year); so does what an
--   open detection failure or the newest complete scan of a digest came from; facts are in tables of their
--   own and never go.
CREATE FUNCTION ledger_retention(p_payloads interval, p_ledger interval)
RETURNS TABLE (name text, known_to timestamptz, bytes bigint, why text)
LANGUAGE sql STABLE AS $$
    WITH months AS (
        SELECT p.relname AS parent, c.relname AS name, pg_total_relation_size(c.oid) AS bytes,
               substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''(.*)''\)')::timestamptz AS known_to,
               COALESCE(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''([^'']*)''\)')::timestamptz,
                        '-infinity') AS known_from
          FROM pg_inherits i
          JOIN pg_class c ON c.oid = i.inhrelid
          JOIN pg_class p ON p.oid = i.inhparent
         WHERE p.oid IN ('ledger'::regclass, 'ledger_payloads'::regclass)
           AND pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'
    )
    SELECT m.name, m.known_to, m.bytes,
           CASE WHEN EXISTS (SELECT FROM ledger_rebuild) THEN 'a rebuild is under way'
                WHEN m.parent = 'ledger_payloads' THEN NULL
                WHEN m.known_to > now() - interval '13 months' THEN 'of the last 13 months'
                WHEN EXISTS (SELECT FROM months o WHERE o.parent = 'ledger_payloads'
                                AND o.known_from < m.known_to
                                AND COALESCE(o.known_to > now() - p_payloads, true))
                     THEN 'its payloads are kept'
                WHEN EXISTS (SELECT FROM detection_failures f WHERE f.closed_at IS NULL
                                AND f.known_at >= m.known_from AND f.known_at < m.known_to)
                     THEN 'an open detection failure came from it'
                WHEN EXISTS (SELECT FROM scans s WHERE s.outcome = 'complete'
                                AND s.known_at >= m.known_from AND s.known_at < m.known_to
                                AND NOT EXISTS (SELECT FROM scans n WHERE n.digest = s.digest
                                                   AND n.outcome = 'complete'
                                                   AND (n.finished_at, n.scan_id) > (s.finished_at, s.scan_id)))
                     THEN 'the newest scan of an image came from it'
           END
      FROM months m
     WHERE m.known_to <= now() - CASE m.parent WHEN 'ledger' THEN p_ledger ELSE p_payloads END
     ORDER BY m.known_to, m.name
$$;

-- Drops one month that ledger_retention lets go; who reads it is waited for, at most lock_timeout.
CREATE FUNCTION ledger_drop(p_name text) RETURNS void
LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
DECLARE
    is_ledger boolean := p_name !~ '^ledger_payloads';
BEGIN
    IF is_ledger THEN
        EXECUTE format('INSERT INTO ledger_dropped (name, known_to, applied, quarantined) '
                       'SELECT %L, COALESCE(max(known_at), ''-infinity''), '
                       'count(*) FILTER (WHERE state = ''applied''), '
                       'count(*) FILTER (WHERE state = ''quarantined'') FROM %I', p_name, p_name);
    END IF;
    EXECUTE format('ALTER TABLE %I DETACH PARTITION %I',
                   CASE WHEN is_ledger THEN 'ledger' ELSE 'ledger_payloads' END, p_name);
    EXECUTE format('DROP TABLE %I', p_name);
END
$$;
REVOKE ALL ON FUNCTION ledger_drop(text) FROM PUBLIC;
