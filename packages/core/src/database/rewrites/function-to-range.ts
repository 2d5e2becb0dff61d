import type { ConditionNode, QueryTree } from '../../sql/tree/query-tree.ts'
import { createIndexSql } from '../fixes/index-statements.ts'
import type { IndexDefinition } from '../index-definition.ts'
import { indexNameOf } from '../names.ts'
import type { Rewrite, RewriteSource } from './rewrite.ts'
import { SqlParts } from './sql-parts.ts'
import { readTimeCall, type TimeCall } from './time-calls.ts'
import { type PeriodEnds, periodEnds } from './time-periods.ts'
import { blocksOf, columnIn, conditionsOf, eachCondition, type FoundColumn } from './tree-walk.ts'

/** A function around a column hides it from its index; a range of the column says the same. */
export function functionToRange(source: RewriteSource): readonly Rewrite[] {
  const { tree } = source
  const found: Rewrite[] = []
  for (const block of blocksOf(tree.root)) {
    for (const condition of eachCondition(conditionsOf(block))) {
      const call = readTimeCall(tree, condition)
      const column = call === undefined ? undefined : foundColumn(source, block, call)
      if (call === undefined || column === undefined || !isOwnColumnOnly(condition)) continue
      const rewrite = rewritten(source, condition, call, column)
      if (rewrite !== undefined) found.push(rewrite)
    }
  }
  return found
}

/** Whether a condition names no column but the function's. */
function isOwnColumnOnly(condition: ConditionNode): boolean {
  if (condition.kind === 'opaque') return condition.columns.length === 1 && condition.subqueries.length === 0
  return condition.kind === 'comparison' && condition.other === undefined && condition.dependsOn === undefined
}

function foundColumn(
  { tree, index }: RewriteSource,
  block: Parameters<typeof columnIn>[0],
  { column: range }: TimeCall,
): FoundColumn | undefined {
  const names = tree.tokens.slice(range.start, range.end).filter(({ text }) => text !== '.')
  const folded = names.map(({ kind, text }) =>
    kind === 'word' && tree.dialect === 'postgresql' ? text.toLowerCase() : text,
  )
  const [column = '', table] = [folded.at(-1), folded.at(-2)]
  const found = columnIn(block, table === undefined ? { column } : { table, column }, index)
  const isTime =
    found?.column.type === 'datetime' || (tree.dialect === 'sqlite' && found?.column.type === 'text')
  return isTime ? found : undefined
}

function rewritten(
  source: RewriteSource,
  condition: ConditionNode,
  call: TimeCall,
  found: FoundColumn,
): Rewrite | undefined {
  const { tree } = source
  const parts = new SqlParts(tree)
  const column = parts.text(call.column)
  const ends = call.values.map((value) =>
    periodEnds(call, parts.text(value), { dialect: tree.dialect, column: found.column }),
  )
  if (!ends.every((end) => end !== undefined)) return undefined
  const [first, last] = [ends[0], ends.at(-1)] as [PeriodEnds, PeriodEnds]
  const text = rangeText(column, call.operator, first, last)
  const caveats = [...new Set(ends.flatMap((end) => end.caveats))]
  if (tree.dialect === 'mysql' && hasParameter(tree, call) && text.split('?').length > call.values.length + 1)
    caveats.push('The value is bound twice.')
  const { indexes, ddl } = indexFor(source, found)
  return {
    rule: 'function-to-range',
    title: `A range of ${found.column.name} instead of a function of it`,
    before: tree.sql,
    after: parts.all([{ start: condition.start, end: condition.end, text: `(${text})` }]),
    ddl,
    indexes,
    isEquivalent: caveats.length === 0,
    why: `An index on ${found.column.name} is ordered by its values, and does not contain the results of ${call.name}().`,
    caveats,
  }
}

function hasParameter({ tokens }: QueryTree, { values }: TimeCall): boolean {
  return values.some(({ start, end }) => tokens.slice(start, end).some(({ kind }) => kind === 'parameter'))
}

/** A range from the first value's period to the last value's. */
function rangeText(
  column: string,
  operator: TimeCall['operator'],
  { low, next }: PeriodEnds,
  last: PeriodEnds,
): string {
  switch (operator) {
    case '=':
    case 'between':
      return `${column} >= ${low} AND ${column} < ${last.next}`
    case '>=':
      return `${column} >= ${low}`
    case '>':
      return `${column} >= ${next}`
    case '<':
      return `${column} < ${low}`
    case '<=':
      return `${column} < ${next}`
  }
}

/** The index that the range needs, if there is none. */
function indexFor(
  { index: { snapshot } }: RewriteSource,
  { table, column }: FoundColumn,
): Required<Pick<Rewrite, 'indexes' | 'ddl'>> {
  const isIndexed = table.indexes.some(({ keys }) =>
    keys.some((key) => key.column === column.name && key.expression === undefined),
  )
  if (isIndexed) return { indexes: [], ddl: [] }
  const index: IndexDefinition = {
    table: table.id,
    keys: [{ column: column.name }],
    method: 'btree',
    isUnique: false,
  }
  const name = indexNameOf(table.name, [column.name], 'idx')
  return { indexes: [index], ddl: [createIndexSql(snapshot, table, index, name).replace(/;$/, '')] }
}
