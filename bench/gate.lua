-- Load of bench/gate.py: the bodies of a file, one a line, one after the other; "-": GET without any. With PERIOD_MS, a connection
-- sends one in that time, after a pause that is different for each.
local requests, number, period_ms = {}, 0, 0

function init(arguments)
    if arguments[1] == "-" then
        requests[1] = wrk.format("GET")
    else
        for line in io.lines(arguments[1]) do
            requests[#requests + 1] = wrk.format("POST", nil, {["Content-Type"] = "application/json"}, line)
        end
    end
    period_ms = tonumber(arguments[2]) or 0
end

function delay()
    return period_ms > 0 and math.random(0, math.floor(2 * period_ms)) or 0
end

function request()
    number = number % #requests + 1
    return requests[number]
end

function done(summary, latency, requests)
    io.write(string.format('{"requests":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f,"p999_ms":%f,"max_ms":%f,"failed":%d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        latency:percentile(99.9) / 1e3, latency.max / 1e3,
        summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
