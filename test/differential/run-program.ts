import type { Dialect } from '@sluice/core'
import type { Knex } from 'knex'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { COLLATED_TEXTS } from './keys.ts'
import { describeError, describeResult, spoil } from './observe.ts'
import { type Call, fill, type InnerStep, type Loop, type PrismaCall, type Program, type Reads, type Step } from './program.ts'

/** Both ORMs on one database. */
export interface Clients {
  readonly prisma: TestPrismaClient
  readonly knex: Knex
  /** Runs a function in a scope of its own, where there are scopes. */
  run<T>(fn: () => Promise<T>): Promise<T>
}

/** What calls go to: the clients, or a transaction of one of them. */
interface Target {
  readonly prisma: object
  readonly knex: Knex
}

type Methods = Readonly<Record<string, (...args: unknown[]) => unknown>>

class RolledBack extends Error {}

const TRANSACTION_MS = 20_000

/** Runs programs and writes down what each of their calls gave. */
export class Runner {
  #observations: string[] = []

  constructor(
    private readonly clients: Clients,
    private readonly dialect: Dialect,
  ) {}

  /** What the program's calls gave, in the program's order. */
  async run({ isScoped, steps }: Program): Promise<readonly string[]> {
    this.#observations = []
    const body = async () => {
      for (const step of steps) await this.#step(step)
    }
    await (isScoped ? this.clients.run(body) : body())
    return this.#observations
  }

