-- What gates decided, shipped from their own logs, and what they are missing.

-- One row per instance of a gate: a folder of decisions. next_sequence: what it has to ship next.
CREATE TABLE gate_instances (
    instance text COLLATE "C" PRIMARY KEY,
    next_sequence bigint NOT NULL DEFAULT 1,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now()
);

-- Facts: inserted once. Numbered by the gate without a gap.
CREATE TABLE gate_decisions (
    instance text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    decided_at timestamptz NOT NULL,
    source text COLLATE "C" NOT NULL CHECK (source IN ('admission', 'api', 'pipeline')),
    cluster text COLLATE "C",
    namespace text COLLATE "C",
    kind text COLLATE "C",
    object text COLLATE "C",
    container text COLLATE "C",
    asked_by text COLLATE "C",
    operation text COLLATE "C",
    request_uid text COLLATE "C",
    image text COLLATE "C",
    repository text COLLATE "C",
    tag text COLLATE "C",
    digest text COLLATE "C",
    scope text COLLATE "C",
    allowed boolean NOT NULL,
    would_deny boolean NOT NULL,
    verdict text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    rule text COLLATE "C",
    scan_id text COLLATE "C",
    database_version text COLLATE "C",
    cache_generation bigint NOT NULL,
    policy text COLLATE "C",
    configuration text COLLATE "C",
    lost_before bigint NOT NULL, -- decisions that the gate could not log since the one before
    chain text COLLATE "C" NOT NULL, -- of the gate's log: a record changed there breaks those after it
    known_at timestamptz NOT NULL,
    PRIMARY KEY (instance, sequence)
);
CREATE INDEX gate_decisions_decided_at ON gate_decisions (decided_at);
CREATE INDEX gate_decisions_image ON gate_decisions (repository, digest);

-- Sequences that did not come although later ones did. A gap is a finding: see detection_failures.
CREATE TABLE gate_gaps (
    instance text COLLATE "C" NOT NULL,
    from_sequence bigint NOT NULL,
    to_sequence bigint NOT NULL CHECK (to_sequence >= from_sequence),
    known_at timestamptz NOT NULL,
    PRIMARY KEY (instance, from_sequence)
);

-- Writes what is new of the batch, tells the gaps in it, and moves next_sequence behind it; all
-- in the caller's transaction, which has called ledger_tick(). The row lock of gate_instances
-- lets one shipper of an instance at a time; what was shipped before is left alone.
CREATE FUNCTION gate_ship(p_known timestamptz, p_instance text, p_sequences bigint[], p_chains text[],
                          p_records text[])
RETURNS TABLE (inserted bigint, missing bigint) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    expected bigint;
    gap record;
BEGIN
    INSERT INTO gate_instances AS i (instance) VALUES (p_instance)
    ON CONFLICT (instance) DO UPDATE SET last_seen_at = now()
    RETURNING i.next_sequence INTO expected;

    INSERT INTO gate_decisions (instance, sequence, decided_at, source, cluster, namespace, kind,
        object, container, asked_by, operation, request_uid, image, repository, tag, digest, scope, allowed,
        would_deny, verdict, reason, rule, scan_id, database_version, cache_generation, policy,
        configuration, lost_before, chain, known_at)
    SELECT p_instance, u.sequence, r.at, r.source, r.cluster, r.namespace, r.kind, r.object,
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
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS inserted = ROW_COUNT;

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

-- What was asked for and has no scan that counts, with the manifests behind it: to be scanned before
-- all else. A tag that the gate did not know by digest is what it points at now. Only of repositories
-- that are known anyway: who asks a gate must not choose where a scanner goes.
CREATE FUNCTION gate_wanted(p_instance text, p_first bigint, p_last bigint)
RETURNS TABLE (repository text, digest text) LANGUAGE sql STABLE AS $$
    WITH asked AS (
        SELECT DISTINCT d.repository, COALESCE(d.digest, h.digest) AS digest
          FROM gate_decisions d
          JOIN repositories r ON r.repository = d.repository
          LEFT JOIN tag_history h ON d.digest IS NULL AND h.repository = d.repository AND h.tag = d.tag
                                 AND h.valid_to IS NULL
         WHERE d.instance = p_instance AND d.sequence BETWEEN p_first AND p_last
           AND COALESCE(d.digest, h.digest) IS NOT NULL
           AND d.reason IN ('unknown_image', 'never_scanned', 'scan_expired', 'database_stale')
    )
    SELECT DISTINCT a.repository, COALESCE(m.manifest, a.digest)
      FROM asked a
      LEFT JOIN LATERAL digest_manifests(a.digest, NULL, 'infinity') m ON true
$$;
