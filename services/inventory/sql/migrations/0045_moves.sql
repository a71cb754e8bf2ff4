-- Renames and moves: that a repository goes on as another one is said by people, never guessed. What is known of the old name
-- stays under it, and its UAIs are not given to anything else; the clock of what was found goes on.

CREATE TABLE move_facts (
    fact_id uuid PRIMARY KEY, -- stable id of the columns up to evidence
    repository text COLLATE "C" NOT NULL,
    moved_to text COLLATE "C" NOT NULL,
    record text COLLATE "C" NOT NULL CHECK (record IN ('move', 'withdraw')),
    at timestamptz NOT NULL,
    by text COLLATE "C" NOT NULL,
    role text COLLATE "C",
    rationale text,
    evidence text COLLATE "C",
    known_at timestamptz NOT NULL,
    CHECK (repository <> moved_to),
    CHECK (record <> 'move' OR rationale IS NOT NULL)
);
CREATE INDEX move_facts_repository ON move_facts (repository, moved_to, known_at);
CREATE INDEX move_facts_moved_to ON move_facts (moved_to);

-- The moves that hold; what was taken back is as if it had never been said, for what is known from then on.
CREATE FUNCTION moves_known(p_known timestamptz)
RETURNS TABLE (repository text, moved_to text, at timestamptz, by text, rationale text, evidence text, fact_id uuid)
LANGUAGE sql STABLE AS $$
    SELECT w.repository, w.moved_to, w.at, w.by, w.rationale, w.evidence, w.fact_id
      FROM (SELECT DISTINCT ON (f.repository, f.moved_to) f.*
              FROM move_facts f WHERE f.known_at <= p_known
             ORDER BY f.repository, f.moved_to, f.known_at DESC, f.at DESC, f.record DESC, f.fact_id) w
     WHERE w.record = 'move'
$$;

-- What a repository was before, and when it became what came after.
CREATE FUNCTION repositories_before(p_repository text, p_known timestamptz)
RETURNS TABLE (repository text, moved_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE before (repository, moved_at, depth) AS (
        SELECT m.repository, m.at, 1 FROM moves_known(p_known) m WHERE m.moved_to = p_repository
         UNION
        SELECT m.repository, LEAST(m.at, b.moved_at), b.depth + 1
          FROM before b JOIN moves_known(p_known) m ON m.moved_to = b.repository
         WHERE b.depth < 8 AND m.repository <> p_repository
    )
    SELECT b.repository, max(b.moved_at) FROM before b GROUP BY b.repository
$$;

CREATE FUNCTION record_move(p_known timestamptz, p_fact move_facts) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    other text;
BEGIN
    IF EXISTS (SELECT FROM move_facts f WHERE f.fact_id = p_fact.fact_id) THEN
        RETURN NULL;
    END IF;
    IF p_fact.record = 'withdraw' THEN
        IF NOT EXISTS (SELECT FROM moves_known('infinity') m
                        WHERE m.repository = p_fact.repository AND m.moved_to = p_fact.moved_to AND m.at <= p_fact.at) THEN
            RETURN 'repository: nobody has said that it moved there';
        END IF;
    ELSIF p_fact.repository = p_fact.moved_to THEN
        RETURN 'moved_to: must be another repository';
    ELSIF NOT EXISTS (SELECT FROM repositories r WHERE r.repository = p_fact.repository) THEN
        RETURN 'repository: nothing is known of it; write it as the command assets does, without a tag';
    ELSIF NOT EXISTS (SELECT FROM repositories r WHERE r.repository = p_fact.moved_to) THEN
        RETURN 'moved_to: nothing is known of it; write it as the command assets does, without a tag';
    ELSE
        SELECT m.moved_to INTO other FROM moves_known('infinity') m WHERE m.repository = p_fact.repository LIMIT 1;
        IF FOUND THEN
            RETURN 'repository: it moved to ' || other || '; withdraw that first';
        END IF;
        IF EXISTS (SELECT FROM repositories_before(p_fact.repository, 'infinity') b WHERE b.repository = p_fact.moved_to) THEN
            RETURN 'moved_to: it moved here before';
        END IF;
    END IF;
    p_fact.known_at := p_known;
    INSERT INTO move_facts SELECT p_fact.*;
    RETURN NULL;
END
$$;

-- The history of findings as it was, and with the clocks that go on: what was open under the old name when it moved has under the
-- new one, the first time it is found there, been detected when it was under the old.
ALTER FUNCTION finding_history_of(asset_image[], timestamptz) RENAME TO finding_history_alone;
CREATE FUNCTION finding_history_of(p_images asset_image[], p_known timestamptz)
RETURNS TABLE (repository text, uai text, vulnerability text, episode integer,
               opened_at timestamptz, closed_at timestamptz, closed_by text,
               first_detected_at timestamptz)
LANGUAGE sql STABLE ROWS 10000 AS $$
    WITH moved AS MATERIALIZED (
        SELECT r.repository, b.repository AS was, b.moved_at
          FROM (SELECT DISTINCT m.moved_to AS repository FROM moves_known(p_known) m) r,
               LATERAL repositories_before(r.repository, p_known) b
         WHERE r.repository IN (SELECT (u).repository COLLATE "C" FROM unnest(p_images) u)
    ), before AS MATERIALIZED (
        SELECT m.repository, h.vulnerability, min(h.first_detected_at) AS since
          FROM moved m,
               LATERAL finding_history_alone(ARRAY(SELECT (i.repository, i.uai, i.manifest, i.active)::asset_image
                                                     FROM asset_images_known(m.was, p_known) i), p_known) h
         WHERE h.opened_at <= m.moved_at AND (h.closed_at IS NULL OR h.closed_at >= m.moved_at)
         GROUP BY m.repository, h.vulnerability
    )
    SELECT h.repository, h.uai, h.vulnerability, h.episode, h.opened_at, h.closed_at, h.closed_by,
           CASE WHEN b.since < h.first_detected_at
                 AND h.first_detected_at = min(h.first_detected_at) OVER (PARTITION BY h.repository, h.vulnerability)
                THEN b.since ELSE h.first_detected_at END
      FROM finding_history_alone(p_images, p_known) h
      LEFT JOIN before b ON b.repository = h.repository AND b.vulnerability = h.vulnerability
$$;

-- Both names tell of it.
DO $$
DECLARE
    body text;
BEGIN
    SELECT pg_get_functiondef(p.oid) INTO STRICT body FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace AND p.proname = 'list_history';
    IF position('FROM exclusions x WHERE x.uai = p_subject' IN body) = 0 THEN
        RAISE EXCEPTION 'list_history does not read exclusions';
    END IF;
    EXECUTE replace(body, 'FROM exclusions x WHERE x.uai = p_subject',
                    'FROM exclusions x WHERE x.uai = p_subject
         UNION ALL
        SELECT f.at, CASE f.record WHEN ''move'' THEN ''moved'' ELSE ''move_withdrawn'' END,
               f.repository || '' to '' || f.moved_to, concat_ws('' '', f.rationale, ''('' || f.by || '')''), f.known_at, f.fact_id
          FROM move_facts f
         WHERE regexp_replace(p_subject, ''(:[^/@:]+|@.*)$'', '''') IN (f.repository, f.moved_to)');
END
$$;
