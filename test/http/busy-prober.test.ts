import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { createProxy } from '@sluice/http/proxy'
import { expect, it, onTestFinished } from 'vitest'
import { keepBusy } from '../support/keep-busy.ts'
import { TEST_MS } from '../support/patience.ts'

/** A node that replies immediately, even while the main thread is blocked. */
const NODE = `
const { createServer } = require('node:http')
const { parentPort } = require('node:worker_threads')
let asked = 0
const server = createServer((request, response) => {
  asked += 1
  response.end('well')
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
parentPort.on('message', () => parentPort.postMessage(asked))
`
const TIMEOUT_MS = 200
const INTERVAL_MS = 20

it('does not mark a node as down while the local event loop is blocked', { timeout: TEST_MS }, async () => {
  const node = new Worker(NODE, { eval: true })
  onTestFinished(async () => void (await node.terminate()))
  const [port] = (await once(node, 'message')) as [number]
  const proxy = createProxy({
    nodes: [`127.0.0.1:${port}`],
    probe: { path: '/health', intervalMs: INTERVAL_MS, timeoutMs: TIMEOUT_MS, down: 1 },
  })
  onTestFinished(() => proxy.close())
  const statuses: string[] = []
  proxy.balancer.on('statusChanged', ({ to }) => statuses.push(to))
  for (let turn = 0; turn < 10; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS))
    keepBusy(2 * TIMEOUT_MS)
  }
  node.postMessage('asked')
  const [asked] = (await once(node, 'message')) as [number]
  expect(asked).toBeGreaterThan(3)
  expect(statuses).toEqual([])
})
