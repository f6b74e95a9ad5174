-- Each request assigns one new task in one of the communes, with its own Idempotency-Key; to the bare app it sends the
-- same. PREPARED is a file {commune: token}; one line of JSON on stderr tells what came of it.
local communes, tokens = {}, {}
for commune, token in io.open(os.getenv("PREPARED")):read("a"):gmatch('"([^"]+)": "([^"]+)"') do
  communes[#communes + 1] = commune
  tokens[commune] = token
end
local nonce = os.getenv("NONCE")
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init()
  sent = 0
end

local body = '{"title":"Báo cáo kết quả thực hiện công tác cải cách hành chính quý II năm 2024","lead":"p07",'
  .. '"product":"Báo cáo","field":0,"coefficient":"1.5","due":{"text":"Trước ngày 28/12","date":"' .. os.getenv("DUE") .. '"}}'

function request()
  sent = sent + 1
  local commune = communes[sent % #communes + 1]
  local headers = {
    ["Authorization"] = "Bearer " .. tokens[commune],
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = nonce .. "-" .. number .. "-" .. sent,
  }
  return wrk.format("POST", wrk.path .. "/communes/" .. commune .. "/tasks", headers, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.stderr:write(string.format(
    '{"requests":%d,"failed":%d,"seconds":%.3f,"p50":%.3f,"p99":%.3f}\n', summary.requests,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout, summary.duration / 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
