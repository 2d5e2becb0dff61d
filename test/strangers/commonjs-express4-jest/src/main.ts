import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { app, db, seed, sluice } from './app'

async function main(): Promise<void> {
  await seed()
  const found: string[] = []
  sluice.on('finding', ({ code, callSite }) => found.push(`${code} ${callSite?.file}`))
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/books`)
  assert.equal(((await response.json()) as unknown[]).length, 10)
  assert.equal(found.length, 1)
  assert.match(found[0] ?? '', /^N_PLUS_ONE .*app\.[jt]s$/)
  server.close()
  server.closeAllConnections()
  await sluice.close()
  await db.destroy()
}

void main()
