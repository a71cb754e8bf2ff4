-- What people state and what it moves: an acceptance ends.

-- As 0021 has it; a vulnerability is accepted until a time, which the request or the approval says.
CREATE OR REPLACE FUNCTION record_deviation(p_known timestamptz, p_fact deviation_facts) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    request deviation_facts;
    problem text;
BEGIN
    IF EXISTS (SELECT FROM deviation_facts f WHERE f.fact_id = p_fact.fact_id) THEN
        RETURN NULL;
    END IF;
    SELECT f.* INTO request FROM deviation_facts f WHERE f.deviation = p_fact.deviation AND f.record = 'request';
    IF p_fact.record = 'request' THEN
        IF FOUND THEN
            RETURN 'deviation: there is a different request of this name; take another name';
        END IF;
    ELSIF NOT FOUND THEN
        RETURN 'deviation: nobody has requested it';
    ELSE
        problem := deviation_problem(p_fact.deviation, p_fact.record, p_fact.at, p_fact."by");
        IF problem IS NOT NULL THEN
            RETURN problem;
        END IF;
        IF p_fact.record = 'approve' AND request.kind = 'accepted'
           AND COALESCE(p_fact.expires_at, request.expires_at) IS NULL THEN
            RETURN 'expires_at: a vulnerability is accepted until a time; say until when';
        END IF;
    END IF;
    IF p_fact.expires_at <= p_fact.at THEN
        RETURN 'expires_at: must be later than at';
    END IF;
    p_fact.known_at := p_known;
    INSERT INTO deviation_facts SELECT p_fact.*;
    RETURN NULL;
END
$$;
