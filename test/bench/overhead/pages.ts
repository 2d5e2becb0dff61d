import { AsyncLocalStorage } from 'node:async_hooks'
import { type ChildProcess, fork } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSluice, type Sluice } from '@sluice/core'
import { sluiceMiddleware } from '@sluice/express'
import { sluicePlugin } from '@sluice/fastify'
import { withSluice } from '@sluice/knex'
import express from 'express'
import fastify from 'fastify'
import knex from 'knex'
import { runLikeCompiled } from '../harness.ts'
import { NoWrkError, wrkOutput } from '../load/wrk.ts'
import { formatRange, printRanged, type RangedFigure, rangeOf } from '../range.ts'
import { SQLITE_FILE } from './opened-orm.ts'
import { knexPrograms, type Program } from './programs.ts'

const FRAMEWORKS = ['Express', 'Fastify'] as const
type Framework = (typeof FRAMEWORKS)[number]

/** `als` is an app with its request in an `AsyncLocalStorage`, like most apps with a logger or a tracer. */
const MODES = ['als', 'bare', 'observe', 'optimize'] as const
type PageMode = (typeof MODES)[number]

const PAGE = 'SLUICE_BENCH_PAGE'
const CONNECTIONS = 32

const storage = new AsyncLocalStorage<object>()
/** Minimum throughput of a page with Sluice, relative to that of `als`. */
const TARGETS: Readonly<Partial<Record<PageMode, number>>> = { observe: 0.95, optimize: 0.92 }

/** Whether this process is that of a page. */
export function isPage(): boolean {
  return process.env[PAGE] !== undefined
}

/** In a page's process: serves a page of one query, and reports its used CPU time on request. */
export async function servePage(): Promise<void> {
  const [framework, mode] = (process.env[PAGE] ?? '').split(' ') as [Framework, PageMode]
  runLikeCompiled()
  const sluice = mode === 'bare' || mode === 'als' ? undefined : createSluice({ mode, cache: false })
  const db = knex({
    client: 'better-sqlite3',
    connection: { filename: process.env[SQLITE_FILE] ?? '' },
    useNullAsDefault: true,
  })
  if (sluice !== undefined) withSluice(db, sluice)
  const { one } = knexPrograms(db)
  const open = framework === 'Express' ? openExpress : openFastify
  const port = await open(one, sluice, mode === 'als')
  process.on('message', () => process.send?.(process.cpuUsage()))
  process.on('disconnect', () => process.exit(0))
  process.send?.(port)
}

async function openExpress(page: Program, sluice: Sluice | undefined, hasStorage: boolean): Promise<number> {
  const app = express()
  if (hasStorage) app.use((_request, _response, next) => storage.run({}, next))
  if (sluice !== undefined) app.use(sluiceMiddleware(sluice))
  app.get('/authors/:id', async (_, response) => void response.json(await page()))
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function openFastify(page: Program, sluice: Sluice | undefined, hasStorage: boolean): Promise<number> {
  const app = fastify()
  if (hasStorage) app.addHook('onRequest', (_request, _reply, done) => storage.run({}, done))
  if (sluice !== undefined) await app.register(sluicePlugin, { sluice })
  app.get('/authors/:id', () => page())
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}

interface Throughput {
  readonly perSecond: number
  readonly cpuUs: number
}

class Page {
  #port = 0

  private constructor(private readonly child: ChildProcess) {}

  static async open(framework: Framework, mode: PageMode): Promise<Page> {
    const env = { ...process.env, [PAGE]: `${framework} ${mode}` }
    const page = new Page(
      fork(process.argv[1] ?? '', process.argv.slice(2), { env, execArgv: process.execArgv }),
    )
    page.#port = await page.#answer<number>()
    return page
  }

  async round(): Promise<Throughput> {
    const before = await this.#cpuUs()
    const flags = ['--threads', '1', '--connections', `${CONNECTIONS}`, '--duration', `${ROUND_SECONDS}s`]
    const text = await wrkOutput(flags, `http://127.0.0.1:${this.#port}/authors/1`)
    const requests = Number(/(\d+) requests in/.exec(text)?.[1])
    const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1])
    if (/Non-2xx/.test(text) || !(requests > 0))
      throw new Error(`Expected a page to answer each request, got:\n${text}`)
    return { perSecond, cpuUs: ((await this.#cpuUs()) - before) / requests }
  }

  close(): void {
    this.child.disconnect()
  }

  async #cpuUs(): Promise<number> {
    const answer = this.#answer<NodeJS.CpuUsage>()
    this.child.send('cpu')
    const { user, system } = await answer
    return user + system
  }

  #answer<T>(): Promise<T> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`A page's process ended with ${code}.`))
      this.child.once('exit', ended)
      this.child.once('message', (message: unknown) => {
        this.child.off('exit', ended)
        resolve(message as T)
      })
    })
  }
}

