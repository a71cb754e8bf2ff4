-- Decisions that a gate could not write down have no number, so that no gap tells of them: the record after them does.

-- As before (0040), and a batch whose records tell of lost decisions opens a detection failure as a gap does.
CREATE OR REPLACE FUNCTION gate_ship(p_known timestamptz, p_instance text, p_sequences bigint[], p_chains text[],
                                     p_records text[])
RETURNS TABLE (inserted bigint, missing bigint, first_at timestamptz, last_at timestamptz)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    expected bigint;
    gap record;
    sent record;
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
        RETURNING g.decided_at, g.sequence, g.lost_before
    )
    SELECT count(*) AS inserted, min(w.decided_at) AS first_at, max(w.decided_at) AS last_at, sum(w.lost_before) AS count,
           min(w.sequence) FILTER (WHERE w.lost_before > 0) AS first,
           max(w.sequence) FILTER (WHERE w.lost_before > 0) AS last
      INTO sent FROM written w;
    inserted := sent.inserted;
    first_at := sent.first_at;
    last_at := sent.last_at;

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
    IF sent.count > 0 THEN
        missing := missing + sent.count;
        INSERT INTO detection_failures (failure_id, source, code, message, attempts, opened_at, known_at)
        VALUES (gen_random_uuid(), 'gate/' || p_instance, 'gate_decisions_missing',
                'the gate could not write down ' || sent.count || ' decisions, before its decisions ' || sent.first ||
                ' to ' || sent.last, 0, p_known, p_known);
    END IF;

    UPDATE gate_instances i
       SET next_sequence = GREATEST(i.next_sequence,
                                    (SELECT max(q.sequence) + 1 FROM unnest(p_sequences) AS q (sequence)))
     WHERE i.instance = p_instance;
    RETURN NEXT;
END
$$;
