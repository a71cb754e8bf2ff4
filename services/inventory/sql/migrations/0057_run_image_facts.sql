-- What is said of the image of a run is stored once for all runs of which it is said. A run's fact has its id: a third of the bytes, and
-- no index over digests. Facts that are there stay as they are, so nothing here reads or writes the table.

CREATE TABLE run_image_facts (
    image_fact_id uuid PRIMARY KEY, -- stable id of the columns up to digest
    image text COLLATE "C" NOT NULL,
    image_id text COLLATE "C",
    repository text COLLATE "C",
    tag text COLLATE "C",
    digest text COLLATE "C",
    event_id uuid, -- the first that said it of any run, and when that was known: no fact of a run that has this id is known before
    known_at timestamptz NOT NULL
);
CREATE INDEX run_image_facts_digest ON run_image_facts USING hash (digest); -- smaller, and cheaper to add to, than one that sorts
CREATE INDEX run_image_facts_undigested ON run_image_facts (repository, tag) WHERE digest IS NULL;

SELECT muster_lock_tables('run_facts, run_images');
ALTER TABLE run_facts
    ADD COLUMN image_fact_id uuid, -- NULL: told before there were ids, with the image's words in the row itself
    ALTER COLUMN image DROP NOT NULL,
    ADD CONSTRAINT run_facts_image CHECK (CASE WHEN image_fact_id IS NULL THEN image IS NOT NULL
                                               ELSE COALESCE(image, image_id, repository, tag, digest) IS NULL END) NOT VALID;
DROP INDEX run_facts_digest;
DROP INDEX run_facts_undigested;
CREATE INDEX run_images_digest ON run_images USING hash (digest);

-- Both forms as one.
CREATE VIEW run_facts_told AS
    SELECT f.fact_id, f.instance_id, f.run_key, COALESCE(f.image, m.image) AS image, COALESCE(f.image_id, m.image_id) AS image_id,
           COALESCE(f.repository, m.repository) AS repository, COALESCE(f.tag, m.tag) AS tag, COALESCE(f.digest, m.digest) AS digest,
           f.started_at, f.finished_at, f.seen_at, f.event_id, f.known_at
      FROM run_facts f
      LEFT JOIN run_image_facts m ON m.image_fact_id = f.image_fact_id;

-- Who looks for runs by what was said of their image finds them by the images of what is kept of runs, and among the facts learned
-- since. What is kept of a run is what its facts say together, so what is said of it beside that is kept here: other digests, and names
-- without one. Made by derive_runs(); of runs kept before there was this table it lacks what the facts known until then say beside.
CREATE TABLE run_images_overruled (
    instance_id uuid NOT NULL,
    repository text COLLATE "C",
    tag text COLLATE "C",
    digest text COLLATE "C",
    known_at timestamptz NOT NULL
);
CREATE INDEX run_images_overruled_digest ON run_images_overruled (digest) WHERE digest IS NOT NULL;
CREATE INDEX run_images_overruled_undigested ON run_images_overruled (repository, tag) WHERE digest IS NULL;

-- What reads the facts of runs reads both forms.
DO $$
DECLARE
    name text;
    was text;
    body text;
