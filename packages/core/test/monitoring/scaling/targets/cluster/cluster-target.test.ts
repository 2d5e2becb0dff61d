import cluster from 'node:cluster'
import { Agent, createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SOON } from '../../../../../../../test/support/patience.ts'
import { closeConnectionsOnDisconnect } from '../../../../../src/monitoring/scaling/targets/cluster/cluster-target.ts'

const here: { worker?: unknown } = cluster

describe('closeConnectionsOnDisconnect', () => {
  const worker = { exitedAfterDisconnect: undefined as boolean | undefined }
  const server = closeConnectionsOnDisconnect(createServer((_request, response) => response.end('ok')))
  let agent: Agent

  const connections = () =>
    new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)))
  const ask = () =>
    new Promise<string | undefined>((resolve, reject) => {
      const { port } = server.address() as AddressInfo
      get({ port, host: '127.0.0.1', agent }, (response) => {
        response.resume().on('end', () => resolve(response.headers.connection))
      }).on('error', reject)
    })

  beforeEach(async () => {
    here.worker = worker
    worker.exitedAfterDisconnect = undefined
    agent = new Agent({ keepAlive: true })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(async () => {
    here.worker = undefined
    agent.destroy()
    await new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })
  })

  it('keeps connections alive while the worker is connected', async () => {
    expect(await ask()).toBe('keep-alive')
    server.closeIdleConnections()
    await expect.poll(connections, SOON).toBe(0)
  })

  it('closes connections with their next response after the worker disconnects, and keeps idle ones until their timeout', async () => {
    await ask()
    worker.exitedAfterDisconnect = true
    server.closeIdleConnections()
    expect(await connections()).toBe(1)
    expect(await ask()).toBe('close')
    await expect.poll(connections, SOON).toBe(0)
  })

  it('does nothing in a process that is not a worker', async () => {
    here.worker = undefined
    expect(await ask()).toBe('keep-alive')
  })
})
