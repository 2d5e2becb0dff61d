import { type ChildProcess, spawn } from 'node:child_process'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SOON, TEST_MS } from '../support/patience.ts'
import { FLAGS } from '../support/typescript-process.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
})

interface App {
  readonly child: ChildProcess
  readonly port: number
  readonly lines: string[]
  readonly ended: Promise<number | null>
}

async function start(framework: string, drainDelayMs = 300, timeoutMs = 5_000): Promise<App> {
  const args = [...FLAGS, join(import.meta.dirname, 'app.main.ts')]
  const child = spawn(process.execPath, [...args, framework, String(drainDelayMs), String(timeoutMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const lines: string[] = []
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`It ended with ${code}.`)))
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      lines.push(line)
      if (line.startsWith('port ')) resolve(Number(line.slice(5)))
    })
  })
  return { child, port, lines, ended }
}

interface Answered {
  readonly status: number
  readonly connection: string | undefined
}

function ask(port: number, path: string, agent?: Agent): Promise<Answered> {
  return new Promise((resolve, reject) => {
    httpRequest(
      { host: '127.0.0.1', port, path, ...(agent === undefined ? { agent: false } : { agent }) },
      (response) => {
        response.resume()
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, connection: response.headers.connection }),
        )
        response.on('error', reject)
      },
    )
      .on('error', reject)
      .end()
  })
}

describe.each(['node', 'express', 'fastify'])('gracefulShutdown of an app of %s', (framework) => {
  it('fails no request under load that was accepted before the drain completed', {
    timeout: TEST_MS,
  }, async () => {
    const { child, port, lines, ended } = await start(framework, 1_000)
    let isReady = true
    let sent = 0
    const failures: string[] = []
    const statuses = new Map<number, number>()
    // Like a load balancer: new requests until a probe fails.
    const client = async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      while (isReady) {
        sent += 1
        try {
          const { status } = await ask(port, '/work/10', agent)
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
        } catch (error) {
          failures.push(String(error))
        }
      }
      agent.destroy()
    }
    const probe = async () => {
      while (isReady) {
        isReady = (await ask(port, '/readyz')).status === 200
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    const clients = Array.from({ length: 20 }, client)
    const probing = probe()
    await vi.waitFor(() => expect(sent).toBeGreaterThan(100), SOON)
    const slow = ask(port, '/work/2500')
    await ask(port, '/work/1')
    child.kill('SIGTERM')
    await probing
    const sentBefore = sent
    expect((await ask(port, '/work/1')).status).toBe(200)
    await Promise.all(clients)
    expect(sent).toBe(sentBefore)
    expect((await slow).status).toBe(200)
    expect(await ended).toBe(0)
    expect(failures).toEqual([])
    expect([...statuses.keys()]).toEqual([200])
    expect(lines).toContain('closed')
  })

  it('closes connections after their response from the start of the drain', {
    timeout: TEST_MS,
  }, async () => {
    const { child, port, ended } = await start(framework)
    const agent = new Agent({ keepAlive: true })
    const before = await ask(port, '/work/1', agent)
    expect(before.connection).toBe('keep-alive')
    child.kill('SIGTERM')
    await vi.waitFor(async () => expect((await ask(port, '/readyz', agent)).status).toBe(503), SOON)
    expect((await ask(port, '/work/1', agent)).connection).toBe('close')
    expect(await ended).toBe(0)
    agent.destroy()
  })

  it('cuts requests that exceed the time limit, and reports it in its exit code', {
    timeout: TEST_MS,
  }, async () => {
    const { child, port, ended } = await start(framework, 0, 200)
    const slow = ask(port, '/work/60000').catch((error: NodeJS.ErrnoException) => error.code)
    await ask(port, '/work/50')
    child.kill('SIGTERM')
    expect(await slow).toBe('ECONNRESET')
    expect(await ended).toBe(1)
  })

  it('cuts everything on a second signal', { timeout: TEST_MS }, async () => {
    const { child, port, ended } = await start(framework, 60_000, 60_000)
    const slow = ask(port, '/work/60000').catch((error: NodeJS.ErrnoException) => error.code)
    await ask(port, '/work/50')
    child.kill('SIGTERM')
    await vi.waitFor(async () => expect((await ask(port, '/readyz')).status).toBe(503), SOON)
    child.kill('SIGTERM')
    expect(await slow).toBe('ECONNRESET')
    expect(await ended).toBe(1)
  })
})

describe('gracefulShutdown', () => {
  it('ends event streams and WebSockets, which would never end', { timeout: TEST_MS }, async () => {
    const { child, port, ended } = await start('node', 100)
    const events = ask(port, '/events')
    const socket = connect(port, '127.0.0.1')
    const received: Buffer[] = []
    socket.on('data', (chunk) => received.push(chunk))
    socket.write('GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n')
    await vi.waitFor(() => expect(Buffer.concat(received).toString()).toContain('101'), SOON)
    const closed = new Promise((resolve) => socket.once('end', resolve))
    await ask(port, '/work/20')
    child.kill('SIGTERM')
    expect((await events).status).toBe(200)
    await closed
    expect(Buffer.concat(received).subarray(-4)).toEqual(Buffer.from([0x88, 0x02, 0x03, 0xe9]))
    expect(await ended).toBe(0)
  })
})
