"""Lua for `crawlers.redis_queue`: each script is one step of a crawl that must happen as a whole or not at all.

In: KEYS[1], the crawl's prefix, and arguments. Out: plain values. Redis runs a script without any other command in
between, so two workers never take the same page, and a worker that dies leaves whole steps only.
"""

from __future__ import annotations

_BASE = """
local p = KEYS[1]
local function count(name, by) redis.call('HINCRBY', p..'counts', name, by) end
local function add_page(url, kind, depth, priority)
  if redis.call('HSETNX', p..'kind', url, kind..' '..depth) == 0 then return 0 end
  local seq = redis.call('INCR', p..'seq')
  redis.call('HSET', p..'status', url, 'pending')
  redis.call('HSET', p..'score', url, seq - priority * 1e12)
  redis.call('ZADD', p..'todo', seq - priority * 1e12, url)
  count('pending', 1)
  return 1
end
local function row(worker, kind, json) redis.call('XADD', p..'rows:'..worker..':'..kind, '*', 'row', json) end
local function attempt(worker, result, use)
  for k, v in pairs(use) do result[k] = v end
  row(worker, 'attempts', cjson.encode(result))
  local about = result['status']..' '..(result['reason'] ~= cjson.null and result['reason'] or '')
  redis.call('HSET', p..'outcomes', result['url']..' '..tostring(use['product_id']), about)
end
local function set_page(url, status, reason)
  local before = redis.call('HGET', p..'status', url)
  if before then count(before, -1); count(status, 1); redis.call('HSET', p..'status', url, status) end
  local old = redis.call('HGET', p..'reason', url)
  if old then redis.call('HINCRBY', p..'reasons', old, -1); redis.call('HDEL', p..'reason', url) end
  if reason ~= '' and status ~= 'pending' then
    redis.call('HSET', p..'reason', url, reason); redis.call('HINCRBY', p..'reasons', reason, 1)
  end
  if status == 'pending' then redis.call('ZADD', p..'todo', redis.call('HGET', p..'score', url) or 0, url)
  else redis.call('ZREM', p..'todo', url) end
end
local function add_image(worker, url, host, use)
  if redis.call('HSETNX', p..'uses:'..url, tostring(use['product_id']), cjson.encode(use)) == 0 then return end
  if redis.call('HSETNX', p..'images', url, '0') == 1 then
    redis.call('ZADD', p..'imgtodo:'..host, 0, url)
    redis.call('SADD', p..'hosts', host)
    count('images', 1)
    return
  end
  local done = redis.call('HGET', p..'results', url)
  if done then attempt(worker, cjson.decode(done), use) end
end
local function remember(url, known) if known ~= '' then redis.call('HSET', p..'known', url, known) end end
"""

ADD_PAGE = _BASE + "return add_page(ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]))"

CLAIM_PAGE = (
    _BASE
    + """
local next = redis.call('ZRANGE', p..'todo', 0, 0)
if #next == 0 then return false end
set_page(next[1], 'claimed', '')
redis.call('SADD', p..'claims:'..ARGV[1], next[1])
return {next[1], redis.call('HGET', p..'kind', next[1])}
"""
)

PAGE_DONE = (
    _BASE
    + """
local worker, url, found, hosts = ARGV[1], ARGV[2], cjson.decode(ARGV[3]), cjson.decode(ARGV[4])
for _, l in ipairs(found['links']) do add_page(l[1], l[2], l[3], l[4]) end
local new = 0
for _, product in ipairs(found['products']) do
  local id, images = product['row']['product_id'], product['images']
  if redis.call('SADD', p..'products', id) == 1 then
    new = new + 1
    row(worker, 'products', product['json'])
    for i, image in ipairs(images) do
      local use = {product_id = id, page_url = product['row']['url'], position = i - 1}
      if found['refusal'] ~= cjson.null then
        local result = cjson.decode(found['refusal'])
        result['url'] = image; result['status'] = 'refused'
        attempt(worker, result, use)
      else add_image(worker, image, hosts[image], use) end
    end
  end
end
count('products', new)
remember(url, ARGV[5])
set_page(url, 'done', '')
redis.call('SREM', p..'claims:'..worker, url)
if ARGV[6] ~= '' then row(worker, 'visits', ARGV[6]) end
return new
"""
)

