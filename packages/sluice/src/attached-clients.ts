import { createConsoleReport, type Sluice } from '@sluice/core'
import { FindingRepeats, hostOf } from '@sluice/core/siblings'
import { CLIENT_NAMES, ORM_NAMES } from './config/client-names.ts'
import { startDashboard } from './dashboard.ts'
import { guarded } from './guarded.ts'
import { attachedClients, clients } from './process-state.ts'
import { registeredSluice, settings } from './registered-sluice.ts'
import { isInRun, reportToRun } from './run-report.ts'
import { requestScopes } from './scopes/request-scope.ts'
import { startScript } from './scopes/script-scope.ts'
import { scopeWorkOfOthers, workAmbient } from './scopes/work.ts'
import { unseen } from './unseen-clients.ts'

const known = new WeakSet<Sluice>()

/** Sluice attached itself to a client. */
export function attached(client: string, sluice: Sluice): void {
  added(client, sluice, () => {
    requestScopes(sluice)
    startScript(sluice)
  })
}

/**
 * The app attached a client to a Sluice. If the app has created it, it has scopes where the app opens none,
 * and its findings are reported.
 */
export function attachedByApp(sluice: Sluice, orm: string): void {
  if (sluice === registeredSluice()) return
  const names = [...CLIENT_NAMES, ...ORM_NAMES]
  const name = names.find((one) => orm.startsWith(one.toLowerCase())) ?? orm
  // Seen by another Sluice.
  unseen(`${name} (withSluice)`)
  added(`${name} (withSluice)`, sluice, () => {
    scopeWorkOfOthers()
    requestScopes(sluice)
    startScript(sluice, () => workAmbient(sluice))
    if (settings().report === 'stderr') printUnreceived(sluice)
  })
}

/** Prints the findings of a Sluice of the app, unless the app, or one of its middlewares, receives them. */
function printUnreceived(sluice: Sluice): void {
  const host = hostOf(sluice)
  if (host.logger !== undefined) return
  const print = createConsoleReport()
  const own = isInRun() ? 2 : 1
  sluice.on('finding', (finding) => {
    if (host.findingListeners() <= own) print(finding)
  })
}

/**
 * @param start - Called for the first client of the Sluice.
 */
function added(client: string, sluice: Sluice, start: () => void): void {
  const isFirst = attachedClients.size === 0
  attachedClients.add(client)
  clients.areLoaded = true
  reportToRun(sluice)
  if (known.has(sluice)) return
  known.add(sluice)
  start()
  const { report, dashboardPort } = settings()
  if (report === 'json') printJson(sluice)
  if (!isFirst) return
  if (report !== 'off') setImmediate(() => printClients(sluice.mode, report))
  if (dashboardPort !== undefined) guarded('the dashboard', () => startDashboard(sluice, dashboardPort))
}

function printClients(mode: string, report: 'stderr' | 'json'): void {
  const names = [...attachedClients]
  if (report === 'json') write(JSON.stringify({ event: 'attached', clients: names, mode, pid: process.pid }))
  else write(`sluice  attached ${names.join(', ')} · mode ${mode} · off: SLUICE=off`)
}

/** Prints each finding as a line, as often as the report for people. */
function printJson(sluice: Sluice): void {
  const repeats = new FindingRepeats()
  sluice.on('finding', (finding) => {
    const times = repeats.timesToReport(finding)
    if (times !== undefined) write(JSON.stringify({ event: 'finding', times, ...finding }))
  })
}

function write(line: string): void {
  process.stderr.write(`${line}\n`)
}
