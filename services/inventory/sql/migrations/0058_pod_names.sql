-- Pods are found by their uid alone, which no two have: the cluster in front of it only made keys longer. Names of pods are looked up
-- where their runs are kept, each once, and not in an index over all that was ever said of pods. Queries still compare the cluster too.

-- Who reads goes on while the indexes are built, who writes waits: in the order in which a batch writes.
LOCK TABLE pod_facts, pod_removals, instances, run_places IN SHARE MODE;
CREATE INDEX instances_pod_uid ON instances (pod_uid);
CREATE INDEX pod_removals_pod_uid ON pod_removals (pod_uid);
CREATE INDEX run_places_name ON run_places (pod);
SELECT muster_lock_tables('pod_facts, pod_removals, instances');
DROP INDEX instances_pod;
DROP INDEX pod_removals_pod;
DROP INDEX pod_facts_name;

-- Pods of this name of which a container ran, and those told since runs were kept.
CREATE FUNCTION pods_named(p_name text, p_known timestamptz) RETURNS TABLE (cluster text, pod_uid text)
LANGUAGE sql STABLE ROWS 2 AS $$
    SELECT p.cluster, p.pod_uid
      FROM run_places p
     WHERE p.pod = p_name
       AND EXISTS (SELECT FROM pod_facts f
                    WHERE f.pod_uid = p.pod_uid AND f.cluster = p.cluster AND f.pod = p_name AND f.known_at <= p_known)
     UNION
    SELECT f.cluster, f.pod_uid
      FROM pod_facts f
     WHERE f.pod = p_name AND f.known_at > (SELECT run_spans_known()) AND f.known_at <= p_known
       AND (SELECT c.known_at > run_spans_known() FROM ledger_clock c)
$$;

DO $$
DECLARE
    name text;
    was text;
    body text;
BEGIN
    FOREACH name IN ARRAY ARRAY['subject_digests(text, timestamptz)', 'subject_instances(text, timestamptz)'] LOOP
        was := pg_get_functiondef(name::regprocedure);
        body := regexp_replace(was, 'FROM pod_facts n\s+WHERE n.pod = p_subject AND n.known_at <= p_known',
                               'FROM pods_named(p_subject, p_known) n');
        IF body !~ 'pods_named' OR body ~ 'n\.pod ' THEN
            RAISE EXCEPTION '% is otherwise than expected', name;
        END IF;
        EXECUTE body;
    END LOOP;
    was := pg_get_functiondef('list_history(timestamptz, timestamptz, text)'::regprocedure);
    body := regexp_replace(was, 'WHERE q.pod = p_subject OR q.pod_uid = p_subject\)',
                           'WHERE q.pod_uid = p_subject)
                   AND NOT EXISTS (SELECT FROM pods_named(p_subject, p_known))');
    IF body !~ 'pods_named' THEN
        RAISE EXCEPTION 'list_history is otherwise than expected';
    END IF;
    EXECUTE body;
END
$$;
