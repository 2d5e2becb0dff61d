import cluster, { type Worker } from 'node:cluster'
import { inspect } from 'node:util'
import { clusterStore, serveClusterStore } from '@sluice/core'
import { keepBusy } from '../support/keep-busy.ts'
import { SOON } from '../support/patience.ts'

/**
 * A process of `node:cluster` with three workers: runs one scenario on their stores, and prints the result of
 * each step.
 */
const LEASE_MS = 400
const TIMEOUT_MS = 300

interface Ask {
  readonly ask: number
  readonly method: string
  readonly args: readonly unknown[]
}

if (cluster.isPrimary) await primary()
else worker()

function worker(): void {
  const store = clusterStore({ leaseMs: LEASE_MS, timeoutMs: TIMEOUT_MS })
  const told: string[] = []
  const extra: Record<string, (...args: never[]) => Promise<unknown>> = {
    watch: async () => {
      store.watch({ invalidated: (tags) => told.push(...tags), lost: () => told.push('lost') })
      await store.ping()
    },
    told: async () => told,
    keep: async (key: string) => {
      const stamps = await store.open(['a'])
      if (stamps === undefined) return false
      const value = {
        at: new Date(0),
        big: 2n ** 70n,
        bytes: Buffer.from([1, 2]),
        none: undefined,
        map: new Map([[1, new Set(['a'])]]),
      }
      return store.set(
        key,
        { value, tags: ['a'], times: { queriedAt: 0, ttlMs: 1_000, costMs: 1 }, ...stamps },
        60_000,
      )
    },
    value: async (key: string) =>
      inspect((await store.read(['a'], key)).entry?.value(), {
        compact: true,
        breakLength: Number.POSITIVE_INFINITY,
      }),
    busy: async () => {
      const opened = store.open(['c'])
      await new Promise((resolve) => setImmediate(resolve))
      keepBusy(3 * TIMEOUT_MS)
      return opened.catch(String)
    },
    leave: async () => {
      await store.close()
      setImmediate(() => process.disconnect())
    },
  }
  process.on('message', async (message: Partial<Ask>) => {
    if (message.ask === undefined || message.method === undefined) return
    const methods = { ...extra, ...bound(store) } as typeof extra
    const answer = await methods[message.method]?.(...((message.args ?? []) as never[]))
    process.send?.({ answer: message.ask, value: answer ?? null })
  })
  process.send?.({ ready: true })
}

function bound(store: ReturnType<typeof clusterStore>): Record<string, unknown> {
  return {
    open: (tags: string[]) => store.open(tags),
    begin: (tags: string[], token: string) => store.begin(tags, token),
    end: (tags: string[], token: string) => store.end(tags, token),
    ping: () => store.ping(),
  }
}

async function primary(): Promise<void> {
  serveClusterStore({ leaseMs: LEASE_MS })
  const results: Record<string, unknown> = {}
  const waiting = new Map<number, (value: unknown) => void>()
  let asked = 0
  cluster.on('message', (_worker, message: { answer?: number; value?: unknown }) => {
    if (message.answer !== undefined) waiting.get(message.answer)?.(message.value)
  })
  const ask = (to: Worker | undefined, method: string, ...args: unknown[]): Promise<unknown> =>
    new Promise((resolve) => {
      asked += 1
      waiting.set(asked, resolve)
      to?.send({ ask: asked, method, args } satisfies Ask)
    })
  const workers = [cluster.fork(), cluster.fork(), cluster.fork()]
  await Promise.all(workers.map((one) => new Promise((resolve) => one.once('message', resolve))))
  const [one, two, three] = workers

  results.opened = await ask(one, 'open', ['a', 'b'])
  results.same = await ask(two, 'open', ['a', 'b'])
  results.kept = await ask(two, 'keep', 'key')
  results.value = await ask(three, 'value', 'key')
  await ask(three, 'watch')
  await ask(one, 'begin', ['a'], 'w')
  await ask(three, 'ping')
  results.told = await ask(three, 'told')
  results.closed = await ask(two, 'open', ['a'])
  results.ended = await ask(one, 'end', ['a'], 'w')

  results.busy = await ask(two, 'busy')

  await ask(one, 'begin', ['b'], 'dead')
  const gone = new Promise((resolve) => one?.once('exit', resolve))
  one?.process.kill('SIGKILL')
  await gone
  results.held = await ask(two, 'open', ['b'])
  const start = performance.now()
  do results.lapsed = await ask(two, 'open', ['b'])
  while (results.lapsed === null && performance.now() < start + SOON.timeout)

  const exits = [two, three].map((each) => new Promise((resolve) => each?.once('exit', resolve)))
  for (const each of [two, three]) void ask(each, 'leave')
  results.exits = await Promise.all(exits)
  process.stdout.write(JSON.stringify(results))
}
