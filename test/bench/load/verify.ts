import type { AddressInfo } from 'node:net'
import { createApp } from '@sluice/example-atlas/app'
import { openClients } from '@sluice/example-atlas/clients'
import { StatementCounter } from '@sluice/example-atlas/statement-counter'

/** Each page is asked for as often: connections go to the workers in turn. */
const TIMES = 2

/** How many answers under load's pages differ from what the bare app makes of the same rows, now that nobody writes. */
export async function differencesOf(origin: string, file: string, paths: readonly string[]): Promise<number> {
  const clients = openClients({ kind: 'sqlite', file }, new StatementCounter())
  const server = createApp(clients).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const bare = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let differences = 0
  try {
    for (const path of paths) {
      const expected = await bodyOf(bare + path)
      for (let time = 0; time < TIMES; time += 1) if ((await bodyOf(origin + path)) !== expected) differences += 1
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
