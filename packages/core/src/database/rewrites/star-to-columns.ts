import { quoteName } from '../../sql/dialect.ts'
import type { Rewrite, RewriteSource } from './rewrite.ts'
import { SqlParts } from './sql-parts.ts'
import { tableOf } from './tree-walk.ts'

/** Names the columns that `*` stands for, so that those that nobody reads can be left out. */
export function starToColumns({ tree, index, minColumns }: RewriteSource): readonly Rewrite[] {
  const { root, dialect } = tree
  if (root.kind !== 'select' || !root.outputs.some(({ star }) => star !== undefined)) return []
  // There `*` names a column of both sides once.
  if (root.from.some(({ using, isNatural }) => using.length > 0 || isNatural === true)) return []
  const edits = root.outputs.flatMap(({ star, start, end }) => {
    if (star === undefined) return []
    const { of } = star
    const items = of === undefined ? root.from : root.from.filter(({ alias }) => index.fold(alias) === index.fold(of))
    const columns = items.map((item) =>
      tableOf(item, index)?.columns.map(
        ({ name }) => (root.from.length === 1 ? '' : `${quoteName(item.alias, dialect)}.`) + quoteName(name, dialect),
      ),
    )
    return columns.length > 0 && columns.every((names) => names !== undefined) && columns.flat().length >= minColumns
      ? [{ start, end, text: columns.flat().join(', ') }]
      : [undefined]
  })
  if (!edits.every((edit) => edit !== undefined)) return []
  return [
    {
      rule: 'star-to-columns',
      title: 'Name the columns',
      before: tree.sql,
      after: new SqlParts(tree).all(edits),
      ddl: [],
      isEquivalent: true,
      why: 'Columns that nobody reads are read from disk, sent and parsed all the same, and an index that has all that is asked cannot answer alone.',
      caveats: [
        'As it stands it names every column: leave out what the app does not read. A column that is added later does not come by itself.',
      ],
    },
  ]
}
