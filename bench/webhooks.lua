-- Load of bench/ingest.py: the requests of a file (bench/webhooks.py), one after the other, over and over.
-- A request is a line "SIGNATURE BODY"; the first line names the signature's header. With PERIOD_MS, a connection sends one
-- request in that time, after a pause that is different for each.
local requests, number, period_ms = {}, 0, 0

function init(arguments)
    local lines = io.lines(arguments[1])
    local header = lines()

    for line in lines do
        local signature, body = line:match("^(%S+) (.*)$")
        requests[#requests + 1] = wrk.format("POST", nil, {["Content-Type"] = "application/json", [header] = signature}, body)
    end
    period_ms = tonumber(arguments[2]) or 0
    number = math.random(#requests)
end

function delay()
    return period_ms > 0 and math.random(0, math.floor(2 * period_ms)) or 0
end

function request()
    number = number % #requests + 1
    return requests[number]
end

function done(summary, latency, requests)
    io.write(string.format('{"requests":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f,"failed":%d}\n', summary.requests,
        summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