PAGE_ENDED = (
    _BASE
    + """
set_page(ARGV[2], ARGV[3], ARGV[4])
redis.call('SREM', p..'claims:'..ARGV[1], ARGV[2])
if ARGV[5] ~= '' then row(ARGV[1], 'visits', ARGV[5]) end
"""
)

AGAIN = (
    _BASE
    + """
local changed = 0
for _, url in ipairs(ARGV) do set_page(url, 'pending', ''); changed = changed + 1 end
return changed
"""
)

DROP_PENDING = (
    _BASE
    + """
local dropped = 0
for _, url in ipairs(redis.call('ZRANGE', p..'todo', 0, -1)) do
  local kind = redis.call('HGET', p..'kind', url)
  if kind and string.sub(kind, 1, #ARGV[1] + 1) == ARGV[1]..' ' then
    redis.call('ZREM', p..'todo', url)
    redis.call('HDEL', p..'kind', url); redis.call('HDEL', p..'status', url); redis.call('HDEL', p..'score', url)
    count('pending', -1)
    dropped = dropped + 1
  end
end
return dropped
"""
)

ADD_IMAGES = (
    _BASE + "for _, i in ipairs(cjson.decode(ARGV[2])) do add_image(ARGV[1], i['url'], i['host'], i['use']) end"
)

CLAIM_IMAGES = (
    _BASE
    + """
local found = redis.call('ZRANGEBYSCORE', p..'imgtodo:'..ARGV[2], '-inf', ARGV[3], 'LIMIT', 0, ARGV[4])
local out = {}
for _, url in ipairs(found) do
  redis.call('ZREM', p..'imgtodo:'..ARGV[2], url)
  redis.call('HSET', p..'imgclaims:'..ARGV[1], url, ARGV[2])
  out[#out + 1] = {url, redis.call('HGET', p..'images', url)}
end
if redis.call('ZCARD', p..'imgtodo:'..ARGV[2]) == 0 then redis.call('SREM', p..'hosts', ARGV[2]) end
return out
"""
)

IMAGE_ATTEMPTED = (
    _BASE
    + """
local worker, url, host = ARGV[1], ARGV[2], ARGV[3]
for _, use in ipairs(redis.call('HVALS', p..'uses:'..url)) do
  attempt(worker, cjson.decode(ARGV[4]), cjson.decode(use))
end
redis.call('HINCRBY', p..'images', url, 1)
redis.call('HDEL', p..'imgclaims:'..worker, url)
remember(url, ARGV[6])
if ARGV[5] == '' then
  redis.call('HSET', p..'results', url, ARGV[4])
  count('images', -1)
else
  redis.call('ZADD', p..'imgtodo:'..host, ARGV[5], url)
  redis.call('SADD', p..'hosts', host)
end
"""
)

ADOPT = (
    _BASE
    + """
-- what a dead worker (ARGV[2]) held goes back; its unwritten rows become ARGV[1]'s
local dead, heir = ARGV[2], ARGV[1]
for _, url in ipairs(redis.call('SMEMBERS', p..'claims:'..dead)) do set_page(url, 'pending', '') end
local held = redis.call('HGETALL', p..'imgclaims:'..dead)
for i = 1, #held, 2 do
  redis.call('ZADD', p..'imgtodo:'..held[i + 1], 0, held[i])
  redis.call('SADD', p..'hosts', held[i + 1])
end
if ARGV[3] == 'rows' then
  for _, kind in ipairs({'products', 'attempts', 'visits'}) do
    local stream = p..'rows:'..dead..':'..kind
    for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+')) do row(heir, kind, entry[2][2]) end
    redis.call('DEL', stream)
  end
  redis.call('SREM', p..'workers', dead)
end
redis.call('DEL', p..'claims:'..dead, p..'imgclaims:'..dead)
"""
)
