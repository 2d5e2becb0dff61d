import { type TableId, tableId } from '../../schema/catalog-data.ts'
import { SqlSyntaxError } from '../../sql/syntax-error.ts'
import { tokenize } from '../../sql/tokenize.ts'
import type { PlanStep, PlanSummary } from './plan-summary.ts'

/** A node of `EXPLAIN (FORMAT JSON)`, as far as it is read. */
interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly Schema?: string
  readonly Alias?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly 'TID Cond'?: string
  readonly Filter?: string
  readonly Strategy?: string
  readonly Operation?: string
  readonly 'Plan Rows'?: number
  readonly 'Total Cost'?: number
  readonly 'Actual Rows'?: number
  readonly 'Actual Loops'?: number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly 'Parent Relationship'?: string
  readonly Plans?: readonly PlanNode[]
}

const SCANS: Readonly<Record<string, PlanStep['access']>> = {
  'Seq Scan': 'full-scan',
  'Sample Scan': 'full-scan',
  'Index Scan': 'index-scan',
  'Index Only Scan': 'index-only-scan',
  'Bitmap Heap Scan': 'bitmap',
  'Tid Scan': 'key',
  'Tid Range Scan': 'key',
  'Foreign Scan': 'other',
}

/** Nodes that read all of their input before they return a row: a LIMIT above them saves nothing below. */
const BLOCKING = new Set(['Sort', 'Aggregate', 'Hash', 'SetOp', 'WindowAgg', 'Materialize'])
const KEEPING = new Set(['Hash', 'Materialize', 'Memoize', 'SetOp', 'Recursive Union', 'Table Function Scan'])

/**
 * Reads a plan of PostgreSQL.
 *
 * @param answer - Parsed result of `EXPLAIN (FORMAT JSON, VERBOSE)`.
 * @param rowsOf - Number of rows of a table, if it is known: a plan only contains the rows that pass its
 * filter.
 */
export function readPostgresqlPlan(
  answer: unknown,
  rowsOf: (table: TableId) => number | undefined = () => undefined,
): PlanSummary {
  const [top] = answer as readonly { readonly Plan: PlanNode; readonly 'Execution Time'?: number }[]
  if (top === undefined) return { steps: [], sorts: 0, temporaryStructures: 0, raw: answer }
  const reader = new PlanReader(rowsOf)
  reader.read(top.Plan, 1, 1)
  const { Plan: root } = top
  return {
    ...(root['Total Cost'] === undefined ? {} : { cost: root['Total Cost'] }),
    rowsScanned: Math.round(reader.scanned),
    rowsReturned: Math.round(rowsOfNode(root)),
    ...(top['Execution Time'] === undefined ? {} : { executionTime: top['Execution Time'] }),
    steps: reader.steps,
    sorts: reader.sorts,
    temporaryStructures: reader.temporaryStructures,
    raw: answer,
  }
}

function rowsOfNode(node: PlanNode): number {
  return node['Actual Rows'] ?? node['Plan Rows'] ?? 0
}

class PlanReader {
  readonly steps: PlanStep[] = []
  scanned = 0
  sorts = 0
  temporaryStructures = 0

  constructor(private readonly rowsOf: (table: TableId) => number | undefined) {}

  /**
   * @param loops - Estimated number of executions of the node.
   * @param share - Share of its rows that a LIMIT above needs.
   */
  read(node: PlanNode, loops: number, share: number): void {
    const type = node['Node Type']
    if (type === 'Sort' || type === 'Incremental Sort') this.sorts++
    const isHashed = type === 'Aggregate' && node.Strategy !== 'Plain' && node.Strategy !== 'Sorted'
    if (KEEPING.has(type) || isHashed || node['Parent Relationship'] === 'InitPlan')
      this.temporaryStructures++
    const access = SCANS[type]
    if (access !== undefined) this.#scan(node, access, loops, share)
    const children = node.Plans ?? []
    const [outer] = children
    for (const child of children) {
      // The inputs of a bitmap were read with it.
      if (access === 'bitmap') continue
      const isInner = child['Parent Relationship'] === 'Inner' && type === 'Nested Loop'
      const outerRows = Math.max(1, (outer === undefined ? 1 : (outer['Plan Rows'] ?? 1)) * share)
      this.read(child, isInner ? loops * outerRows : loops, shareOf(node, child, isInner ? 1 : share))
    }
  }

  #scan(node: PlanNode, access: PlanStep['access'], loops: number, share: number): void {
    const name = node['Relation Name']
    const table = name === undefined ? undefined : tableId('postgresql', node.Schema, name, 'public')
    const parts = access === 'bitmap' ? bitmapParts(node) : [node]
    const condition =
      access === 'full-scan'
        ? undefined
        : (parts.map((part) => part['Index Cond']).find((text) => text !== undefined) ?? node['TID Cond'])
    const alias = node.Alias ?? name ?? ''
    const runs = node['Actual Loops'] ?? loops
    const yielded = rowsOfNode(node)
    const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
    const isMeasured = node['Actual Rows'] !== undefined
    const all = access === 'full-scan' && table !== undefined && !isMeasured ? this.rowsOf(table) : undefined
    this.scanned += Math.max(all ?? 0, yielded + removed) * runs * (isMeasured ? 1 : share)
    const searchedBy = condition === undefined ? [] : columnsIn(condition, alias)
    const index = parts.map((part) => part['Index Name']).find((text) => text !== undefined)
    this.steps.push({
      table,
      name: alias,
      access: access === 'index-scan' && condition !== undefined ? 'index-search' : access,
      ...(index === undefined ? {} : { index }),
      ...(searchedBy.length === 0 ? {} : { searchedBy }),
      rows: yielded,
      loops: runs,
      ...(node.Filter === undefined ? {} : { filter: node.Filter }),
    })
  }
}

/** A LIMIT takes the first of its input; what gives rows as it goes passes that on. */
function shareOf(node: PlanNode, child: PlanNode, share: number): number {
  const type = node['Node Type']
  if (type === 'Limit') return Math.min(1, (node['Plan Rows'] ?? 1) / Math.max(1, child['Plan Rows'] ?? 1))
  const isInner = child['Parent Relationship'] === 'Inner' && type !== 'Nested Loop'
  return BLOCKING.has(type) || isInner ? 1 : share
}

function bitmapParts(node: PlanNode): PlanNode[] {
  return (node.Plans ?? []).flatMap((child) =>
    child['Node Type'] === 'Bitmap Index Scan' ? [child] : bitmapParts(child),
  )
}

/** The columns of `alias` that a condition names. */
function columnsIn(condition: string, alias: string): string[] {
  try {
    const tokens = tokenize(condition, 'postgresql')
    const isOwn = (at: number) => tokens[at - 1]?.text !== '.' || tokens[at - 2]?.text === alias
    const names = tokens.filter(
      ({ kind }, at) =>
        (kind === 'word' || kind === 'quoted') &&
        tokens[at - 1]?.text === '.' &&
        isOwn(at) &&
        tokens[at + 1]?.text !== '(',
    )
    // A bitmap's condition names no table.
    const bare = tokens.filter(
      ({ kind }, at) =>
        (kind === 'word' || kind === 'quoted') && /^[=<>~!@&|]|^\)|^::/.test(tokens[at + 1]?.text ?? ''),
    )
    return [...new Set((names.length > 0 ? names : bare).map(({ text }) => text))]
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return []
  }
}
