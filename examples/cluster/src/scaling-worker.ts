// A worker of `scaling.ts`: serves atlas on a port that all workers share, and reports its load.
import { createServer } from 'node:http'
import { closeConnectionsOnDisconnect } from '@sluice/core/scaling-cluster'
import { createApp } from '@sluice/example-atlas/app'
import { openClients } from '@sluice/example-atlas/clients'
import { StatementCounter } from '@sluice/example-atlas/statement-counter'

/** The message of a worker, once per second. */
export interface WorkerLoad {
  /** Percent of one processor. */
  readonly cpu: number
}

const TELL_EVERY_MS = 1_000
const { file, port } = JSON.parse(process.env.ATLAS_WORKER ?? '{}') as {
  readonly file: string
  readonly port: number
}

const clients = openClients({ kind: 'sqlite', file }, new StatementCounter())
closeConnectionsOnDisconnect(createServer(createApp(clients))).listen(port, '127.0.0.1')

let cpu = process.cpuUsage()
const telling = setInterval(() => {
  const used = process.cpuUsage(cpu)
  cpu = process.cpuUsage()
  const load: WorkerLoad = { cpu: (used.user + used.system) / 1_000 / (TELL_EVERY_MS / 100) }
  if (process.connected) process.send?.(load)
}, TELL_EVERY_MS)
process.once('disconnect', async () => {
  clearInterval(telling)
  await clients.close()
})
