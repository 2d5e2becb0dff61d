import type {
  ParameterRole,
  StatementUse,
  TableConditions,
  TableUse,
} from '../../../src/database/advisor/table-use.ts'
import { valueText } from '../../sql/tree/tree-text.ts'

/** The uses of a statement, one line each. */
export function useTexts({ uses }: StatementUse): string[] {
  return uses.map((use) => useText(use, uses))
}

function useText(use: TableUse, uses: readonly TableUse[]): string {
  const { table, alias, alternatives, rowComparisons, order, group, isLimited, isExtreme } = use
  const parts = [
    alias === table.name ? alias : `${table.name} ${alias}`,
    conditionsText(use, uses),
    ...alternatives.map((arms) => `(${arms.map((arm) => conditionsText(arm, uses)).join(' | ')})`),
    ...rowComparisons.map(
      ({ columns, operator, values, isAlternatives }) =>
        `[${columns.join(', ')}]${isAlternatives ? ' or' : ''} ${operator} ${values.map(valueText).join(', ')}`,
    ),
    order.length === 0
      ? ''
      : `order ${order.map(({ column, call, collation, isDescending, nulls }) => `${call === undefined ? column : `${call}(${column})`}${collation === undefined ? '' : ` collate ${collation}`}${isDescending ? ' desc' : ''}${nulls === undefined ? '' : ` nulls ${nulls}`}`).join(', ')}`,
    group.length === 0 ? '' : `group ${group.join(', ')}`,
    isLimited ? 'limited' : '',
    isExtreme ? 'first' : '',
  ]
  return parts.filter((part) => part !== '').join('; ')
}

function conditionsText({ conditions, joins }: TableConditions, uses: readonly TableUse[]): string {
  return [
    ...conditions.map(({ column, call, collation, isCast, operator, negated, values, isSubquery }) => {
      const term = `${call === undefined ? column : `${call}(${column})`}${isCast ? '::' : ''}${collation === undefined ? '' : ` collate ${collation}`}`
      return `${term} ${negated ? 'not ' : ''}${operator} ${isSubquery ? '{}' : values.map(valueText).join(', ')}`.trim()
    }),
    ...joins.map(
      ({ column, other }) =>
        `${column} -> ${other === undefined ? '?' : `${uses[other.use]?.alias}.${other.column}`}`,
    ),
  ].join(' & ')
}

export function roleText(role: ParameterRole | undefined): string {
  if (role === undefined) return '-'
  if (role.kind === 'limit' || role.kind === 'offset') return role.kind
  if (role.kind === 'written') return `${role.table.name}.${role.column} written`
  return `${role.table.name}.${role.column} ${role.operator}${role.isUpperBound ? ' upper' : ''}${role.isArray ? ' array' : ''}${role.around === undefined ? '' : ` in ${role.around.before}_${role.around.after}`}`
}
