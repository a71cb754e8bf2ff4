-- What people have stated, as it stands at an instant: the one place that commands and lists read it from.

CREATE FUNCTION exposures_stated(p_valid timestamptz, p_known timestamptz) RETURNS SETOF exposure_facts
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (f.asset) f.*
      FROM exposure_facts f WHERE f.at <= p_valid AND f.known_at <= p_known
     ORDER BY f.asset, f.at DESC, f.public DESC, f.fact_id
$$;

CREATE FUNCTION ssvc_stated(p_valid timestamptz, p_known timestamptz) RETURNS SETOF ssvc_facts
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (f.vulnerability) f.*
      FROM ssvc_facts f WHERE f.at <= p_valid AND f.known_at <= p_known
     ORDER BY f.vulnerability, f.at DESC, f.fact_id
$$;

-- By the names of the record that states it, and with its id: two of one asset may begin at one instant.
DROP FUNCTION exclusions_stated(timestamptz, timestamptz);
CREATE FUNCTION exclusions_stated(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (asset text, state text, rationale text, by text, role text, evidence text,
               at timestamptz, ends_at timestamptz, withdrawn_by text, known_at timestamptz, fact_id uuid)
LANGUAGE sql STABLE AS $$
    SELECT k.uai,
           CASE WHEN w.by IS NOT NULL AND w.at <= p_valid THEN 'withdrawn'
                WHEN k.valid_to <= p_valid THEN 'expired'
                WHEN k.valid_from > p_valid THEN 'to_come'
                ELSE 'holds' END,
           k.reason, k.author, f.role, f.evidence, k.valid_from, k.valid_to, w.by, k.known_at, k.exclusion_id
      FROM exclusions_known(p_known) k
      LEFT JOIN exclusion_facts f ON f.fact_id = k.exclusion_id
      LEFT JOIN LATERAL (SELECT x.by, x.at FROM exclusion_facts x
                          WHERE x.asset = k.uai AND x.record = 'withdraw' AND x.at = k.valid_to AND x.known_at <= p_known
                          ORDER BY x.fact_id LIMIT 1) w ON true
$$;
