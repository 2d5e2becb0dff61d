import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Contender } from '../harness.ts'
import { type FrameworkName, type Keeping, openApp } from './apps.ts'
import type { Task } from './task.ts'

/** The requests, and the expected header of their responses with a response cache. */
const ASKING = {
  same: { query: 'at=0', kept: 'Sluice; hit' },
  new: { query: 'at=$', kept: 'fwd=uri-miss; stored' },
  never: { query: 'at=$&never=1', kept: 'detail="CACHE_CONTROL"' },
  cookie: { query: 'at=$', kept: 'fwd=bypass; detail="cookie"' },
  unchanged: { query: 'at=0', kept: 'Sluice; hit' },
} as const
type Asking = keyof typeof ASKING

/** An app in the contender's process, and its client in a separate process. */
function contender(name: string, framework: FrameworkName, keeping: Keeping, asking: Asking): Contender {
  return {
    name: `${framework}, ${name}`,
    open: async () => {
      const app = await openApp(framework, keeping)
      const client = fork(join(import.meta.dirname, 'client.ts'), [String(app.port)], {
        execArgv: process.execArgv,
      })
      client.once('exit', (code) => {
        if (code !== 0 && code !== null) throw new Error(`The client of "${name}" ended with ${code}.`)
      })
      await answerOf(client)
      const { query, kept } = ASKING[asking]
      const plain: Task = {
        requests: 1,
        query,
        headers: asking === 'cookie' ? { cookie: 'a=b' } : {},
        status: 200,
      }
      // The first request fills the cache, and a front learns from the second.
      await ask(client, plain)
      const tag = await ask(client, plain)
      const says = keeping === 'responses' || keeping === 'front' ? kept : undefined
      const task =
        asking === 'unchanged'
          ? { ...plain, headers: { 'if-none-match': tag }, status: 304, says }
          : { ...plain, says }
      return {
        run: async (iterations) => void (await ask(client, { ...task, requests: iterations })),
        close: async () => {
          const ended = new Promise((resolve) => client.once('exit', resolve))
          client.disconnect()
          await ended
          await app.close()
        },
      }
    },
  }
}

function answerOf(client: ChildProcess): Promise<string> {
  return new Promise((resolve) => client.once('message', (message) => resolve(String(message))))
}

function ask(client: ChildProcess, task: Task): Promise<string> {
  const answer = answerOf(client)
  client.send(task)
  return answer
}

export interface Contest {
  readonly framework: FrameworkName
  readonly what: 'hit' | 'constant' | 'cost' | '304'
  readonly title: string
  /** The baseline of the others. */
  readonly contenders: readonly Contender[]
}

export const contests: readonly Contest[] = (['Express', 'Fastify'] as const).flatMap(
  (framework): Contest[] => [
    {
      framework,
      what: 'hit',
      title: `${framework}: a route of three queries on SQLite, asked again`,
      contenders: [
        contender('without Sluice', framework, 'bare', 'same'),
        contender('results kept', framework, 'results', 'same'),
        contender('a Map of bodies by URL', framework, 'map', 'same'),
        contender('responses kept', framework, 'responses', 'same'),
      ],
    },
    {
      framework,
      what: 'constant',
      title: `${framework}: cached responses and the same text as a constant`,
      contenders: [
        contender('a constant', framework, 'constant', 'same'),
        contender('a hit', framework, 'responses', 'same'),
        contender('a hit at the front', framework, 'front', 'same'),
      ].map((one) => ({ ...one, pace: 4 })),
    },
    {
      framework,
      what: 'cost',
      title: `${framework}: requests without a cached response; each queries the database`,
      contenders: [
        contender('no response cache', framework, 'results', 'new'),
        contender('a miss', framework, 'responses', 'new'),
        contender('never kept', framework, 'responses', 'never'),
        contender('with a cookie', framework, 'responses', 'cookie'),
      ],
    },
    {
      framework,
      what: '304',
      title: `${framework}: If-None-Match of what has not changed, answered 304`,
      contenders: [
        contender('without Sluice, 304', framework, 'bare', 'unchanged'),
        contender('responses kept, 304', framework, 'responses', 'unchanged'),
      ],
    },
  ],
)
