import { spawn } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer as createSocketServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TEST_MS } from '../../../test/support/patience.ts'
import { type FakeDashboard, fakeDashboard } from './support/fake-dashboard.ts'
import { sluice } from './support/run-sluice.ts'
import { type Project, sqliteProject } from './support/sqlite-project.ts'

let project: Project
let dashboard: FakeDashboard
let app: Server
let appUrl: string

beforeAll(async () => {
  project = sqliteProject()
  dashboard = await fakeDashboard()
  app = createServer((_request, response) => response.end('{}'))
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  appUrl = `http://127.0.0.1:${(app.address() as AddressInfo).port}`
})
afterAll(async () => {
  await dashboard.close()
  app.closeAllConnections()
  await new Promise((resolve) => app.close(resolve))
  project.remove()
})

/** Arguments with which each command succeeds. */
const calls = (): Readonly<Record<string, readonly string[]>> => ({
  analyze: [project.url, '--workload', project.workload],
  explain: ['SELECT 1', '--url', project.url],
  top: ['--url', dashboard.url, '--once', '--seconds', '0.1'],
  bench: ['--url', appUrl, '/', '--duration', '0.1', '--warmup', '0'],
  ignore: ['--list', '--file', join(project.folder, 'ignore.json')],
  doctor: [project.url],
  triggers: ['--schema', 'public'],
})
const NAMES = ['analyze', 'explain', 'top', 'bench', 'ignore', 'doctor', 'triggers'] as const

describe.each(NAMES)('sluice %s', (name) => {
  it('prints JSON with a schemaVersion, and nothing else on stdout', async () => {
    const { code, out } = await sluice(name, ...(calls()[name] ?? []), '--json', '--color')
    expect(code).toBe(0)
    expect(JSON.parse(out).schemaVersion).toBe(1)
  })

  it('accepts --color and --no-color', async () => {
    for (const flag of ['--color', '--no-color'])
      expect((await sluice(name, ...(calls()[name] ?? []), flag)).code).toBe(0)
  })

  it('exits with code 2 for an unknown option, and refers to --help', async () => {
    expect(await sluice(name, '--nonsense')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(`See npx sluice ${name} --help`),
    })
  })

  it('lists its exit codes with --help', async () => {
    expect((await sluice(name, '--help')).out).toMatch(/\nExit codes: 0 /)
  })
})

describe('a command that cannot connect', () => {
  it.each([
    ['analyze', 'postgresql://ann:secret@127.0.0.1:1/shop'],
    ['explain', 'SELECT 1', '--url', 'postgresql://ann:secret@127.0.0.1:1/shop'],
    ['top', '--url', 'http://ann:secret@127.0.0.1:1/_sluice'],
    ['bench', '--url', 'http://ann:secret@127.0.0.1:1', '/'],
    ['ignore', '3ac91e00', '--url', 'http://ann:secret@127.0.0.1:1/_sluice'],
    ['doctor', 'postgresql://ann:secret@127.0.0.1:1/shop'],
  ])('exits with code 3, and does not print the password: %s', async (...args) => {
    const { code, out, err } = await sluice(...args)
    expect(code).toBe(3)
    expect(`${out}${err}`).toContain('Cannot connect to ')
    expect(`${out}${err}`).not.toContain('secret')
  })
})

describe('a command that is interrupted', () => {
  let silent: ReturnType<typeof createSocketServer>
  let port: number
  const sockets = new Set<Socket>()
  let onConnection: () => void = () => {}

  beforeAll(async () => {
    // Accepts connections and never responds.
    silent = createSocketServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      onConnection()
    })
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    port = (silent.address() as AddressInfo).port
  })
  afterAll(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })

  const interrupted = (args: readonly string[], signal: NodeJS.Signals) => {
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
    const bin = join(import.meta.dirname, '../src/bin.ts')
    return new Promise<{ code: number | null; out: string }>((resolve) => {
      const child = spawn(process.execPath, ['--import', tsx, '--conditions=@sluice/source', bin, ...args], {
        cwd: project.folder,
      })
      let out = ''
      child.stdout.on('data', (text: Buffer) => {
        out += String(text)
      })
      onConnection = () => child.kill(signal)
      child.on('exit', (code) => resolve({ code, out }))
    })
  }

  it.each([
    ['analyze', (at: string) => [`postgresql://ann:x@${at}/shop`]],
    ['explain', (at: string) => ['SELECT 1', '--url', `postgresql://ann:x@${at}/shop`]],
    ['top', (at: string) => ['--url', `http://${at}/_sluice`]],
    ['bench', (at: string) => ['--url', `http://${at}`, '/']],
    ['ignore', (at: string) => ['3ac91e00', '--url', `http://${at}/_sluice`]],
    ['doctor', (at: string) => [`postgresql://ann:x@${at}/shop`]],
  ] as const)('exits with code 130: %s', { timeout: TEST_MS }, async (name, args) => {
    expect(await interrupted([name, ...args(`127.0.0.1:${port}`)], 'SIGINT')).toEqual({ code: 130, out: '' })
  })

  it('exits with code 143 after SIGTERM, and with code 129 after SIGHUP', { timeout: TEST_MS }, async () => {
    const args = ['top', '--url', `http://127.0.0.1:${port}/_sluice`]
    expect((await interrupted(args, 'SIGTERM')).code).toBe(143)
    expect((await interrupted(args, 'SIGHUP')).code).toBe(129)
  })
})
