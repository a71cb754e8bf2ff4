-- Load of bench/ingest.py: one real push notification of CNCF Distribution after another, each with an id of its own.
local body = [[{"events":[{"id":"%08x-%04x-4000-8000-%012x","timestamp":"2026-11-23T17:26:13.997036694Z","action":"push",
"target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%064x","size":345,"length":345,
"repository":"team/app-%d","url":"http://registry.example/v2/team/app-%d/manifests/v1","tag":"v1"},
"request":{"id":"29a4bb34-3a1f-4a4d-8e26-0a6e2a4c8f5b","addr":"127.0.0.1:52114","host":"registry.example","method":"PUT",
"useragent":"skopeo/1.9.3"},"actor":{},"source":{"addr":"registry:5000","instanceID":"3d6e2c2c-4b0e-4d0c-8b0e-3f1a4c9d2e7f"}}]}]]
local run, number = 0, 0

function init(arguments)
    run = tonumber(arguments[1])
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/vnd.docker.distribution.events.v1+json"
    wrk.headers["Authorization"] = "Bearer " .. arguments[2]
end

function request()
    local repository = number % 50

    number = number + 1
    return wrk.format(nil, nil, nil, string.format(body, run, number % 65536, number, number, repository, repository))
end

function done(summary, latency, requests)
    io.write(string.format('{"requests":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f,"failed":%d}\n', summary.requests,
        summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
