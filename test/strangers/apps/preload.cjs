// Loaded before an app (`node --require`). Counts the statements that reach `pg` and `mysql2`, and answers paths
// of its own: `/__app/stats` with the CPU time and the number of statements so far, and `/__app/report` with the
// report of Sluice.
const http = require('node:http')
const Module = require('node:module')

const requireOfApp = Module.createRequire(`${process.cwd()}/package.json`)

let statements = 0
let report = process.env.SLUICE_MODE === undefined ? undefined : registeredReport

/**
 * Creates the Sluice of an app in the mode of APP_MODE, and reports on it. In mode `bare`, it returns `undefined`.
 *
 * @param createSluice - That of the app's own copy of the package.
 */
globalThis.createAppSluice = (createSluice) => {
  const mode = process.env.APP_MODE ?? 'bare'
  if (mode === 'bare') return undefined
  const sluice = createSluice({ mode })
  const findings = new Map()
  sluice.on('finding', (finding) => findings.set(finding.id, described(finding)))
  sluice.on('error', (error) => console.error('Sluice:', error))
  report = () => ({ ...sluice.queries.getStats(), findings: [...findings.values()] })
  return sluice
}

/** The report of the Sluice of `sluice/register`, which is the default one of the app's own copy of the package. */
function registeredReport() {
  const { queries } = requireOfApp('@sluice/core').getDefaultSluice()
  return { ...queries.getStats(), findings: queries.getNPlusOnePatterns().map(described) }
}

const described = ({ code, count, label, scope, fix }) =>
  `${code} ${count} × ${label} in ${scope}: ${fix ?? 'no fix known'}`

const emit = http.Server.prototype.emit
http.Server.prototype.emit = function (event, ...args) {
  const [request, response] = args
  if (event !== 'request') return emit.call(this, event, ...args)
  if (request.url === '/__app/stats') {
    const { user, system } = process.cpuUsage()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ cpuMs: (user + system) / 1000, statements }))
    return true
  }
  // Separate, because it would count as CPU time of the app.
  if (request.url === '/__app/report') {
    response.end(JSON.stringify(report?.()))
    return true
  }
  return emit.call(this, event, ...args)
}

/** Counts the calls of methods that send a statement. */
function count(prototype, ...names) {
  if (prototype === undefined || prototype.__appPatched) return
  prototype.__appPatched = true
  for (const name of names) {
    const method = prototype[name]
    prototype[name] = function (...args) {
      const [config] = args
      if (typeof (config?.text ?? config?.sql ?? config) === 'string') statements += 1
      return method.apply(this, args)
    }
  }
}

const load = Module._load
Module._load = function (request, parent, isMain) {
  const loaded = load.call(this, request, parent, isMain)
  if (request === 'pg') count(loaded.Client?.prototype, 'query')
  else if (request === 'mysql2' || request === 'mysql2/promise')
    count(load.call(this, 'mysql2', parent, false).Connection?.prototype, 'query', 'execute')
  return loaded
}
// After the function above, so that only the statements that Sluice sends are counted.
if (process.env.SLUICE_MODE !== undefined) requireOfApp('sluice/register')
// Patched before the app imports them as ES modules, which does not call the function above.
for (const name of ['pg', 'mysql2']) {
  try {
    requireOfApp(name)
  } catch {
    // The app has only one of them.
  }
}
