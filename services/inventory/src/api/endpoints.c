#include "api/endpoints.h"

#include "api/server.h"
#include "deviation/statement_document.h"
#include "evidence/evidence_store.h"
#include "policy/approval_document.h"

/* Who may: each row of an endpoint says it (tests/unit/inventory/test_api_roles.c has every cell).
 */
enum {
    EVERYBODY = 0,
    READERS = ROLE_VIEWER | ROLE_ASSESSOR | ROLE_OPERATOR,
    SOURCE_READERS = READERS | ROLE_INGEST,
    ASSESSORS = ROLE_ASSESSOR | ROLE_OPERATOR,
    EVIDENCE_READERS = ASSESSORS | ROLE_SCANNER,
    EVIDENCE_WRITERS = ROLE_SCANNER,
    VERDICT_READERS = READERS | ROLE_PIPELINE,
    PIPELINES =
            ROLE_PIPELINE | ROLE_OPERATOR, /* each question is a record, and may ask for a scan */
    DECIDERS = ROLE_OPERATOR
};

#define STATE(path, handler)                                             \
    {                                                                    \
        "POST", (path), DECIDERS, ENDPOINT_NOTED, (handler), NULL, NULL, \
                STATEMENT_DOCUMENT_MAX_BYTES                             \
    }
#define OPEN(path, handler)                                                    \
    {                                                                          \
        "GET", (path), EVERYBODY, ENDPOINT_UNMETERED, (handler), NULL, NULL, 0 \
    }
#define ONE(path, roles, handler)                           \
    {                                                       \
        "GET", (path), (roles), 0, (handler), NULL, NULL, 0 \
    }
#define MANY(path, roles, id)                                          \
    {                                                                  \
        "GET", (path), (roles), 0, NULL, &inventory_lists[id], NULL, 0 \
    }

static const struct endpoint endpoints[] = {
        OPEN("/healthz", api_get_healthz),
        OPEN("/readyz", api_get_readyz),
        OPEN("/metrics", api_get_metrics),
        MANY("/v1/assets", READERS, LIST_ASSETS),
        ONE("/v1/assets/*", READERS, api_get_asset),
        ONE("/v1/digests/*", READERS, api_get_digest),
        MANY("/v1/instances", READERS, LIST_INSTANCES),
        MANY("/v1/coverage", READERS, LIST_COVERAGE),
        MANY("/v1/totals", READERS, LIST_TOTALS),
        MANY("/v1/history", READERS, LIST_HISTORY),
        MANY("/v1/whowas", READERS, LIST_WHOWAS),
        MANY("/v1/diff", READERS, LIST_DIFF),
        MANY("/v1/sources", SOURCE_READERS, LIST_SOURCES),
        MANY("/v1/failures", READERS, LIST_FAILURES),
        MANY("/v1/findings", READERS, LIST_FINDINGS),
        MANY("/v1/vulnerabilities", READERS, LIST_VULNERABILITIES),
        MANY("/v1/vulnerability-counts", READERS, LIST_VULNERABILITY_COUNTS),
        MANY("/v1/sample", ASSESSORS, LIST_SAMPLE),
        MANY("/v1/ledger", ASSESSORS, LIST_LEDGER),
        MANY("/v1/audit", ASSESSORS, LIST_AUDIT),
        ONE("/v1/verdicts/*", VERDICT_READERS, api_get_verdict),
        {"POST", "/v1/verdicts/*", PIPELINES, 0, api_post_verdict, NULL, NULL, 0},
        MANY("/v1/decisions", READERS, LIST_DECISIONS),
        MANY("/v1/gate-decisions", READERS, LIST_GATE_DECISIONS),
        MANY("/v1/approvals", READERS, LIST_APPROVALS),
        {"POST", "/v1/approvals", DECIDERS, ENDPOINT_NOTED, api_post_approval, NULL, NULL,
         APPROVAL_DOCUMENT_MAX_BYTES},
        MANY("/v1/deviations", READERS, LIST_DEVIATIONS),
        STATE("/v1/deviations", api_post_deviation),
        MANY("/v1/hardening", READERS, LIST_HARDENING),
        STATE("/v1/hardening", api_post_hardening),
        MANY("/v1/exposures", READERS, LIST_EXPOSURES),
        STATE("/v1/exposures", api_post_exposure),
        MANY("/v1/ssvc", READERS, LIST_SSVC),
        STATE("/v1/ssvc", api_post_ssvc),
        MANY("/v1/exclusions", READERS, LIST_EXCLUSIONS),
        STATE("/v1/exclusions", api_post_exclusion),
        MANY("/v1/moves", READERS, LIST_MOVES),
        STATE("/v1/moves", api_post_move),
        ONE("/v1/evidence/*", EVIDENCE_READERS, api_get_evidence),
        {"PUT", "/v1/evidence/*", EVIDENCE_WRITERS, ENDPOINT_UNMETERED, api_put_evidence, NULL,
         api_put_evidence_piece, EVIDENCE_MAX_BYTES},
};

const struct endpoint_group api_endpoints = {.endpoints = endpoints,
                                             .count = sizeof(endpoints) / sizeof(endpoints[0])};
