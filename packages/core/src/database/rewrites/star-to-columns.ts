import { quoteName } from '../../sql/dialect.ts'
import { type Rewrite, type RewriteSource, SqlParts, tableOfItem } from './rewrite.ts'

/** Replaces `*` by the names of the columns, so that unused ones can be removed. */
export function starToColumns({ tree, index }: RewriteSource): readonly Rewrite[] {
  const { root, dialect } = tree
  if (root.kind !== 'select' || !root.outputs.some(({ star }) => star !== undefined)) return []
  // There `*` names a column of both sides once.
  if (root.from.some(({ using, isNatural }) => using.length > 0 || isNatural === true)) return []
  const edits = root.outputs.flatMap(({ star, start, end }) => {
    if (star === undefined) return []
    const { of } = star
    const items =
      of === undefined ? root.from : root.from.filter(({ alias }) => index.fold(alias) === index.fold(of))
    const columns = items.map((item) =>
      tableOfItem(item, index)?.columns.map(
        ({ name }) =>
          (root.from.length === 1 ? '' : `${quoteName(item.alias, dialect)}.`) + quoteName(name, dialect),
      ),
    )
    return columns.every((names) => names !== undefined) && columns.flat().length > 0
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
      why: 'Unused columns are still read from disk, sent and parsed, and the query cannot be served by an index alone.',
      caveats: [
        'The rewrite lists every column: remove those that the app does not read. A column that is added later is not included automatically.',
      ],
    },
  ]
}
