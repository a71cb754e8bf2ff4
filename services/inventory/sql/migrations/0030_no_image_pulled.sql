-- What turned out to be no image (an attestation, a chart) was asked for at its registry only when it was seen before that
-- was known. The registry's "it is here" of such a scan made coverage depend on what came first; it is no fact any more.
DELETE FROM registry_facts f USING scans s
 WHERE s.scan_id = f.event_id AND s.outcome = 'not_scannable' AND f.state = 'pulled';