BEGIN
    FOREACH name IN ARRAY ARRAY['runs_known(timestamptz)', 'runs_of(uuid[], timestamptz)', 'policy_started(timestamptz, timestamptz)',
                                'subject_digests(text, timestamptz)', 'derive_runs(bigint)'] LOOP
        was := pg_get_functiondef(name::regprocedure);
        -- derive_runs() looks for moments in the table itself.
        body := regexp_replace(was, '(FROM|JOIN) run_facts (f|r)(?! WHERE f.known_at > v_from)', '\1 run_facts_told \2', 'g');
        IF name LIKE 'derive_runs%' THEN
            body := replace(body, 'min(f.finished_at) AS finished_at
          FROM learned l', 'min(f.finished_at) AS finished_at,
               min(f.digest) <> max(f.digest) OR (count(f.digest) < count(*) AND count(*) > 1) AS is_mixed
          FROM learned l');
            body := replace(body, 'SELECT t.instance_id, t.run_key, t.known_at, t.repository,',
                                  'SELECT t.instance_id, t.run_key, t.known_at, t.is_mixed, t.repository,');
            body := replace(body, '    INSERT INTO run_places ', '    INSERT INTO run_images_overruled (instance_id, repository, tag, digest, known_at)
    SELECT DISTINCT f.instance_id, f.repository, f.tag, f.digest, f.known_at
      FROM found d
      JOIN run_facts_told f ON f.instance_id = d.instance_id AND f.run_key = d.run_key AND f.known_at = d.known_at
     WHERE d.is_mixed AND (f.digest <> d.digest
                           OR (f.digest IS NULL AND f.repository IS NOT NULL AND f.tag IS NOT NULL
                               AND (f.repository, f.tag, NULL) IS DISTINCT FROM (d.repository, d.tag, d.digest)));

    INSERT INTO run_places ');
        END IF;
        IF body !~ 'run_facts_told' OR (name LIKE 'derive_runs%' AND (body !~ 'AS is_mixed' OR body !~ 't\.is_mixed, t\.repository'
                                                                      OR body !~ 'INTO run_images_overruled')) THEN
            RAISE EXCEPTION '% is otherwise than expected', name;
        END IF;
        EXECUTE body;
    END LOOP;
END
$$;

-- As 0015 has it. Of all that is said of images it does not matter of which run it is said; where a run's fact has the words itself,
-- they are looked for at the runs of the digest.
CREATE OR REPLACE FUNCTION live_assets_known(p_known timestamptz) RETURNS SETOF assets
LANGUAGE sql STABLE AS $$
    SELECT s.*
      FROM assets s
     WHERE s.known_at <= p_known
       AND (s.tag IS NOT NULL
            OR (NOT EXISTS (SELECT FROM digest_ancestors(s.digest, p_known) a
                              JOIN tag_observations o ON o.digest = a.digest
                             WHERE o.repository = s.repository AND o.known_at <= p_known)
                AND (EXISTS (SELECT FROM run_image_facts f
                              WHERE f.digest = s.digest AND f.repository = s.repository
                                AND f.tag IS NULL AND f.known_at <= p_known)
                     OR NOT EXISTS (SELECT FROM digest_ancestors(s.digest, p_known) a
                                     WHERE a.digest <> s.digest
                                        OR EXISTS (SELECT FROM digest_facts f
                                                    WHERE f.digest = a.digest AND f.known_at <= p_known
                                                      AND f.kind IN ('attestation', 'blob')))
                     OR EXISTS (SELECT FROM run_images i
                                  JOIN run_spans r ON r.image_no = i.image_no
                                 WHERE i.digest = s.digest AND r.known_from <= p_known
                                   AND EXISTS (SELECT FROM run_facts f
                                                WHERE f.instance_id = r.instance_id AND f.digest = s.digest
                                                  AND f.repository = s.repository AND f.tag IS NULL AND f.known_at <= p_known
                                               OFFSET 0))
                     OR (s.repository, s.digest) IN (SELECT f.repository, f.digest FROM run_facts f
                                                      WHERE f.known_at > (SELECT run_spans_known()) AND f.known_at <= p_known
                                                        AND f.digest IS NOT NULL AND f.tag IS NULL))))
$$;

-- As 0019 has it, but for what runs said since runs were kept: that is in list_assets.
CREATE OR REPLACE FUNCTION api_asset_was(p_asset uuid, p_repository text, p_tag text, p_digest text,
                                         p_valid timestamptz, p_known timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM tag_observations o
                    WHERE o.repository = p_repository AND o.tag = p_tag
                      AND o.valid_from <= p_valid AND o.known_at <= p_known)
        OR EXISTS (SELECT FROM registry_facts f
                    WHERE f.repository = p_repository AND f.digest = p_digest
                      AND f.at <= p_valid AND f.known_at <= p_known)
        OR EXISTS (SELECT FROM asset_digests d,
                       LATERAL (SELECT s.instance_id FROM run_images i
                                  JOIN run_spans s ON s.image_no = i.image_no
                                 WHERE i.digest = d.digest AND s.known_from <= p_known
                                 UNION ALL
                                SELECT o.instance_id FROM run_images_overruled o
                                 WHERE o.digest = d.digest AND o.known_at <= p_known) r
                    WHERE d.asset_id = p_asset
                      AND EXISTS (SELECT FROM run_facts_told f
                                   WHERE f.instance_id = r.instance_id AND f.digest = d.digest AND f.repository = p_repository
                                     AND COALESCE(f.started_at, f.seen_at) <= p_valid AND f.known_at <= p_known
                                  OFFSET 0))
        OR NOT EXISTS (SELECT FROM asset_digests d
                        WHERE d.asset_id = p_asset AND d.known_at <= p_known)
$$;

CREATE OR REPLACE FUNCTION list_assets(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (uai text, asset_id uuid, repository text, tag text, floating boolean, digest text,
               digests bigint, known_since timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT a.uai, a.asset_id, a.repository, a.tag, a.floating,
           CASE WHEN a.tag IS NULL THEN a.digest
                ELSE (SELECT h.digest FROM tag_history_known(p_known) h
                       WHERE h.repository = a.repository COLLATE "C"
                         AND h.tag = a.tag COLLATE "C" -- as the index has them
                         AND h.valid_from <= p_valid AND COALESCE(h.valid_to > p_valid, true)
                       ORDER BY h.valid_from DESC, h.event_id DESC LIMIT 1)
           END,
           (SELECT count(*) FROM asset_digests d
             WHERE d.asset_id = a.asset_id AND d.known_at <= p_known),
           a.known_at
      FROM live_assets_known(p_known) a
     WHERE api_asset_was(a.asset_id, a.repository, a.tag, a.digest, p_valid, p_known)
        OR (a.repository, a.asset_id) IN (SELECT f.repository, d.asset_id
                                            FROM run_facts_told f
                                            JOIN asset_digests d ON d.digest = f.digest
                                           WHERE f.known_at > (SELECT run_spans_known()) AND f.known_at <= p_known
                                             AND COALESCE(f.started_at, f.seen_at) <= p_valid)
$$;

-- Containers that a subject leads to: of a pod, or that ever ran one of its digests, or its tag without any.
CREATE OR REPLACE FUNCTION subject_instances(p_subject text, p_known timestamptz)
RETURNS TABLE (instance_id uuid)
LANGUAGE plpgsql STABLE ROWS 100 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    v_runs timestamptz := run_spans_known();
    v_digests text[] := ARRAY(SELECT d.digest FROM subject_digests(p_subject, p_known) d);
    v_is_behind boolean := LEAST(p_known, (SELECT c.known_at FROM ledger_clock c)) > v_runs;
    v_images uuid[]; -- what says so, for the facts learned since
BEGIN
    IF v_is_behind THEN
        v_images := ARRAY(SELECT m.image_fact_id FROM run_image_facts m WHERE m.digest = ANY (v_digests)
                           UNION ALL
                          SELECT m.image_fact_id FROM assets a
                            JOIN run_image_facts m ON m.repository = a.repository AND m.tag = a.tag AND m.digest IS NULL
                           WHERE a.uai = p_subject);
    END IF;
    RETURN QUERY
    SELECT i.instance_id
      FROM (SELECT n.cluster, n.pod_uid FROM pod_facts n
             WHERE n.pod = p_subject AND n.known_at <= p_known
             UNION
            SELECT u.cluster, u.pod_uid FROM pod_facts u
             WHERE u.pod_uid = p_subject AND u.known_at <= p_known) p
      JOIN instances i ON i.cluster = p.cluster AND i.pod_uid = p.pod_uid
     UNION
    SELECT s.instance_id
      FROM run_images i
      JOIN run_spans s ON s.image_no = i.image_no AND s.known_from <= p_known
     WHERE i.digest = ANY (v_digests)
     UNION
    SELECT o.instance_id FROM run_images_overruled o WHERE o.digest = ANY (v_digests) AND o.known_at <= p_known
     UNION
    SELECT s.instance_id
      FROM assets a
      JOIN run_images i ON i.repository = a.repository AND i.tag = a.tag AND i.digest IS NULL
      JOIN run_spans s ON s.image_no = i.image_no AND s.known_from <= p_known
     WHERE a.uai = p_subject
     UNION
    SELECT o.instance_id
      FROM assets a
      JOIN run_images_overruled o ON o.repository = a.repository AND o.tag = a.tag AND o.digest IS NULL AND o.known_at <= p_known
     WHERE a.uai = p_subject
     UNION
    SELECT f.instance_id
      FROM run_facts f
     WHERE v_is_behind AND f.known_at > v_runs AND f.known_at <= p_known
       AND (f.image_fact_id = ANY (v_images) OR f.digest = ANY (v_digests)
            OR (f.image_fact_id IS NULL AND f.digest IS NULL
                AND EXISTS (SELECT FROM assets a WHERE a.uai = p_subject AND a.repository = f.repository AND a.tag = f.tag)));
END
$$;

-- What is told can be told, not changed, as all facts.
DO $$
DECLARE
    was text := pg_get_functiondef('muster_grant_roles'::regproc);
    body text := replace(replace(was, 'instances, run_facts, ', 'instances, run_facts, run_image_facts, '),
                         'DELETE ON findings, ', 'DELETE ON findings, run_facts_told, ');
BEGIN
    IF body !~ 'run_image_facts, ' OR body !~ 'findings, run_facts_told, ' THEN
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
