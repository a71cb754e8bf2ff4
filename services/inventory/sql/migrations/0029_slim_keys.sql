-- Fewer index entries for each fact. A fact's id is made of its columns, so it is unique together with any of
-- them: one index finds the facts of a thing and keeps them apart. Ids of events are unique in ledger_ids already.
-- Who writes facts waits while the indexes are made; who reads does not.

ALTER TABLE run_facts DROP CONSTRAINT run_facts_pkey, ADD PRIMARY KEY (instance_id, fact_id);
DROP INDEX run_facts_instance;

ALTER TABLE pod_facts DROP CONSTRAINT pod_facts_pkey, ADD PRIMARY KEY (pod_uid, cluster, fact_id);
DROP INDEX pod_facts_pod;
DROP INDEX pod_facts_uid;

ALTER TABLE digest_facts DROP CONSTRAINT digest_facts_pkey, ADD PRIMARY KEY (digest, fact_id);
DROP INDEX digest_facts_digest;

ALTER TABLE registry_facts DROP CONSTRAINT registry_facts_pkey, ADD PRIMARY KEY (digest, repository, at, event_id);
DROP INDEX registry_facts_digest;

ALTER TABLE tag_observations DROP CONSTRAINT tag_observations_pkey,
    ADD PRIMARY KEY (repository, tag, valid_from, event_id);
DROP INDEX tag_observations_tag;
