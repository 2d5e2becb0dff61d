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
import { type Figure, median, runLikeInProduction } from '../harness.ts'
import { NoWrkError, wrkOutput } from '../load/wrk.ts'
import { SQLITE_FILE } from './opened-orm.ts'
import { knexPrograms, type Program } from './programs.ts'

const FRAMEWORKS = ['Express', 'Fastify'] as const
type Framework = (typeof FRAMEWORKS)[number]

/**
 * `storage` is an app with its request in an `AsyncLocalStorage`, like most apps with a logger or a tracer.
 */
const MODES = ['bare', 'storage', 'observe', 'optimize'] as const
type PageMode = (typeof MODES)[number]

const PAGE = 'SLUICE_BENCH_PAGE'
const CONNECTIONS = 32

const storage = new AsyncLocalStorage<object>()
/** Minimum throughput of a page with Sluice, relative to the page without it. */
const TARGETS: Readonly<Partial<Record<PageMode, number>>> = { observe: 0.95 }

/** In a page's process: serves a page of one query, and reports its used CPU time on request. */
export async function servePage(): Promise<boolean> {
  const [framework, mode] = (process.env[PAGE] ?? '').split(' ') as [Framework, PageMode]
  if (!FRAMEWORKS.includes(framework)) return false
  runLikeInProduction()
  const sluice = mode === 'bare' || mode === 'storage' ? undefined : createSluice({ mode, cache: false })
  const db = knex({
    client: 'better-sqlite3',
    connection: { filename: process.env[SQLITE_FILE] ?? '' },
    useNullAsDefault: true,
  })
  if (sluice !== undefined) withSluice(db, sluice)
  const { one } = knexPrograms(db)
  const port = await (framework === 'Express'
    ? openExpress(one, sluice, mode === 'storage')
    : openFastify(one, sluice, mode === 'storage'))
  process.on('message', () => process.send?.(process.cpuUsage()))
  process.on('disconnect', () => process.exit(0))
  process.send?.(port)
  return true
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

interface Round {
  readonly perSecond: number
  readonly cpuUs: number
}

class Page {
  readonly rounds: Round[] = []
  #port = 0

  private constructor(
    readonly mode: PageMode,
    private readonly child: ChildProcess,
  ) {}

  static async open(framework: Framework, mode: PageMode): Promise<Page> {
    const env = { ...process.env, [PAGE]: `${framework} ${mode}` }
    const page = new Page(
      mode,
      fork(process.argv[1] ?? '', process.argv.slice(2), { env, execArgv: process.execArgv }),
    )
    page.#port = await page.#answer<number>()
    return page
  }

  async round(seconds: number): Promise<Round> {
    const before = await this.#cpuUs()
    const flags = ['--threads', '1', '--connections', `${CONNECTIONS}`, '--duration', `${seconds}s`]
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

/**
 * Pages of one query under `wrk`, each in a separate process, alternately.
 *
 * @throws NoWrkError if there is no `wrk`.
 */
async function measurePages(rounds: number, seconds: number, isSilent: boolean): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const framework of FRAMEWORKS) {
    const pages = await Promise.all(MODES.map((mode) => Page.open(framework, mode)))
    try {
      // A server is measured after its code is compiled.
      for (let round = -Math.ceil(rounds / 3); round < rounds; round += 1) {
        for (const page of pages) {
          const measured = await page.round(seconds)
          if (round >= 0) page.rounds.push(measured)
        }
      }
    } finally {
      for (const page of pages) page.close()
    }
    const [bare] = pages
    for (const { mode, rounds: measured } of pages) {
      const against = bare?.rounds ?? []
      const kept = median(
        measured.map(({ perSecond }, at) => perSecond / (against[at]?.perSecond ?? Number.NaN)),
      )
      const cpu = median(measured.map(({ cpuUs }, at) => cpuUs / (against[at]?.cpuUs ?? Number.NaN)))
      const perSecond = median(measured.map((one) => one.perSecond))
      if (!isSilent)
        console.log(
          `  ${`${framework}, ${mode}`.padEnd(34)} ${perSecond.toFixed(0).padStart(8)} /s   × ${kept.toFixed(3)}   CPU × ${cpu.toFixed(3)}`,
        )
      const target = TARGETS[mode]
      if (target === undefined) continue
      const id = `${framework.toLowerCase()}.page.${mode}`
      figures.push({
        area: 'overhead',
        id,
        value: kept,
        unit: '×',
        target,
        ok: kept >= target,
        against: { bare: median(against.map((one) => one.perSecond)) },
      })
      if (!isSilent)
        console.log(
          `  ${kept >= target ? 'met   ' : 'MISSED'} ${id}: ${kept.toFixed(2)} × (target ≥ ${target} ×)`,
        )
    }
  }
  return figures
}

/** Pages of one query under `wrk`, if this machine has it. */
export async function pagesIfThere(isQuick: boolean, isSilent: boolean): Promise<readonly Figure[]> {
  try {
    if (!isSilent) console.log('\nPages of one query on SQLite, under wrk')
    return await measurePages(isQuick ? 3 : 11, isQuick ? 1 : 2, isSilent)
  } catch (error) {
    if (!(error instanceof NoWrkError)) throw error
    console.error(`Pages are left out: ${error.message}`)
    return []
  }
}
