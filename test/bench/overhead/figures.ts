import type { Compared } from '../lockstep.ts'
import { formatRange, type Range, type RangedFigure } from '../range.ts'
import { PEERS, type Variant } from './contenders.ts'
import type { ProgramName } from './programs.ts'
import { flagOf } from './selection.ts'

/** CPU of a scope relative to the app without Sluice. */
interface Target {
  readonly warm: number
  readonly cold?: number
}

const OPTIMIZE: Target = { warm: 1.18, cold: 1.35 }
const TARGETS: Readonly<Partial<Record<Variant, Target>>> = {
  observe: { warm: 1.1, cold: 1.25 },
  optimize: OPTIMIZE,
  'optimize, cache': OPTIMIZE,
  development: { warm: 1.25 },
}

/**
 * Range of the CPU reported by statistics relative to the CPU that Sluice adds, if it adds more than the
 * noise of a run. Added CPU includes promises, asynchronous context and garbage collection.
 */
const LEAST_TOLD = 0.25
const MOST_TOLD = 1.5
const LEAST_ADDED = 0.1

/** The results of one ORM, database and program. */
export interface Cell {
  readonly prefix: string
  readonly program: ProgramName
  readonly of: ReadonlyMap<Variant, Compared>
}

/** The figures of a cell with a target. */
export function figuresOf({ prefix, program, of }: Cell): readonly RangedFigure[] {
  const bare = of.get('bare')?.cpuUs ?? Number.NaN
  const figure = (id: string, range: Range, target: number, least = 0): RangedFigure => {
    const value = range.median
    const ok = value >= least && value <= target
    return {
      area: 'overhead',
      id: `${prefix}.${id}`,
      value,
      range,
      unit: '×',
      target,
      ok,
      against: { bare },
    }
  }
  const cheapestPeer = Math.min(...PEERS.flatMap((peer) => of.get(peer)?.warm.median ?? []))
  return Object.entries(TARGETS).flatMap(([name, { warm, cold }]) => {
    const variant = name as Variant
    const measured = of.get(variant)
    // `optimize` batches concurrent reads, which is a gain and not a target.
    if (measured === undefined || (program === 'all20' && variant.startsWith('optimize'))) return []
    const id = flagOf(variant)
    const figures = [figure(`${id}.warm`, measured.warm, warm)]
    if (cold !== undefined) figures.push(figure(`${id}.cold`, measured.cold, cold))
    if (variant !== 'development' && Number.isFinite(cheapestPeer))
      figures.push(figure(`${id}-over-cheapest-peer`, over(measured.warm, cheapestPeer), 1))
    const added = measured.warm.median - 1
    if (measured.toldUs !== undefined && variant !== 'development' && added >= LEAST_ADDED) {
      const told = over(
        { median: measured.toldUs, least: measured.toldUs, most: measured.toldUs },
        added * bare,
      )
      figures.push(figure(`${id}.told-of-added`, told, MOST_TOLD, LEAST_TOLD))
    }
    return figures
  })
}

function over({ median, least, most }: Range, divisor: number): Range {
  return { median: median / divisor, least: least / divisor, most: most / divisor }
}

export function printCell(title: string, { of }: Cell): void {
  console.log(`\n${title}`)
  for (const [variant, { cpuUs, warm, cold, toldUs }] of of) {
    const told = toldUs === undefined ? '' : `   ${toldUs.toFixed(1)} µs in Sluice, by its statistics`
    console.log(
      `  ${variant.padEnd(18)} ${cpuUs.toFixed(1).padStart(8)} µs CPU   warm × ${formatRange(warm)}   cold × ${formatRange(cold)}${told}`,
    )
  }
}