  async #step(step: Step): Promise<void> {
    switch (step.kind) {
      case 'batch':
        return this.#batch(step.calls)
      case 'scopes': {
        const parts = await Promise.all(step.parts.map((reads) => this.clients.run(() => this.#reads(reads, this.clients, true))))
        this.#observations.push(...parts.flat())
        return
      }
      case 'race':
        return this.#race(step.reads, step.write)
      default:
        return this.#inner(step, this.clients)
    }
  }

  async #inner(step: InnerStep, target: Target): Promise<void> {
    switch (step.kind) {
      case 'reads':
        this.#observations.push(...(await this.#reads(step, target)))
        return
      case 'write':
        this.#observations.push(await this.#observe(step.call, target))
        return
      case 'outside':
        for (const inner of step.steps) await this.#inner(inner, this.clients)
        return
      case 'beside': {
        const sides = [this.#reads(step.inside, target, true), this.#reads(step.outside, this.clients, true)]
        this.#observations.push(...(await Promise.all(sides)).flat())
        return
      }
      case 'transaction': {
        const body = async (inner: object) => {
          for (const next of step.steps) await this.#inner(next, { ...target, [step.orm]: inner })
          if (step.ends === 'rollback') throw new RolledBack('rolled back')
          return 'committed'
        }
        const options = target === this.clients ? [{ timeout: TRANSACTION_MS, maxWait: TRANSACTION_MS }] : []
        const begin = () =>
          step.orm === 'knex'
            ? target.knex.transaction(body)
            : ((target.prisma as TestPrismaClient).$transaction as (...args: unknown[]) => Promise<string>)(body, ...options)
        this.#observations.push(await settled(begin, (value) => value))
      }
    }
  }

  async #batch(calls: readonly PrismaCall[]): Promise<void> {
    const { prisma } = this.clients
    const describe = (results: readonly unknown[]) =>
      results.map((result, at) => this.#describe(result, calls[at] as PrismaCall)).join('\n')
    const begin = () => prisma.$transaction(calls.map((call) => start(call, this.clients) as never))
    this.#observations.push(await settled(begin, describe, (error) => describeError(error, false)))
  }

  async #race(reads: Reads, write: Call): Promise<void> {
    const read = () => this.#reads(reads, this.clients, true)
    const early = read()
    const written = await this.#observe(write, this.clients)
    this.#observations.push(written, ...(await read()))
    await early
    this.#observations.push(...(await read()))
  }

  /** @param isAccompanied - Whether others run beside the block. */
  async #reads({ isParallel, loops, times }: Reads, target: Target, isAccompanied = false): Promise<readonly string[]> {
    const observations: string[] = []
    for (let time = 0; time < times; time++) {
      const calls: Call[] = []
      for (const loop of loops) calls.push(...(await this.#callsOf(loop, target)))
      const regular = calls.filter((call) => !isMishandled(call, this.dialect, target !== this.clients))
      const together = isParallel ? regular : []
      const alone = isAccompanied ? regular : calls
      observations.push(...(await Promise.all(together.map((call) => this.#observe(call, target)))))
      for (const call of alone) if (!together.includes(call)) observations.push(await this.#observe(call, target))
    }
    return observations
  }

  async #callsOf({ call, keys }: Loop, target: Target): Promise<readonly Call[]> {
    if (Array.isArray(keys)) return keys.map((key) => withKey(call, key))
    const { listing, field } = keys as Exclude<Loop['keys'], readonly unknown[]>
    const rows = await Promise.resolve(start(listing, target)).then(
      (found) => (Array.isArray(found) ? (found as Readonly<Record<string, unknown>>[]) : []),
      () => [],
    )
    return rows.map((row) => withKey(call, row[field]))
  }

  #observe(call: Call, target: Target): Promise<string> {
    return settled(
      () => start(call, target),
      (result) => {
        const text = this.#describe(result, call)
        spoil(result)
        return text
      },
    )
  }

  #describe(result: unknown, call: Call): string {
    if (call.orm === 'knex' && call.isVague === true) return 'done'
    // PostgreSQL's rows stay where there was room for them: which one comes first differs from run to run.
    if (call.order === 'doubtful' && this.dialect === 'postgresql') return result === null || result === undefined ? 'nothing' : 'something'
    return describeResult(result, call.order)
  }
}

async function settled<T>(
  act: () => T,
  describe: (value: Awaited<T>) => string,
  describeFailure: (error: unknown) => string = describeError,
): Promise<string> {
  try {
    return describe(await act())
  } catch (error) {
    return describeFailure(error)
  }
}

/**
 * Whether Prisma itself errs when the call runs beside others: it sends each tick's `findUnique` together, and in a transaction
 * each tick's calls. Where one of them fails, the others fail too or get `undefined`, and where the database holds another text equal,
 * it does not find its row. With Sluice each finds its own.
 */
function isMishandled(call: Call, dialect: Dialect, inTransaction: boolean): boolean {
  if (call.orm !== 'prisma' || !(inTransaction || call.action.startsWith('findUnique'))) return false
  if (inTransaction && call.action.endsWith('OrThrow')) return true
  return hasMishandledValue((call.args as { where?: unknown }).where, dialect)
}

function hasMishandledValue(where: unknown, dialect: Dialect): boolean {
  if (typeof where === 'string') return dialect === 'mysql' && COLLATED_TEXTS.has(where)
  if (typeof where === 'number') return !Number.isInteger(where) || where >= 2 ** 31
  if (typeof where !== 'object' || where === null) return where === null || where === undefined
  return Object.values(where).some((value) => hasMishandledValue(value, dialect))
}

function withKey(call: Call, key: unknown): Call {
  return fill(call, key) as Call
}

/** Makes the call; it is sent when what is returned is awaited. */
function start(call: Call, { prisma, knex }: Target): unknown {
  if (call.orm === 'knex') return build(call.table === undefined ? knex : knex(call.table), call.chain, knex)
  const { model, action, args, fluent } = call
  if (model === undefined) return (prisma as Methods)[action]?.apply(prisma, args as unknown[])
  const delegate = (prisma as Readonly<Record<string, Methods>>)[`${model.slice(0, 1).toLowerCase()}${model.slice(1)}`]
  const found = delegate?.[action]?.(args)
  return fluent === undefined ? found : (found as Methods)[fluent.field]?.(fluent.args)
}

function build(from: unknown, chain: readonly (readonly [string, ...unknown[]])[], knex: Knex): unknown {
  return chain.reduce((builder, [method, ...args]) => {
    const call = (builder as Methods)[method]
    if (call === undefined) throw new Error(`Expected Knex to have ${method}.`)
    return call.apply(
      builder,
      args.map((arg) => rawOf(arg, knex)),
    )
  }, from)
}

/** `{ $raw: sql }` among arguments is a piece of SQL. */
function rawOf(arg: unknown, knex: Knex): unknown {
  return typeof arg === 'object' && arg !== null && '$raw' in arg ? knex.raw(String(arg.$raw)) : arg
}
