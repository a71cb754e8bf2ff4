-- Retention of the logs by months (see 0013 and 0039), and what was let go, for ever.

CREATE TABLE retention_drops (
    name text COLLATE "C" NOT NULL,
    parent text COLLATE "C" NOT NULL,
    time_from timestamptz NOT NULL,
    time_to timestamptz NOT NULL,
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    dropped_by text COLLATE "C" NOT NULL DEFAULT session_user,
    PRIMARY KEY (name, dropped_at)
);

-- Months that end before the ages, each with why it must stay; `why` NULL: it goes.
--   Audit records and decisions: months of the last thirteen stay (an annual assessment looks at a year; AU-11 wants ninety
--   days at hand), whatever age is given. Notifications and what webhooks were told: those of the last three.
--   What came lately stays as long as if it were new: the clock of who wrote it was wrong, or it was away.
CREATE FUNCTION log_retention(p_audit interval, p_gate interval, p_policy interval, p_notifications interval)
RETURNS TABLE (name text, time_to timestamptz, bytes bigint, why text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    m record;
    age interval;
    found boolean;
BEGIN
    FOR m IN SELECT o.*, t.parent, t.came, a.age, a.least
               FROM (VALUES ('audit_log', p_audit, 13), ('gate_decisions', p_gate, 13),
                            ('policy_decisions', p_policy, 13), ('notifications', p_notifications, 3),
                            ('webhook_deliveries', p_notifications, 3)) a (parent, age, least)
               JOIN month_tables() t ON t.parent = a.parent,
                    LATERAL months_of(a.parent) o
              WHERE o.time_to <= now() - a.age
              ORDER BY o.time_to, o.name LOOP
        name := m.name;
        time_to := m.time_to;
        bytes := pg_total_relation_size(m.name::regclass);
        why := NULL;
        age := GREATEST(m.age, make_interval(months => m.least));
        IF m.time_to > now() - make_interval(months => m.least) THEN
            why := format('of the last %s months', m.least);
        ELSIF m.parent = 'gate_decisions' AND EXISTS (
                SELECT FROM detection_failures f WHERE f.closed_at IS NULL AND f.code = 'gate_decisions_missing'
                   AND f.known_at >= m.time_from AND f.known_at < m.time_to) THEN
            why := 'an open detection failure came from it';
        ELSIF m.parent = 'notifications' AND EXISTS (
                SELECT FROM webhook_deliveries d JOIN notifications n ON n.notification_id = d.notification_id
                 WHERE d.state = 'pending' AND n.known_at >= m.time_from AND n.known_at < m.time_to)
           OR m.parent = 'webhook_deliveries' AND EXISTS (
                SELECT FROM webhook_deliveries d
                 WHERE d.state = 'pending' AND d.created_at >= m.time_from AND d.created_at < m.time_to) THEN
            why := 'a webhook is still to be told';
        ELSE
            EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I > $1)', m.name, m.came)
               INTO found USING now() - age;
            why := CASE WHEN found THEN 'some of it came lately' END;
        END IF;
        RETURN NEXT;
    END LOOP;
    FOR m IN SELECT t.parent, t.key FROM month_tables() t WHERE t.parent IN ('audit_log', 'gate_decisions') LOOP
        name := m.parent || '_default';
        bytes := pg_total_relation_size(name::regclass);
        EXECUTE format('SELECT max(%I) FROM %I', m.key, name) INTO time_to;
        why := 'of times to come';
        IF time_to IS NOT NULL THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

-- Drops one month that log_retention or ledger_retention lets go, and says so in retention_drops. Who writes into it waits
-- while it is counted; who uses its table at all, for an instant, and for a second when somebody reads it for long.
CREATE FUNCTION month_drop(p_name text) RETURNS void
LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
DECLARE
    m record;
BEGIN
    SELECT t.parent, o.* INTO m FROM month_tables() t, LATERAL months_of(t.parent) o WHERE o.name = p_name;
    IF m IS NULL THEN
        RAISE EXCEPTION '% is no month of a log', p_name USING ERRCODE = 'undefined_table';
    END IF;
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', p_name);
    EXECUTE format('INSERT INTO retention_drops (name, parent, time_from, time_to, rows, bytes) '
                   'SELECT %L, %L, %L, %L, count(*), %s FROM %I',
                   m.name, m.parent, m.time_from, m.time_to, pg_total_relation_size(p_name::regclass), p_name);
    PERFORM muster_lock_tables(format('ONLY %I', m.parent), 5);
    EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', m.parent, p_name);
    EXECUTE format('DROP TABLE %I', p_name);
