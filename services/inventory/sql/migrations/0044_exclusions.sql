-- Exclusions as people state them: with a name, a reason and an end, and taken back by a fact of its own.

CREATE TABLE exclusion_facts (
    fact_id uuid PRIMARY KEY, -- stable id of the columns up to expires_at
    asset text COLLATE "C" NOT NULL, -- a UAI
    record text COLLATE "C" NOT NULL CHECK (record IN ('exclude', 'withdraw')),
    at timestamptz NOT NULL,
    by text COLLATE "C" NOT NULL,
    role text COLLATE "C",
    rationale text,
    evidence text COLLATE "C",
    expires_at timestamptz,
    known_at timestamptz NOT NULL,
    CHECK ((record = 'exclude') = (expires_at IS NOT NULL)),
    CHECK (record <> 'exclude' OR rationale IS NOT NULL),
    CHECK (expires_at > at)
);
CREATE INDEX exclusion_facts_asset ON exclusion_facts (asset, at);

-- What was excluded, as known: until its end, or until it was taken back.
CREATE FUNCTION exclusions_known(p_known timestamptz)
RETURNS TABLE (exclusion_id uuid, uai text, valid_from timestamptz, valid_to timestamptz, reason text,
               author text, known_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT e.exclusion_id, e.uai, e.valid_from,
           LEAST(e.valid_to, (SELECT min(w.at) FROM exclusion_facts w
                               WHERE w.asset = e.uai AND w.record = 'withdraw' AND w.at > e.valid_from
                                 AND w.known_at <= p_known)),
           e.reason, e.author, e.known_at
      FROM exclusions e
     WHERE e.known_at <= p_known
$$;

-- What is stated becomes a row of exclusions under the fact's id; of one asset there is one at a time.
CREATE FUNCTION record_exclusion(p_known timestamptz, p_fact exclusion_facts) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    held record;
BEGIN
    IF EXISTS (SELECT FROM exclusion_facts f WHERE f.fact_id = p_fact.fact_id) THEN
        RETURN NULL;
    END IF;
    IF p_fact.record = 'exclude' THEN
        IF p_fact.expires_at <= p_fact.at THEN
            RETURN 'expires_at: must be later than at';
        END IF;
        IF NOT EXISTS (SELECT FROM assets a WHERE a.uai = p_fact.asset)
           AND NOT EXISTS (SELECT FROM run_images i WHERE i.image = p_fact.asset) THEN
            RETURN 'asset: nothing is known of it; write it as the command assets lists it';
        END IF;
    END IF;
    SELECT e.author, e.valid_to INTO held FROM exclusions_known('infinity') e
     WHERE e.uai = p_fact.asset AND COALESCE(e.valid_to > p_fact.at, true)
       AND e.valid_from < CASE WHEN p_fact.record = 'exclude' THEN p_fact.expires_at ELSE p_fact.at END
     ORDER BY e.valid_from LIMIT 1;
    IF p_fact.record = 'exclude' AND FOUND THEN
        RETURN 'asset: ' || held.author || ' has excluded it until ' ||
               COALESCE(to_json(held.valid_to) #>> '{}', 'further notice') || '; withdraw that first';
    END IF;
    IF p_fact.record = 'withdraw' AND NOT FOUND THEN
        RETURN 'asset: it is not excluded then';
    END IF;
    p_fact.known_at := p_known;
    INSERT INTO exclusion_facts SELECT p_fact.*;
    IF p_fact.record = 'exclude' THEN
        INSERT INTO exclusions (exclusion_id, uai, valid_from, valid_to, reason, author, known_at)
        VALUES (p_fact.fact_id, p_fact.asset, p_fact.at, p_fact.expires_at, p_fact.rationale, p_fact."by", p_known);
    END IF;
    RETURN NULL;
END
$$;

-- Exclusions as they stood: holding, to come, expired, or withdrawn.
CREATE FUNCTION exclusions_stated(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (asset text, state text, reason text, author text, role text, evidence text,
               valid_from timestamptz, ends_at timestamptz, withdrawn_by text)
LANGUAGE sql STABLE AS $$
    SELECT k.uai,
           CASE WHEN w.by IS NOT NULL AND w.at <= p_valid THEN 'withdrawn'
                WHEN k.valid_to <= p_valid THEN 'expired'
                WHEN k.valid_from > p_valid THEN 'to_come'
                ELSE 'holds' END,
           k.reason, k.author, f.role, f.evidence, k.valid_from, k.valid_to, w.by
      FROM exclusions_known(p_known) k
      LEFT JOIN exclusion_facts f ON f.fact_id = k.exclusion_id
      LEFT JOIN LATERAL (SELECT x.by, x.at FROM exclusion_facts x
                          WHERE x.asset = k.uai AND x.record = 'withdraw' AND x.at = k.valid_to AND x.known_at <= p_known
                          ORDER BY x.fact_id LIMIT 1) w ON true
$$;

-- Whatever reads exclusions reads them as known: the function takes the table's place.
DO $$
DECLARE
    reader record;
    readers integer := 0;
BEGIN
    FOR reader IN
        SELECT pg_get_functiondef(p.oid) AS body FROM pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace AND p.prosrc ~ '(FROM|JOIN) exclusions e\M'
           AND p.proname NOT IN ('exclusions_known', 'exclusions_stated', 'record_exclusion') LOOP
        EXECUTE regexp_replace(reader.body, '(FROM|JOIN) exclusions e\M', '\1 exclusions_known(p_known) e', 'g');
        readers := readers + 1;
    END LOOP;
    IF readers < 3 THEN
        RAISE EXCEPTION 'only % functions read exclusions', readers;
    END IF;
    SELECT pg_get_functiondef(p.oid) AS body INTO STRICT reader FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace AND p.proname = 'list_history';
    IF position('FROM exclusions x WHERE x.uai = p_subject' IN reader.body) = 0 THEN
        RAISE EXCEPTION 'list_history does not read exclusions';
    END IF;
    EXECUTE replace(reader.body, 'FROM exclusions x WHERE x.uai = p_subject',
                    'FROM exclusions x WHERE x.uai = p_subject
         UNION ALL
        SELECT f.at, ''exclusion_withdrawn'', f.asset, concat_ws('' '', f.rationale, ''('' || f.by || '')''), f.known_at, f.fact_id
          FROM exclusion_facts f WHERE f.asset = p_subject AND f.record = ''withdraw''');
END
$$;