interface PagePlan {
  readonly sets: number
  /** A server is measured after its code is compiled. */
  readonly warmUpRounds: number
  readonly rounds: number
}

const ROUND_SECONDS = 1

/**
 * Pages of one query under `wrk`, each in a separate process, alternately, in several sets of processes.
 *
 * @throws NoWrkError if there is no `wrk`.
 */
async function measurePages(plan: PagePlan, isSilent: boolean): Promise<readonly RangedFigure[]> {
  const figures: RangedFigure[] = []
  for (const framework of FRAMEWORKS) {
    const sets: (readonly Throughput[])[] = []
    for (let set = 0; set < plan.sets; set += 1) sets.push(await measureSet(framework, set, plan))
    for (const [at, mode] of MODES.entries()) {
      const ratios = (key: keyof Throughput) =>
        rangeOf(sets.map((set) => (set[at]?.[key] ?? Number.NaN) / (set[0]?.[key] ?? Number.NaN)))
      const perSecond = rangeOf(sets.map((set) => set[at]?.perSecond ?? Number.NaN)).median
      const range = ratios('perSecond')
      if (!isSilent)
        console.log(
          `  ${`${framework}, ${mode}`.padEnd(18)} ${perSecond.toFixed(0).padStart(8)} /s   × ${formatRange(range)}   CPU × ${formatRange(ratios('cpuUs'))}`,
        )
      const target = TARGETS[mode]
      if (target === undefined) continue
      const als = rangeOf(sets.map((set) => set[0]?.perSecond ?? Number.NaN)).median
      const value = range.median
      figures.push({
        area: 'overhead',
        id: `${framework.toLowerCase()}.page.${mode}`,
        value,
        range,
        unit: '×',
        target,
        ok: value >= target,
        against: { als },
      })
    }
  }
  if (!isSilent) printRanged(figures, '≥')
  return figures
}

/** The throughput of each mode over all rounds of one set of processes. */
async function measureSet(
  framework: Framework,
  set: number,
  { warmUpRounds, rounds }: PagePlan,
): Promise<readonly Throughput[]> {
  const pages = await Promise.all(MODES.map((mode) => Page.open(framework, mode)))
  const measured = pages.map((): Throughput[] => [])
  try {
    for (let round = -warmUpRounds; round < rounds; round += 1) {
      for (let turn = 0; turn < pages.length; turn += 1) {
        const at = (turn + set + warmUpRounds + round) % pages.length
        const throughput = await pages[at]?.round()
        if (round >= 0 && throughput !== undefined) measured[at]?.push(throughput)
      }
    }
  } finally {
    for (const page of pages) page.close()
  }
  const mean = (all: readonly Throughput[], key: keyof Throughput) =>
    all.reduce((sum, one) => sum + one[key], 0) / all.length
  return measured.map((all) => ({ perSecond: mean(all, 'perSecond'), cpuUs: mean(all, 'cpuUs') }))
}

/** Pages of one query under `wrk`, if this machine has it. */
export async function pagesIfThere(
  isQuick: boolean,
  isSilent: boolean,
  sets: number,
): Promise<readonly RangedFigure[]> {
  try {
    if (!isSilent)
      console.log('\nPages of one query on SQLite, under wrk: share of the page in an AsyncLocalStorage')
    const plan = isQuick ? { sets, warmUpRounds: 2, rounds: 2 } : { sets, warmUpRounds: 4, rounds: 6 }
    return await measurePages(plan, isSilent)
  } catch (error) {
    if (!(error instanceof NoWrkError)) throw error
    console.error(`Pages are left out: ${error.message}`)
    return []
  }
}
