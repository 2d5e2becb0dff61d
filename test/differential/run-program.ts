import type { Knex } from 'knex'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { beginTransaction } from './begin-transaction.ts'
import type { BuilderTarget } from './builders/builder-clients.ts'
import { describeError } from './observe.ts'
import type {
  Call,
  DefinitionStep,
  InnerStep,
  Interruption,
  Loop,
  PastWrite,
  PrismaCall,
  Program,
  Reads,
  SessionStep,
  Step,
  TransactionStep,
  Walk,
} from './program.ts'
import { CallRunner, start, type Target, withKey } from './run-call.ts'
import { type WalkHost, walkRows, walkTwice } from './run-walk.ts'
import type { Vocabulary } from './vocabulary.ts'

/** The ORMs on one database. */
export interface Clients extends BuilderTarget {
  readonly prisma: TestPrismaClient
  readonly knex: Knex
  /** Runs a function in a separate scope, if there are scopes. */
  run<T>(fn: () => Promise<T>): Promise<T>
  /** Waits until the schema is known, if it must be known. */
  settle?(): Promise<void>
}

/** A client that bypasses Sluice. */
export interface Outsider {
  readonly knex: Knex
  /** Notifies Sluice of a write, if there is a way. */
  tell(told: PastWrite['told']): Promise<void>
}

/** The record of a call whose arguments Prisma rejects. */
const REFUSED = 'PrismaClientValidationError'

class RolledBack extends Error {}

/** Runs programs and records the results of their calls. */
export class Runner {
  #observations: string[] = []
  /** Undoes the program's definitions. */
  readonly #undo = new Set<string>()
  readonly #calls: CallRunner

  constructor(
    private readonly clients: Clients,
    private readonly vocabulary: Vocabulary,
    /** If omitted, no write bypasses Sluice. */
    private readonly outsider?: Outsider,
  ) {
    this.#calls = new CallRunner(vocabulary)
  }

  /** The results of the program's calls, in the program's order. */
  async run({ isScoped, steps }: Program): Promise<readonly string[]> {
    this.#observations = []
    const body = async () => {
      for (const step of steps) await this.#step(step)
    }
    try {
      await (isScoped ? this.clients.run(body) : body())
    } finally {
      await this.#undoDefinitions()
    }
    return this.#observations
  }

  async #undoDefinitions(): Promise<void> {
    if (this.#undo.size === 0) return
    for (const sql of [...this.#undo].reverse()) {
      await this.#seeSchema('knex', this.clients)
      await this.clients.knex.raw(sql).catch((error: unknown) => {
        if (!/no such column/.test(String(error))) throw error
      })
    }
    this.#undo.clear()
    await this.clients.settle?.()
  }

  async #step(step: Step): Promise<void> {
    switch (step.kind) {
      case 'session':
        return this.#session(step)
      case 'batch':
        return this.#batch(step.calls)
      case 'scopes': {
        const part = (inner: Reads | Walk) =>
          inner.kind === 'walk'
            ? this.#walk(inner, this.clients, true)
            : this.#reads(inner, this.clients, true)
        const parts = await Promise.all(
          step.parts.map((inner) => (step.isShared ? part(inner) : this.clients.run(() => part(inner)))),
        )
        this.#observations.push(...parts.flat())
        return
      }
      case 'race':
        return this.#race(step.reads, step.write)
      case 'poll': {
        const poll = () =>
          walkTwice(step.walk, this.#hostOf(step.walk, this.clients), () => this.#writePast(step.between))
        this.#observations.push(...(await this.clients.run(poll)))
        return
      }
      case 'refetch':
        this.#observations.push(...(await this.clients.run(() => this.#walk(step.walk, this.clients))))
        return
      default:
        return this.#inner(step, this.clients)
    }
  }

  async #inner(step: InnerStep, target: Target): Promise<void> {
    switch (step.kind) {
      case 'reads':
        this.#observations.push(...(await this.#reads(step, target)))
        return
      case 'walk':
        this.#observations.push(...(await this.#walk(step, target)))
        return
      case 'write':
        this.#observations.push(await this.#observe(step.call, target))
        return
      case 'definition':
        return this.#define(step, target)
      case 'outside':
        for (const inner of step.steps) await this.#inner(inner, this.clients)
        return
      case 'beside': {
        const sides = [this.#reads(step.inside, target, true), this.#reads(step.outside, this.clients, true)]
        this.#observations.push(...(await Promise.all(sides)).flat())
        return
      }
      case 'transaction':
        return this.#transaction(step, target)
    }
  }

  async #define({ call, undo, isAwaited, beside }: DefinitionStep, target: Target): Promise<void> {
    this.#undo.add(undo)
    await this.#seeSchema(call.orm, target)
    const defining = this.#observe(call, target)
    if (beside !== undefined) await this.#reads(beside, this.clients, true)
    this.#observations.push(await defining)
    if (isAwaited && target === this.clients) await this.clients.settle?.()
  }

