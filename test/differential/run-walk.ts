import type { Call, Hop, Interruption, Walk } from './program.ts'
import { type Observed, withKey } from './run-call.ts'

type Row = Observed['rows'][number]

/** The functions that a walk needs from its runner. */
export interface WalkHost {
  observe(call: Call): Promise<Observed>
  /** Whether to skip a call because Prisma itself fails when it runs concurrently with others. */
  isMishandled(call: Call): boolean
  /** Runs the steps between two rows, and records their results itself. */
  interrupt(interruption: Interruption): Promise<void>
}

/** Rows that are followed at each level, because a walk must be deep, not long. */
const MAX_ROWS = [24, 3, 2] as const

/** Follows the rows of a listing; returns the results of each call, in the walk's order. */
export async function walkRows(walk: Walk, host: WalkHost): Promise<readonly string[]> {
  const texts: string[] = []
  for (let time = 0; time < walk.times; time++) {
    const { text, rows } = await host.observe(walk.listing)
    texts.push(text)
    const chosen = chosenRows(rows, walk).slice(0, MAX_ROWS[0])
    if (walk.isParallel)
      texts.push(...(await Promise.all(chosen.map((row) => hopAll(row, walk.hops, 1, host)))).flat())
    else texts.push(...(await walkSingly(chosen, walk, host)))
  }
  return texts
}

async function walkSingly(
  rows: readonly Row[],
  { hops, interruptions }: Walk,
  host: WalkHost,
): Promise<readonly string[]> {
  const texts: string[] = []
  let underWay: Promise<void> | undefined
  for (const [at, row] of rows.entries()) {
    const found = await hopAll(row, hops, 1, host)
    if (underWay === undefined) texts.push(...found)
    await underWay
    underWay = undefined
    const here = interruptions.filter(({ afterRow }) => afterRow === at + 1)
    for (const [turn, interruption] of here.entries()) {
      const running = host.interrupt(interruption)
      if (interruption.overlaps && turn === here.length - 1) underWay = running
      else await running
    }
  }
  await underWay
  return texts
}

/** Follows all rows of a listing twice. The host runs the steps in between. */
export async function walkTwice(
  walk: Walk,
  host: WalkHost,
  between: () => Promise<void>,
): Promise<readonly string[]> {
  const { text, rows } = await host.observe(walk.listing)
  const texts = [text]
  const chosen = chosenRows(rows, walk)
  for (const row of chosen) texts.push(...(await hopAll(row, walk.hops, 1, host)))
  await between()
  for (const row of chosen) texts.push(...(await hopAll(row, walk.hops, 1, host)))
  return texts
}

async function hopAll(row: Row, hops: readonly Hop[], level: number, host: WalkHost): Promise<string[]> {
  const texts: string[] = []
  for (const { call, fields, times, asksNull, next } of hops) {
    const key = fields.map((field) => row[field])
    // A field that was not selected, or a relation without a row.
    if (key.includes(undefined) || (!asksNull && key.includes(null))) continue
    const asked = withKey(call, key)
    if (host.isMishandled(asked)) continue
    for (let time = 0; time < times; time++) {
      const { text, rows } = await host.observe(asked)
      texts.push(text)
      if (time > 0) continue
      const followed = inOwnOrder(rows, call).slice(0, MAX_ROWS[level] ?? 1)
      for (const found of followed) texts.push(...(await hopAll(found, next, level + 1, host)))
    }
  }
  return texts
}

function chosenRows(rows: readonly Row[], { direction, skips, stopsAfter, listing }: Walk): readonly Row[] {
  const kept = inOwnOrder(rows, listing).filter((_, at) => skips === 0 || (at + 1) % skips !== 0)
  if (direction === 'backwards') kept.reverse()
  if (direction === 'shuffled') kept.sort((left, right) => rankOf(left) - rankOf(right))
  return kept.slice(0, stopsAfter)
}

/**
 * If the order is nondeterministic, the walk uses its own order; if the choice of rows is nondeterministic,
 * the walk ends.
 */
function inOwnOrder(rows: readonly Row[], { order }: Call): Row[] {
  if (order === 'doubtful') return []
  return order === 'total'
    ? [...rows]
    : [...rows].sort((left, right) => (textOf(left) < textOf(right) ? -1 : 1))
}

function textOf(row: Row): string {
  return Object.values(row).map(String).join('\n')
}

/** An order that differs from those of the database. */
function rankOf(row: Row): number {
  let rank = 7
  for (const letter of textOf(row)) rank = (rank * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003
  return rank
}
