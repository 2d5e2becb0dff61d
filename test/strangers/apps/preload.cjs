// Loaded before an app (`node --require`). Counts and records the statements that reach `pg` and `mysql2`,
// and answers paths of its own: `/__app/stats` with the CPU time and the number of statements so far,
// `/__app/report` with the report of Sluice, and `/__app/trace` with the statements recorded since the last call.
const { createHash } = require('node:crypto')
const http = require('node:http')
const Module = require('node:module')

let statements = 0
let connections = 0
let scope = 0
let trace = []
const MAX_TRACE = 200_000

const emit = http.Server.prototype.emit
http.Server.prototype.emit = function (event, ...args) {
  const [request, response] = args
  if (event !== 'request') return emit.call(this, event, ...args)
  if (request.url === '/__app/stats') {
    const { user, system } = process.cpuUsage()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ cpuMs: (user + system) / 1000, statements, scope }))
    return true
  }
  // Separate, because it would count as CPU time of the app.
  if (request.url === '/__app/report') {
    response.end(JSON.stringify(globalThis.__appReport?.()))
    return true
  }
  if (request.url === '/__app/trace') {
    response.end(trace.map((line) => JSON.stringify(line)).join('\n'))
    trace = []
    return true
  }
  scope += 1
  return emit.call(this, event, ...args)
}

const plain = (_, value) =>
  typeof value === 'bigint' ? `${value}n` : Buffer.isBuffer(value) ? value.toString('hex') : value

/** Records a statement. Returns a function to call with its error or its rows. */
function begin(connection, sql, params) {
  statements += 1
  if (trace.length >= MAX_TRACE) return () => {}
  connection.__appId ??= ++connections
  const line = {
    connection: connection.__appId,
    scope,
    sql,
    params: JSON.parse(JSON.stringify(params ?? [], plain)),
    sentAt: performance.now(),
  }
  return (error, rows) => {
    line.answeredAt = performance.now()
    if (error) line.error = String(error.code ?? error.message).slice(0, 60)
    else if (Array.isArray(rows))
      line.rows = createHash('sha256').update(JSON.stringify(rows, plain)).digest('hex').slice(0, 12)
    trace.push(line)
  }
}

function patchPg({ Client }) {
  if (Client === undefined || Client.prototype.__appPatched) return
  Client.prototype.__appPatched = true
  const { query } = Client.prototype
  Client.prototype.query = function (...args) {
    const [config, values] = args
    const sql = typeof config === 'string' ? config : config?.text
    if (typeof sql !== 'string') return query.apply(this, args)
    const end = begin(this, sql, Array.isArray(values) ? values : config.values)
    const rowsOf = (result) => (Array.isArray(result) ? result.at(-1)?.rows : result?.rows)
    const at = args.findIndex((arg) => typeof arg === 'function')
    if (at >= 0) {
      const callback = args[at]
      args[at] = (error, result) => {
        end(error, rowsOf(result))
        return callback(error, result)
      }
      return query.apply(this, args)
    }
    const result = query.apply(this, args)
    if (typeof result?.then === 'function')
      result.then(
        (found) => end(undefined, rowsOf(found)),
        (error) => end(error),
      )
    return result
  }
}

function patchMysql({ Connection }) {
  const prototype = Connection?.prototype
  if (prototype === undefined || prototype.__appPatched) return
  prototype.__appPatched = true
  for (const name of ['query', 'execute']) {
    const method = prototype[name]
    prototype[name] = function (...args) {
      const [config, values] = args
      const sql = typeof config === 'string' ? config : config?.sql
      if (typeof sql !== 'string') return method.apply(this, args)
      const end = begin(this, sql, Array.isArray(values) ? values : config.values)
      const at = args.findIndex((arg) => typeof arg === 'function')
      if (at >= 0) {
        const callback = args[at]
        args[at] = function (...received) {
          end(...received)
          return callback.apply(this, received)
        }
        return method.apply(this, args)
      }
      const command = method.apply(this, args)
      const rows = []
      command?.on?.('result', (row) => rows.push(row))
      command?.on?.('error', (error) => end(error))
      command?.on?.('end', () => end(undefined, rows))
      return command
    }
  }
}

const load = Module._load
Module._load = function (request, parent, isMain) {
  const loaded = load.call(this, request, parent, isMain)
  if (request === 'pg') patchPg(loaded)
  else if (request === 'mysql2' || request === 'mysql2/promise')
    patchMysql(load.call(this, 'mysql2', parent, false))
  return loaded
}
// Patched before the app imports them as ES modules, which does not call the function above.
for (const name of ['pg', 'mysql2']) {
  try {
    Module.createRequire(`${process.cwd()}/package.json`)(name)
  } catch {
    // The app has only one of them.
  }
}
