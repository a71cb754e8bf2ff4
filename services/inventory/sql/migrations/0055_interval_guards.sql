-- Of what holds an interval for a key, two that overlap are refused by the database, whoever writes them.

CREATE EXTENSION IF NOT EXISTS btree_gist; -- trusted: whoever may create in the database may create it

-- What an image is judged as. One that is there twice at an instant would be counted twice. It is copied, so that readers do not wait
-- for the index; whoever reads in an older snapshot finds none of it, and computes the same from the facts.
SELECT FROM cover_clock FOR UPDATE; -- nobody derives meanwhile
CREATE TABLE image_targets_anew (
    LIKE image_targets INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    CONSTRAINT image_targets_ordered CHECK (valid_from < valid_to)
);
INSERT INTO image_targets_anew SELECT * FROM image_targets;
ALTER TABLE image_targets_anew
    ADD CONSTRAINT image_targets_key PRIMARY KEY (image_no, target_no, valid_from),
    ADD CONSTRAINT image_targets_apart EXCLUDE USING gist (image_no WITH =, target_no WITH =,
                                                           tstzrange(valid_from, valid_to) WITH &&);
ANALYZE image_targets_anew;
SELECT muster_lock_tables('image_targets, run_spans, exclusion_facts');
DROP TABLE image_targets;
ALTER TABLE image_targets_anew RENAME TO image_targets;
ALTER TABLE image_targets RENAME CONSTRAINT image_targets_key TO image_targets_pkey;

-- Runs, in two times: of a container at most one goes on at an instant, as known at any instant; and each is known in one way at a time.
-- An exclusion constraint would have a place in a GiST index for every span; this looks at the containers that were written. One writer
-- at a time holds run_spans_clock (derive_runs), so that none is there unseen.
ALTER TABLE run_spans
    ADD CONSTRAINT run_spans_ordered CHECK (started_at <= ended_at AND known_from < known_until);

CREATE FUNCTION refuse_overlapping_runs() RETURNS trigger LANGUAGE plpgsql
SET jit = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    pair record;
BEGIN
    SELECT a.instance_id, a.run_key, b.run_key AS other INTO pair
      FROM (SELECT DISTINCT w.instance_id FROM written w) w
      JOIN run_spans a ON a.instance_id = w.instance_id
      JOIN run_spans b ON b.instance_id = a.instance_id
     WHERE (a.run_key, a.known_from) < (b.run_key, b.known_from)
       AND a.known_from < b.known_until AND b.known_from < a.known_until
       AND (a.run_key = b.run_key OR (a.started_at < b.ended_at AND b.started_at < a.ended_at))
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'runs "%" and "%" of container % overlap', pair.run_key, pair.other, pair.instance_id
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'run_spans_apart', TABLE = 'run_spans';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER run_spans_apart AFTER INSERT ON run_spans REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_overlapping_runs();
CREATE TRIGGER run_spans_still_apart AFTER UPDATE ON run_spans REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_overlapping_runs();

-- Exclusions that people state: of an asset one at a time, until its end or until it is taken back. The end that counts is in another
-- table (exclusions_known), so it is looked at when all is written, one transaction of an asset after the other.
CREATE FUNCTION refuse_overlapping_exclusions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    other uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('exclusion ' || NEW.asset, 0));
    SELECT b.exclusion_id INTO other
      FROM exclusions_known('infinity') a
      JOIN exclusions_known('infinity') b ON b.uai = a.uai AND b.exclusion_id <> a.exclusion_id
     WHERE a.uai = NEW.asset AND a.exclusion_id = NEW.fact_id
       AND tstzrange(a.valid_from, a.valid_to) && tstzrange(b.valid_from, b.valid_to)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'exclusions % and % of "%" overlap', NEW.fact_id, other, NEW.asset
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'exclusion_facts_apart', TABLE = 'exclusion_facts';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER exclusion_facts_apart AFTER INSERT ON exclusion_facts DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse_overlapping_exclusions();
