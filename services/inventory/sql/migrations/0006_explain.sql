-- Finding one's way: everything that belongs to what a person typed.

-- Digests that a UAI, a digest, a pod name or a pod uid leads to: themselves, the manifests behind them, the
-- indexes above them.
CREATE FUNCTION subject_digests(p_subject text) RETURNS TABLE (digest text)
LANGUAGE sql STABLE AS $$
    WITH named (digest) AS (
        SELECT p_subject COLLATE "C" WHERE p_subject LIKE 'sha256:%' OR p_subject LIKE 'sha512:%'
         UNION
        SELECT substr(p_subject, position('@' IN p_subject) + 1) COLLATE "C"
         WHERE position('@sha' IN p_subject) > 0
         UNION
        SELECT d.digest FROM assets a JOIN asset_digests d ON d.asset_id = a.asset_id
         WHERE a.uai = p_subject
         UNION
        SELECT r.digest
          FROM pod_facts p
          JOIN instances i ON i.cluster = p.cluster AND i.pod_uid = p.pod_uid
          JOIN run_facts r ON r.instance_id = i.instance_id
         WHERE p.pod = p_subject OR p.pod_uid = p_subject
    )
    SELECT n.digest FROM named n WHERE n.digest IS NOT NULL
     UNION
    SELECT m.manifest FROM named n, LATERAL digest_manifests(n.digest, NULL, 'infinity') m
     WHERE n.digest IS NOT NULL
     UNION
    SELECT a.digest FROM named n, LATERAL digest_ancestors(n.digest, 'infinity') a
     WHERE n.digest IS NOT NULL
$$;

CREATE FUNCTION subject_uais(p_subject text) RETURNS TABLE (uai text)
LANGUAGE sql STABLE AS $$
    SELECT a.uai FROM live_assets a WHERE a.uai = p_subject
     UNION
    SELECT a.uai FROM live_assets a
      JOIN asset_digests d ON d.asset_id = a.asset_id
     WHERE d.digest IN (SELECT s.digest FROM subject_digests(p_subject) s)
     UNION
    SELECT a.uai FROM live_assets a
     WHERE a.digest IN (SELECT s.digest FROM subject_digests(p_subject) s)
$$;
