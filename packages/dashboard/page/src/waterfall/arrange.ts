import type { Tick, WaterfallRow } from '../../../src/protocol/index.ts'

export interface WaterfallLine {
  readonly row: WaterfallRow
  /** 0 is the left edge. */
  readonly depth: number
  /**
   * For each ancestor level, whether a sibling follows below this line. The last entry is for the line
   * itself.
   */
  readonly continues: readonly boolean[]
  /** Statements of this operation, shown when it is opened. */
  readonly statements: readonly WaterfallRow[]
}

/**
 * Arranges rows as lines from top to bottom: each below its parent, in order of their start. The statements
 * of an operation are stored in its line. Statements without an operation are separate lines.
 */
export function arrangeRows(rows: readonly WaterfallRow[]): WaterfallLine[] {
  const byId = new Map(rows.map((row) => [row.id, row]))
  const children = new Map<number | null, WaterfallRow[]>()
  const statements = new Map<number, WaterfallRow[]>()
  for (const row of [...rows].sort((left, right) => left.startMs - right.startMs || left.id - right.id)) {
    const parent = row.parent === null || row.parent === row.id ? undefined : byId.get(row.parent)
    const isOwned = row.level === 'statement' && parent?.level === 'operation'
    if (isOwned) push(statements, parent.id, row)
    else push(children, parent?.id ?? null, row)
  }
  const lines: WaterfallLine[] = []
  const seen = new Set<number>()
  const add = (row: WaterfallRow, depth: number, continues: readonly boolean[]): void => {
    if (seen.has(row.id)) return
    seen.add(row.id)
    lines.push({ row, depth, continues, statements: statements.get(row.id) ?? [] })
    const own = children.get(row.id) ?? []
    for (const [index, child] of own.entries()) {
      const hasNext = index < own.length - 1
      if (depth < MAX_DEPTH) add(child, depth + 1, [...continues, hasNext])
      else add(child, depth, continues)
    }
  }
  for (const row of children.get(null) ?? []) add(row, 0, [])
  // Rows that are each other's parents are not reachable from a root, but must be shown.
  for (const row of rows) if (row.level === 'operation') add(row, 0, [])
  return lines
}

const MAX_DEPTH = 6

function push<K>(map: Map<K, WaterfallRow[]>, key: K, row: WaterfallRow): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [row])
  else list.push(row)
}

export interface Bar {
  /** Pixels. */
  readonly x: number
  readonly width: number
}

const LEAST_WIDTH = 2

/**
 * Returns the position of a bar on an axis of `width` pixels and `totalMs`: at least 2 pixels wide, and
 * within the axis.
 */
export function barOf(startMs: number, durationMs: number, totalMs: number, width: number): Bar {
  const scale = totalMs > 0 ? width / totalMs : 0
  const wide = Math.min(width, Math.max(LEAST_WIDTH, durationMs * scale))
  const x = Math.max(0, Math.min(startMs * scale, width - wide))
  return { x: round(x), width: round(wide) }
}

/**
 * Draws ticks as one SVG path of rectangles. Ticks that would touch become one rectangle, because they cannot
 * be distinguished at this width.
 */
export function ticksPath(ticks: readonly Tick[], totalMs: number, width: number, height: number): string {
  const bars = ticks
    .map(([startMs, durationMs]) => barOf(startMs, durationMs, totalMs, width))
    .sort((left, right) => left.x - right.x)
  const merged: { x: number; end: number }[] = []
  for (const { x, width: wide } of bars) {
    const last = merged.at(-1)
    if (last !== undefined && x < last.end + 0.5) last.end = Math.max(last.end, x + wide)
    else merged.push({ x, end: x + wide })
  }
  return merged.map(({ x, end }) => `M${round(x)} 0h${round(end - x)}v${height}h${round(x - end)}z`).join('')
}

/** Returns at most `most` round steps for an axis that starts at 0. */
export function axisSteps(totalMs: number, most: number): readonly number[] {
  if (!(totalMs > 0) || most < 1) return [0]
  const rough = totalMs / most
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough
  return Array.from({ length: Math.floor(totalMs / step) + 1 }, (_, index) =>
    Number((index * step).toPrecision(6)),
  )
}

/** Maximum width of a step's label, in pixels. */
const LABEL = 48

/** Whether a step is so close to the end of the axis that its label does not fit. */
export function isNearEnd(step: number, totalMs: number, width: number): boolean {
  return step > 0 && barOf(step, 0, totalMs, width).x > width - LABEL
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
