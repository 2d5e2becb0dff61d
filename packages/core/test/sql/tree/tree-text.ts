import type {
  ColumnName,
  ColumnTerm,
  ConditionNode,
  FromItem,
  OrderTerm,
  OutputTerm,
  QueryBlock,
  ValueTerm,
} from '../../../src/sql/tree/query-tree.ts'

/**
 * A block as one line in a separate notation: short, and different enough from SQL to show what was
 * understood.
 */
export function blockText(block: QueryBlock): string {
  const {
    kind,
    arms,
    isAll,
    from,
    where,
    having,
    groupBy,
    orderBy,
    outputs,
    isDistinct,
    distinctOn,
    limit,
    offset,
    subqueries,
  } = block
  const parts = [
    kind === 'set-operation' ? `${isAll ? 'all' : 'set'}[${arms.map(blockText).join(' | ')}]` : kind,
    block.isFenced ? 'fenced' : '',
    isDistinct ? `distinct${distinctOn.length > 0 ? ` on ${distinctOn.map(orderText).join(', ')}` : ''}` : '',
    kind !== 'set-operation' && outputs.length > 0 ? outputs.map(outputText).join(', ') : '',
    from.length > 0 ? `from ${from.map(itemText).join('; ')}` : '',
    where.length > 0 ? `where ${conditionsText(where)}` : '',
    groupBy.length > 0 ? `group ${groupBy.map(orderText).join(', ')}` : '',
    having.length > 0 ? `having ${conditionsText(having)}` : '',
    orderBy.length > 0 ? `order ${orderBy.map(orderText).join(', ')}` : '',
    limit === undefined ? '' : `limit ${valueText(limit)}`,
    offset === undefined ? '' : `offset ${valueText(offset)}`,
    subqueries.length > 0 ? `with ${subqueries.map((found) => `{${blockText(found)}}`).join(' ')}` : '',
  ]
  return parts.filter((part) => part !== '').join(' ')
}

export function conditionsText(conditions: readonly ConditionNode[]): string {
  return conditions.map(conditionText).join(' & ')
}

function conditionText(node: ConditionNode): string {
  switch (node.kind) {
    case 'or':
      return `(${node.arms.map(conditionsText).join(' | ')})`
    case 'exists':
      return `${node.negated ? 'not ' : ''}exists {${blockText(node.subquery)}}`
    case 'opaque':
      return `opaque(${[...node.columns.map(nameText), ...node.subqueries.map((found) => `{${blockText(found)}}`)].join(', ')})`
    case 'row':
      return `[${node.columns.map(termText).join(', ')}] ${node.operator} ${node.values.map(valueText).join(', ')}`
    case 'comparison': {
      const values = node.values.map(valueText).join(', ')
      const subquery =
        node.subquery === undefined
          ? ''
          : `{${blockText(node.subquery)}}${node.output === undefined ? '' : `.${node.output}`}`
      const right = node.other !== undefined ? nameText(node.other) : subquery || values
      const operator = `${node.negated ? 'not ' : ''}${node.isNullSafe ? 'null-safe ' : ''}${node.operator}`
      return `${termText(node.column)} ${operator} ${right}`.trim()
    }
  }
}

export function valueText(term: ValueTerm): string {
  if (term.kind === 'parameter') return `#${term.place}${term.isArray ? '[]' : ''}`
  if (term.kind === 'pattern') return `${term.before}#${term.place}${term.after}`
  return term.kind === 'literal' ? term.text : '…'
}

function nameText({ schema, table, column }: ColumnName): string {
  return [schema, table, column].filter((part) => part !== undefined).join('.')
}

function termText(term: ColumnTerm): string {
  const { call, cast, collation } = term
  const cased = call === undefined ? nameText(term) : `${call}(${nameText(term)})`
  return `${cased}${cast === undefined ? '' : `::${cast}`}${collation === undefined ? '' : ` collate ${collation}`}`
}

function orderText({ column, descending, nulls }: OrderTerm): string {
  return `${column === undefined ? '…' : termText(column)}${descending ? ' desc' : ''}${nulls === undefined ? '' : ` nulls ${nulls}`}`
}

function outputText({ name, column, star, aggregate }: OutputTerm): string {
  if (star !== undefined) return star.of === undefined ? '*' : `${star.of}.*`
  const what = column === undefined ? (aggregate === undefined ? '…' : `${aggregate}()`) : nameText(column)
  return name === undefined || name === column?.column ? what : `${what} as ${name}`
}

function itemText({
  join,
  table,
  alias,
  subquery,
  columnNames,
  isFunction,
  isLateral,
  on,
  using,
  isNatural,
}: FromItem): string {
  const what =
    subquery === undefined
      ? (table?.join('.') ?? (isFunction ? 'function' : 'itself'))
      : `{${blockText(subquery)}}`
  const named = alias === '' || alias === table?.at(-1) ? '' : ` as ${alias}`
  const names = columnNames === undefined ? '' : `(${columnNames.join(', ')})`
  const condition =
    on.length > 0 ? ` on ${conditionsText(on)}` : using.length > 0 ? ` using ${using.join(', ')}` : ''
  return `${join === 'cross' ? '' : `${join} `}${isNatural ? 'natural ' : ''}${isLateral ? 'lateral ' : ''}${what}${named}${names}${condition}`
}
