import { Agent, get } from 'node:http'
import { createServer } from 'node:net'
import { freemem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type ClusterTarget, type ClusterTargetOptions, clusterTarget } from '@sluice/core/scaling-cluster'
import { FLAGS } from '../support/typescript-process.ts'

/**
 * The primary process of a `node:cluster`: runs the scenario that its argument names, and prints the result
 * as JSON.
 */
const never = new AbortController().signal
const exec = fileURLToPath(new URL('scaling-worker.main.ts', import.meta.url))

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

const port = await freePort()
const problems: string[] = []

function target(options: ClusterTargetOptions = {}): ClusterTarget {
  const env = { SCALING_PORT: String(port), ...options.env }
  return clusterTarget({
    exec,
    execArgv: FLAGS,
    reserveBytes: 0,
    workerBytes: 1,
    graceMs: 200,
    onProblem: ({ message }) => problems.push(message),
    ...options,
    env,
  })
}

function ask(path: string, agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path, ...(agent && { agent }) }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => resolve(body))
      response.on('error', reject)
    }).on('error', reject)
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Waits for a condition that must become true. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** The process IDs that respond. */
async function pids(requests = 40): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: requests }, () => ask('/', new Agent())))
  return [...new Set(answers.map(Number))]
}

/** Resolves as soon as a worker listens. */
async function firstAnswer(): Promise<number[]> {
  for (;;) {
    try {
      return await pids(1)
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

const stories: Record<string, () => Promise<unknown>> = {
  /** Requests on open and new connections continue while workers start and stop. */
  async load() {
    const workers = target({ graceMs: 1500 })
    await workers.scaleTo(1, 'start', never)
    const seen = new Set<string>()
    const failed: string[] = []
    let isOver = false
    let answered = 0
    const visit = async (agent: Agent) => {
      while (!isOver) {
        try {
          seen.add(await ask('/?ms=10', agent))
          answered += 1
        } catch (error) {
          failed.push(String(error))
        }
      }
      agent.destroy()
    }
    const visitors: Promise<void>[] = []
    const more = () =>
      visitors.push(
        ...[true, true, true, true, false, false].map((keepAlive) =>
          visit(new Agent({ keepAlive, maxSockets: 1 })),
        ),
      )
    more()
    const counts: number[] = []
    for (const count of [3, 1, 2, 1]) {
      await workers.scaleTo(count, 'change', never)
      // Open connections stay with their workers: each worker gets some before it stops.
      if (count > 1) more()
      const answering = await pids()
      for (const pid of answering) seen.add(String(pid))
      counts.push(workers.current(), answering.length)
    }
    isOver = true
    await Promise.all(visitors)
    await workers.close()
    return {
      failed,
      counts,
      answersAll: answered > 200,
      processes: seen.size,
      alive: [...seen].map(Number).filter(isAlive),
    }
  },

  /** A worker that dies is replaced, and the others respond meanwhile. */
  async death() {
    const workers = target()
    await workers.scaleTo(2, 'start', never)
    const before = await pids()
    await ask('/die', new Agent()).catch(() => {})
    await until(() => workers.current() === 1)
    const meanwhile = await pids()
    await until(() => workers.current() === 2)
    await workers.scaleTo(2, 'wait', never)
    const after = await pids()
    await workers.close()
    return {
      before: before.length,
      meanwhile: meanwhile.length,
      after: after.length,
      stayed: after.filter((pid) => before.includes(pid)).length,
      alive: after.filter(isAlive),
      problems: problems.map((problem) => problem.replace(/\d{2,}/, 'PID')),
    }
  },

  /** Workers that die during startup are not restarted in a tight loop. */
  async loop() {
    const workers = target({ env: { SCALING_STARTS: 'dies' } })
    const first = await workers
      .scaleTo(1, 'start', never)
      .catch(({ code, message }) => [code, message.replace(/worker \d+/, 'worker PID')])
    await until(() => workers.current() === 0)
    const second = await workers
      .scaleTo(1, 'again', never)
      .catch(({ message }) => message.replace(/\d+ ms/, 'N ms'))
    const startedAt = performance.now()
    await until(() => problems.length >= 3)
    const tookMs = performance.now() - startedAt
    await workers.close()
    const count = problems.length
    await new Promise((resolve) => setTimeout(resolve, 300))
    return { first, second, isSlow: tookMs > 700, after: problems.length - count, left: workers.current() }
  },

  /** A worker that never listens is ended. */
  async never() {
    const workers = target({ env: { SCALING_STARTS: 'never' }, startTimeoutMs: 1500 })
    const error = await workers.scaleTo(1, 'start', never).catch(({ message }) => message)
    await workers.close()
    return { error, left: workers.current() }
  },

  /** `online` is sufficient when configured; a worker that ignores signals is killed. */
  async deaf() {
    const workers = target({ ready: 'online', graceMs: 100, env: { SCALING_HEARS: 'nothing' } })
    await workers.scaleTo(1, 'start', never)
    const [pid = 0] = await firstAnswer()
    const wasAlive = isAlive(pid)
    await workers.close()
    return { wasAlive, isAlive: isAlive(pid) }
  },

  /** No more workers start than fit into memory; existing workers stay. */
  async memory() {
    const bytes = Math.min(freemem(), process.availableMemory())
    const workers = target({ workerBytes: bytes / 2.5 })
    const admitted = workers.admit(5)
    const error = await workers.scaleTo(5, 'start', never).catch(({ code }) => code)
    const started = workers.current()
    const fewer = workers.admit(1)
    await workers.close()
    const full = target({ reserveBytes: 2 * bytes })
    return {
      admitted: admitted.count,
      reason: admitted.reason,
      error,
      started,
      fewer,
      full: full.admit(3).count,
      none: full.admit(0),
    }
  },

  /** The newest number counts, and the older call ends. */
  async newest() {
    const workers = target()
    const stop = new AbortController()
    const first = workers.scaleTo(3, 'start', stop.signal).catch(({ message }) => message)
    stop.abort(new Error('another'))
    const told = await first
    await workers.scaleTo(1, 'change', never)
    const answering = (await pids()).length
    await workers.close()
    const closed = await workers.scaleTo(1, 'late', never).catch(({ code }) => code)
    return { told, current: workers.current(), answering, closed }
  },
}

const story = stories[process.argv[2] ?? '']
if (story === undefined) throw new Error('There is no such story.')
process.stdout.write(JSON.stringify(await story()))
