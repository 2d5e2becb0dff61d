import type { Sluice } from '@sluice/core'
import { printsReports } from '@sluice/core/siblings'
import { attachedClients, clients } from './process-state.ts'
import { reportToRun } from './run-report.ts'
import { startScript } from './scopes/script-scope.ts'

/**
 * A client was attached: its process is reported to `sluice run`, and its script has scopes. In development,
 * prints the clients of this process once, after the first ones.
 */
export function attached(client: string, sluice: Sluice): void {
  if (attachedClients.size === 0 && printsReports()) setImmediate(() => printClients(sluice.mode))
  attachedClients.add(client)
  clients.areLoaded = true
  reportToRun(sluice)
  startScript(sluice)
}

function printClients(mode: string): void {
  const clients = [...attachedClients].join(', ')
  process.stderr.write(`sluice  attached ${clients} · mode ${mode} · off: SLUICE=off\n`)
}
