-- What an image was built from, by what cannot be claimed: its layers begin with all the layers of another image that is known. Labels
-- and annotations that name a base image are the author's word and not looked at.

-- The layers of each raw result that were read whole and found to be what the image's configuration says.
CREATE TABLE evidence_layers (
    evidence_digest text COLLATE "C" PRIMARY KEY,
    chain uuid[] NOT NULL, -- an id of the first layer, of the first two, ...; as evidence_facts.c makes them; empty: none is known
    top uuid,              -- the last of them, when they are of all layers
    known_at timestamptz NOT NULL
);
CREATE INDEX evidence_layers_top ON evidence_layers (top) WHERE top IS NOT NULL;

-- The repositories that had an image whose layers are the first ones, or all, of each raw result's; its own among them. No row for
-- what has not been read.
CREATE FUNCTION evidence_bases(p_evidence text[], p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (evidence_digest text, bases text[])
LANGUAGE sql STABLE AS $$
    WITH asked AS MATERIALIZED (
        SELECT l.evidence_digest, l.chain FROM evidence_layers l
         WHERE l.evidence_digest = ANY (p_evidence) AND l.known_at <= p_known
    ), links AS MATERIALIZED (
        SELECT DISTINCT c.link FROM asked a CROSS JOIN LATERAL unnest(a.chain) AS c (link)
    ), named AS MATERIALIZED (
        SELECT DISTINCT l.link, s.repository
          FROM links l
          JOIN evidence_layers e ON e.top = l.link AND e.known_at <= p_known
          JOIN scans s ON s.evidence_digest = e.evidence_digest AND s.outcome = 'complete'
                      AND s.finished_at <= p_as_of AND s.known_at <= p_known
    )
    SELECT a.evidence_digest,
           COALESCE(array_agg(DISTINCT n.repository ORDER BY n.repository) FILTER (WHERE n.repository IS NOT NULL), '{}')
      FROM asked a
      LEFT JOIN LATERAL unnest(a.chain) AS c (link) ON true
      LEFT JOIN named n ON n.link = c.link
     GROUP BY a.evidence_digest
$$;

-- policy_facts with bases, when p_based asks for them; NULL: the raw result has not been read for them.
DO $$
DECLARE
    was text;
    body text;
BEGIN
    SELECT pg_get_functiondef(p.oid) INTO STRICT was FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace AND p.proname = 'policy_facts';
    body := replace(was, 'p_deviations text[])', 'p_deviations text[], p_based boolean)');
    body := replace(body, 'first_seen_at timestamp with time zone)', 'first_seen_at timestamp with time zone, bases text[])');
    body := replace(body, '    ), gathered AS (',
                    '    ), layered AS MATERIALIZED (
        SELECT b.* FROM evidence_bases(ARRAY(SELECT DISTINCT p.evidence_digest FROM picked p
                                              WHERE p_based AND p.evidence_digest IS NOT NULL), p_as_of, p_known) b
    ), gathered AS (');
    body := replace(body, 'AND c.repository = p.repository AND c.known_at <= p_known))
      FROM picked p', 'AND c.repository = p.repository AND c.known_at <= p_known)),
           l.bases
      FROM picked p
      LEFT JOIN layered l ON l.evidence_digest = p.evidence_digest');
    IF body !~ 'p_based boolean\)' OR body !~ 'bases text\[\]\)' OR body !~ 'layered AS' OR body !~ 'JOIN layered' THEN
        RAISE EXCEPTION 'policy_facts is otherwise than expected';
    END IF;
    DROP FUNCTION policy_facts(text[], text[], timestamptz, timestamptz, text[], boolean, text[]);
    EXECUTE body;
    -- Read from the evidence, and not changed: as evidence_judged.
    SELECT pg_get_functiondef(p.oid) INTO STRICT was FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace AND p.proname = 'muster_grant_roles';
    body := replace(was, 'evidence_judged, ', 'evidence_judged, evidence_layers, ');
    IF body = was THEN
        RAISE EXCEPTION 'muster_grant_roles is otherwise than expected';
    END IF;
    EXECUTE body;
END
$$;

DO $$
BEGIN
    PERFORM muster_grant_roles();
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'roles of muster are missing: see 0014_roles.sql';
END
$$;
