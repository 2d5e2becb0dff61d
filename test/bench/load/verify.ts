import type { AddressInfo } from 'node:net'
import { createApp } from '@sluice/example-atlas/app'
import { openClients } from '@sluice/example-atlas/clients'
import { StatementCounter } from '@sluice/example-atlas/statement-counter'

/** Number of requests per page: connections alternate between the workers. */
const TIMES = 2

/**
 * Number of pages whose responses differ from those of the app without Sluice for the same rows, while no
 * writes run.
 */
export async function differencesOf(origin: string, file: string, paths: readonly string[]): Promise<number> {
  const clients = openClients({ kind: 'sqlite', file }, new StatementCounter())
  const server = createApp(clients).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const bare = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let differences = 0
  try {
    for (const path of paths) {
      const expected = await bodyOf(bare + path)
      for (let time = 0; time < TIMES; time += 1)
        if ((await bodyOf(origin + path)) !== expected) differences += 1
    }
    return differences
  } finally {
    server.closeAllConnections()
    server.close()
    await clients.close()
  }
}

async function bodyOf(url: string): Promise<string> {
  const response = await fetch(url, { headers: { connection: 'close' } })
  return `${response.status} ${await response.text()}`
}