  /**
   * A connection of SQLite detects definitions by other connections only when it reads: a definition alone is
   * not enough.
   */
  async #seeSchema(orm: Call['orm'], { prisma, knex }: Target): Promise<void> {
    if (this.vocabulary.dialect !== 'sqlite') return
    const read = 'SELECT count(*) AS n FROM sqlite_master'
    await (orm === 'knex' ? knex.raw(read) : (prisma as TestPrismaClient).$queryRawUnsafe(read))
  }

  /** One connection belongs to the transaction until it ends. */
  async #session({ enter, calls, leave, ends }: SessionStep): Promise<void> {
    const { prisma, knex } = this.clients
    const act = async (transaction: Knex.Transaction) => {
      await transaction.raw(enter)
      for (const call of calls)
        this.#observations.push(await this.#observe(call, { prisma, knex: transaction }))
      await transaction.raw(leave)
      if (ends === 'rollback') throw new RolledBack('rolled back')
    }
    this.#observations.push(
      await settled(
        () => knex.transaction(act),
        () => 'committed',
      ),
    )
  }

  async #transaction({ orm, steps, ends }: TransactionStep, target: Target): Promise<void> {
    let running: Promise<unknown> | undefined
    let isOver = false
    const act = async (inner: object) => {
      for (const next of steps) await this.#inner(next, { ...target, [orm]: inner })
      if (ends === 'rollback') throw new RolledBack('rolled back')
      return 'committed'
    }
    const body = (inner: object) => {
      const acting = act(inner).finally(() => {
        isOver = true
      })
      running = acting
      return acting
    }
    const hasSavepoints = steps.some(({ kind }) => kind === 'transaction')
    const begin = () =>
      beginTransaction({ orm, target, isNested: target !== this.clients, hasSavepoints }, body)
    const before = this.#observations.length
    const ended = await settled(begin, (value) => value)
    if (running !== undefined && !isOver) {
      // Knex runs the body although the savepoint failed: its results depend on timing.
      await running.catch(() => undefined)
      this.#observations.length = before
    }
    this.#observations.push(ended)
  }

  async #batch(calls: readonly PrismaCall[]): Promise<void> {
    const { prisma } = this.clients
    const describe = (results: readonly unknown[]) =>
      results.map((result, at) => this.#calls.describe(result, calls[at] as PrismaCall)).join('\n')
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

  /** @param isAccompanied - Whether other steps run concurrently with the block. */
  async #reads(
    { isParallel, loops, times }: Reads,
    target: Target,
    isAccompanied = false,
  ): Promise<readonly string[]> {
    const observations: string[] = []
    for (let time = 0; time < times; time++) {
      const calls: Call[] = []
      for (const loop of loops) calls.push(...(await this.#callsOf(loop, target)))
      const regular = calls.filter((call) => !this.#calls.isMishandled(call, target !== this.clients))
      const together = isParallel ? regular : []
      const alone = isAccompanied ? regular : calls
      observations.push(
        ...this.#asFarAsDetermined(
          together,
          await Promise.all(together.map((call) => this.#observe(call, target))),
          target,
        ),
      )
      for (const call of alone)
        if (!together.includes(call)) observations.push(await this.#observe(call, target))
    }
    return observations
  }

  /** In a transaction Prisma sends each tick's calls together: if it rejects one of them, it rejects all. */
  #asFarAsDetermined(calls: readonly Call[], texts: readonly string[], target: Target): readonly string[] {
    if (target === this.clients || !texts.includes(REFUSED)) return texts
    return texts.map((text, at) => (calls[at]?.orm === 'prisma' ? REFUSED : text))
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

  #walk(walk: Walk, target: Target, isAccompanied = false): Promise<readonly string[]> {
    return walkRows(walk, this.#hostOf(walk, target, isAccompanied))
  }

  #hostOf(walk: Walk, target: Target, isAccompanied = false): WalkHost {
    const isBare = target === this.clients
    return {
      observe: (call) => this.#calls.observe(call, target),
      isMishandled: (call) => (isAccompanied || walk.isParallel) && this.#calls.isMishandled(call, !isBare),
      interrupt: (interruption) => this.#interrupt(interruption, target),
    }
  }

  async #interrupt({ isElsewhere, step }: Interruption, target: Target): Promise<void> {
    if (step.kind === 'past') return this.#writePast(step)
    const act = () => this.#inner(step, target)
    await (isElsewhere && target === this.clients ? this.clients.run(act) : act())
  }

  async #writePast({ call, told }: PastWrite): Promise<void> {
    if (this.outsider === undefined) return
    const { prisma } = this.clients
    this.#observations.push(await this.#observe(call, { prisma, knex: this.outsider.knex }))
    await this.outsider.tell(told)
  }

  async #observe(call: Call, target: Target): Promise<string> {
    return (await this.#calls.observe(call, target)).text
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