END
$$;
REVOKE ALL ON FUNCTION month_drop(text) FROM PUBLIC;

-- As before; what the equation needs stands in ledger_dropped too.
CREATE OR REPLACE FUNCTION ledger_drop(p_name text) RETURNS void
LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
BEGIN
    IF p_name !~ '^ledger_payloads' THEN
        EXECUTE format('INSERT INTO ledger_dropped (name, known_to, applied, quarantined) '
                       'SELECT %L, COALESCE(max(known_at), ''-infinity''), '
                       'count(*) FILTER (WHERE state = ''applied''), '
                       'count(*) FILTER (WHERE state = ''quarantined'') FROM %I', p_name, p_name);
    END IF;
    PERFORM month_drop(p_name);
END
$$;

-- ---- gate ----

-- As before (0025), and tells the span of time of what it wrote: so whoever reads it next looks into its months alone.
-- A number is taken once, whatever time stands beside it: next_sequence moves in the same transaction, under its row's lock.
DROP FUNCTION gate_ship(timestamptz, text, bigint[], text[], text[]);
CREATE FUNCTION gate_ship(p_known timestamptz, p_instance text, p_sequences bigint[], p_chains text[],
                          p_records text[])
RETURNS TABLE (inserted bigint, missing bigint, first_at timestamptz, last_at timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    expected bigint;
    gap record;
BEGIN
    INSERT INTO gate_instances AS i (instance) VALUES (p_instance)
    ON CONFLICT (instance) DO UPDATE SET last_seen_at = now()
    RETURNING i.next_sequence INTO expected;

    WITH written AS (
        INSERT INTO gate_decisions AS g (instance, sequence, decided_at, source, cluster, namespace, kind,
            object, container, asked_by, operation, request_uid, image, repository, tag, digest, scope, allowed,
            would_deny, verdict, reason, rule, scan_id, database_version, cache_generation, policy,
            configuration, lost_before, chain, known_at)
        SELECT DISTINCT ON (u.sequence) p_instance, u.sequence, r.at, r.source, r.cluster, r.namespace, r.kind, r.object,
               r.container, r."user", r.operation, r.uid, r.image, r.repository, r.tag, r.digest, r.scope,
               r.allowed, r.would_deny, r.verdict, r.reason, r.rule, r.scan_id, r.database_version,
               r.generation, r.policy, r.config, r.lost_before, u.chain, p_known
          FROM unnest(p_sequences, p_chains, p_records) AS u (sequence, chain, record),
               LATERAL jsonb_to_record(u.record::jsonb) AS r (at timestamptz, source text, cluster text,
                   namespace text, kind text, object text, container text, "user" text, operation text,
                   uid text, image text, repository text, tag text, digest text, scope text,
                   allowed boolean, would_deny boolean, verdict text, reason text, rule text,
                   scan_id text, database_version text, generation bigint, policy text, config text,
                   lost_before bigint)
         WHERE u.sequence >= expected
         ORDER BY u.sequence
        ON CONFLICT DO NOTHING
        RETURNING g.decided_at
    )
    SELECT count(*), min(w.decided_at), max(w.decided_at) INTO inserted, first_at, last_at FROM written w;

    missing := 0;
    FOR gap IN
        SELECT s.before + 1 AS first, s.sequence - 1 AS last
          FROM (SELECT q.sequence, COALESCE(lag(q.sequence) OVER (ORDER BY q.sequence),
                                            expected - 1) AS before
                  FROM unnest(p_sequences) AS q (sequence)
                 WHERE q.sequence >= expected) s
         WHERE s.sequence > s.before + 1
    LOOP
        missing := missing + gap.last - gap.first + 1;
        INSERT INTO gate_gaps (instance, from_sequence, to_sequence, known_at)
        VALUES (p_instance, gap.first, gap.last, p_known) ON CONFLICT DO NOTHING;
        INSERT INTO detection_failures (failure_id, source, code, message, attempts, opened_at, known_at)
        VALUES (gen_random_uuid(), 'gate/' || p_instance, 'gate_decisions_missing',
                'decisions ' || gap.first || ' to ' || gap.last || ' of the gate are missing from its log',
                0, p_known, p_known);
    END LOOP;

    UPDATE gate_instances i
       SET next_sequence = GREATEST(i.next_sequence,
                                    (SELECT max(q.sequence) + 1 FROM unnest(p_sequences) AS q (sequence)))
     WHERE i.instance = p_instance;
    RETURN NEXT;
END
$$;

-- As before, of decisions made in a span of time. The one without a span is for gates that are older than the schema.
CREATE FUNCTION gate_wanted(p_instance text, p_first bigint, p_last bigint, p_from timestamptz, p_to timestamptz)
RETURNS TABLE (repository text, digest text) LANGUAGE sql STABLE AS $$
    WITH asked AS (
        SELECT DISTINCT d.repository, COALESCE(d.digest, h.digest) AS digest
          FROM gate_decisions d
          JOIN repositories r ON r.repository = d.repository
          LEFT JOIN tag_history h ON d.digest IS NULL AND h.repository = d.repository AND h.tag = d.tag
                                 AND h.valid_to IS NULL
         WHERE d.instance = p_instance AND d.sequence BETWEEN p_first AND p_last
           AND d.decided_at BETWEEN p_from AND p_to
           AND COALESCE(d.digest, h.digest) IS NOT NULL
           AND d.reason IN ('unknown_image', 'never_scanned', 'scan_expired', 'database_stale')
    )
    SELECT DISTINCT a.repository, COALESCE(m.manifest, a.digest)
      FROM asked a
      LEFT JOIN LATERAL digest_manifests(a.digest, NULL, 'infinity') m ON true
$$;
CREATE OR REPLACE FUNCTION gate_wanted(p_instance text, p_first bigint, p_last bigint)
RETURNS TABLE (repository text, digest text) LANGUAGE sql STABLE AS $$
    SELECT w.repository, w.digest FROM gate_wanted(p_instance, p_first, p_last, '-infinity', 'infinity') w
$$;

-- ---- webhooks ----

-- As before (0023); a delivery lies in the month of its notification, which makes it the same row whoever makes it.
CREATE OR REPLACE FUNCTION webhook_enqueue(p_target text, p_kinds text[], p_severity text, p_max integer)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    added bigint;
BEGIN
    INSERT INTO webhook_targets (target, told_through)
    SELECT p_target, c.known_at FROM ledger_clock c ON CONFLICT DO NOTHING;
    PERFORM FROM webhook_targets t WHERE t.target = p_target FOR UPDATE;
    WITH clock AS (
        SELECT c.known_at FROM ledger_clock c
    ), found AS (
        SELECT n.notification_id, n.known_at
          FROM webhook_targets t, clock c, notifications n
         WHERE t.target = p_target AND n.known_at > t.told_through AND n.known_at <= c.known_at
           AND (p_kinds IS NULL OR n.kind = ANY (p_kinds))
           AND notification_rank(n.severity) >= notification_rank(p_severity)
    ), moved AS (
        UPDATE webhook_targets t SET told_through = c.known_at
          FROM clock c WHERE t.target = p_target AND t.told_through < c.known_at
    )
    INSERT INTO webhook_deliveries (delivery_id, target, notification_id, state, next_try_at, created_at)
    SELECT md5(p_target || ' ' || f.notification_id)::uuid, p_target, f.notification_id, 'pending', now(), f.known_at
      FROM found f ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    IF added > 0 THEN
        UPDATE webhook_deliveries d
           SET state = 'dropped', ended_at = now(), error = 'too many wait'
         WHERE d.delivery_id IN (SELECT o.delivery_id FROM webhook_deliveries o
                                  WHERE o.target = p_target AND o.state = 'pending'
                                  ORDER BY o.created_at DESC, o.delivery_id OFFSET p_max);
    END IF;
    RETURN added;
END
$$;

-- What people exclude by hand is learned like all else: at an instant that was not given out before.
ALTER TABLE exclusions ALTER COLUMN known_at SET DEFAULT ledger_tick();
