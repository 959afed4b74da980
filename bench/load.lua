-- The load that wrk sends: events of PLAYERS players, each busy with PAIRS of TASKS tasks, as bench/seeding.py left
-- them; one event a request, or with BATCH=1000 so many, of distinct players. At the end one line of JSON.
local path, key = os.getenv("LOAD_PATH"), os.getenv("LOAD_KEY")
local game, batch = os.getenv("LOAD_GAME"), tonumber(os.getenv("LOAD_BATCH"))
local players, tasks, pairs_each = tonumber(os.getenv("LOAD_PLAYERS")), tonumber(os.getenv("LOAD_TASKS")), tonumber(os.getenv("LOAD_PAIRS"))
local headers = { ["X-API-Key"] = key, ["Content-Type"] = "application/json" }
local event = '{"gameId":"%s","externalTaskId":"t%d","externalUserId":"p%d","data":{"minutes":%d}}'

function init()
  math.randomseed(tonumber(os.getenv("LOAD_SEED")))
end

local function task_of(player)
  return (player + math.random(0, pairs_each - 1)) % tasks
end

local function one()
  local player = math.random(0, players - 1)
  local body = string.format('{"externalUserId":"p%d","data":{"minutes":%d}}', player, math.random(1, 30))
  return wrk.format("POST", string.format(path, task_of(player)), headers, body)
end

local function many()
  local first, events = math.random(0, players - 1), {}
  for n = 1, batch do
    local player = (first + n * 7919) % players -- a prime: no player twice
    events[n] = string.format(event, game, task_of(player), player, math.random(1, 30))
  end
  return wrk.format("POST", path, headers, '{"events":[' .. table.concat(events, ",") .. ']}')
end

request = batch > 0 and many or one

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    'LOAD {"requests":%d,"seconds":%.6f,"mean":%.3f,"p50":%.3f,"p95":%.3f,"p99":%.3f,"refused":%d,"lost":%d}',
    summary.requests, summary.duration / 1e6, latency.mean / 1e3,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
