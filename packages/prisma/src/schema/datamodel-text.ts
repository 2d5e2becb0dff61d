/** What only the text of a Prisma schema tells. */
export interface DatamodelText {
  /** The names of its `view` blocks. */
  readonly views: ReadonlySet<string>
  readonly relationMode: 'foreignKeys' | 'prisma'
}

/** String literals are matched first, so that `//` within one opens no comment. */
const STRING_OR_COMMENT = /"(?:\\.|[^"\\\n])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g

/** Reads the text of a schema, all of its files joined, as a generator gets it. */
export function readDatamodelText(text: string): DatamodelText {
  const bare = text.replace(STRING_OR_COMMENT, (match) => (match.startsWith('"') ? match : ' '))
  const views = new Set([...bare.matchAll(/^[ \t]*view\s+(\w+)\s*\{/gm)].flatMap(([, name]) => name ?? []))
  const datasource = /^[ \t]*datasource\s+\w+\s*\{([^}]*)\}/m.exec(bare)?.[1] ?? ''
  return { views, relationMode: /^\s*relationMode\s*=\s*"prisma"/m.test(datasource) ? 'prisma' : 'foreignKeys' }
}
