import { type Dialect, quoteName } from '../../sql/dialect.ts'
import type { ComparisonNode, ValueTerm } from '../../sql/tree/query-tree.ts'
import type { DatabaseSnapshot } from '../inspectors/database-snapshot.ts'
import {
  blocksOf,
  columnIn,
  eachCondition,
  type FoundColumn,
  quoteTable,
  type Rewrite,
  type RewriteSource,
  SqlParts,
} from './rewrite.ts'

interface Search {
  readonly source: RewriteSource
  readonly condition: ComparisonNode
  readonly found: FoundColumn
}

/** `LIKE '%x%'`: an index in the order of values does not know where one has its middle. */
export function substringSearch(source: RewriteSource): readonly Rewrite[] {
  const { tree, index } = source
  const found: Rewrite[] = []
  for (const block of blocksOf(tree.root)) {
    for (const condition of eachCondition(block.where)) {
      if (condition.kind !== 'comparison' || condition.negated || condition.column.call !== undefined)
        continue
      if (condition.operator !== 'like' && condition.operator !== 'ilike') continue
      const column = columnIn(block, condition.column, index)
      if (column === undefined || !startsAnywhere(condition.values[0], source.bindings)) continue
      const rewrite = byDialect[tree.dialect]({ source, condition, found: column })
      if (rewrite !== undefined) found.push(rewrite)
    }
  }
  return found
}

const byDialect: Readonly<Record<Dialect, (search: Search) => Rewrite | undefined>> = {
  postgresql: trigrams,
  sqlite: fts5,
  mysql: fulltext,
}

/** Whether a pattern begins with a wildcard: as written, or as it was seen. */
function startsAnywhere(value: ValueTerm | undefined, bindings: readonly unknown[] | undefined): boolean {
  if (value?.kind === 'pattern') return /^[%_]/.test(value.before)
  if (value?.kind === 'literal') return /^'[%_]/.test(value.text)
  const seen = value?.kind === 'parameter' ? bindings?.[value.place] : undefined
  return typeof seen === 'string' && /^[%_]/.test(seen)
}

function base({ source, found }: Search): Pick<Rewrite, 'rule' | 'before' | 'why'> {
  return {
    rule: 'substring-search',
    before: source.tree.sql,
    why: `The pattern begins with a wildcard, so every ${found.column.name} of ${found.table.name} is compared with it.`,
  }
}

function trigrams(search: Search): Rewrite | undefined {
  const { source, found, condition } = search
  const { snapshot } = source.index
  // Only text has trigrams; a cast would have to be in the index.
  if (found.column.type !== 'text' && found.column.type !== 'collated') return undefined
  if (condition.column.cast !== undefined && condition.column.cast !== 'text') return undefined
  if (hasTrigrams(found)) return undefined
  const isInstalled = snapshot.extensions.installed.includes('pg_trgm')
  const table = quoteTable(found.table, 'postgresql', snapshot.defaultSchema)
  const column = quoteName(found.column.name, 'postgresql')
  const name = quoteName(`${found.table.name}_${found.column.name}_trgm`.slice(0, 63), 'postgresql')
  return {
    ...base(search),
    title: 'An index of trigrams',
    after: source.tree.sql,
    ddl: [
      ...(isInstalled ? [] : (['CREATE EXTENSION IF NOT EXISTS pg_trgm'] as const)),
      `CREATE INDEX CONCURRENTLY ${name} ON ${table} USING gin (${column} gin_trgm_ops)`,
    ],
    isEquivalent: true,
    caveats: [
      'The statement does not change. Patterns with fewer than 3 consecutive letters do not use the index.',
      ...(isInstalled || snapshot.extensions.available.includes('pg_trgm')
        ? []
        : ['The server does not offer the extension pg_trgm: it has to be installed first.']),
    ],
  }
}

function hasTrigrams({ table, column }: FoundColumn): boolean {
  return table.indexes.some(({ keys }) =>
    keys.some((key) => key.column === column.name && key.operatorClass?.includes('trgm') === true),
  )
}

/** FTS5's trigrams serve LIKE itself, and matches are compared with the pattern again. */
function fts5(search: Search): Rewrite | undefined {
  const { source, condition, found } = search
  const { table, column } = found
  const { tree, index } = source
  const tokens = tree.tokens.slice(condition.start, condition.end)
  if (
    table.isClustered === true ||
    !isAtLeast(index.snapshot, 3, 34) ||
    tokens.some(({ upper }) => upper === 'ESCAPE')
  )
    return undefined
  const key =
    table.primaryKey.length === 1 ? table.columns.find(({ name }) => name === table.primaryKey[0]) : undefined
  if (key?.databaseType.toUpperCase() !== 'INTEGER') return undefined
  const quote = (name: string) => quoteName(name, 'sqlite')
  const fts = `${table.name}_${column.name}_fts`
  const parts = new SqlParts(tree)
  const like = tree.tokens.findIndex(({ upper }, at) => at >= condition.start && upper === 'LIKE')
  if (like < 0 || like >= condition.end) return undefined
  const pattern = parts.text({ start: like + 1, end: condition.end })
  const [id, value] = [quote(key.name), quote(column.name)]
  const insert = `INSERT INTO ${quote(fts)} (rowid, ${value}) VALUES (new.${id}, new.${value});`
  const remove = `INSERT INTO ${quote(fts)} (${quote(fts)}, rowid, ${value}) VALUES ('delete', old.${id}, old.${value});`
  const trigger = (event: string, body: string) =>
    `CREATE TRIGGER ${quote(`${fts}_${event.toLowerCase()}`)} AFTER ${event} ON ${quote(table.name)} BEGIN ${body} END`
  const literal = (name: string) => `'${name.replaceAll("'", "''")}'`
  return {
    ...base(search),
    title: 'An FTS5 table of trigrams',
    after: parts.all([
      {
        start: condition.start,
        end: condition.end,
        text: `${quote(found.item.alias)}.${id} IN (SELECT rowid FROM ${quote(fts)} WHERE ${value} LIKE ${pattern})`,
      },
    ]),
    ddl: [
      `CREATE VIRTUAL TABLE ${quote(fts)} USING fts5(${value}, content=${literal(table.name)}, content_rowid=${literal(key.name)}, tokenize='trigram')`,
      `INSERT INTO ${quote(fts)} (${quote(fts)}) VALUES ('rebuild')`,
      trigger('INSERT', insert),
      trigger('DELETE', remove),
      trigger('UPDATE', `${remove} ${insert}`),
    ],
    isEquivalent: true,
    caveats: [
      'Triggers maintain the FTS5 table, so each write of the table is more expensive.',
      'Patterns with fewer than 3 consecutive letters read the whole FTS5 table.',
    ],
  }
}

function fulltext(search: Search): Rewrite | undefined {
  const { source, condition, found } = search
  const { tree, index } = source
  const [value] = condition.values
  const isMysql = index.snapshot.product === 'mysql'
  if (condition.operator !== 'like' || (found.column.type !== 'text' && found.column.type !== 'collated'))
    return undefined
  const term = searched(value)
  if (
    term === undefined ||
    tree.tokens.slice(condition.start, condition.end).some(({ upper }) => upper === 'ESCAPE')
  )
    return undefined
  const column = `${quoteName(found.item.alias, 'mysql')}.${quoteName(found.column.name, 'mysql')}`
  const name = quoteName(`${found.table.name}_${found.column.name}_fulltext`.slice(0, 64), 'mysql')
  const table = quoteTable(found.table, 'mysql', index.snapshot.defaultSchema)
  return {
    ...base(search),
    title: 'A FULLTEXT index',
    after: new SqlParts(tree).all([
      {
        start: condition.start,
        end: condition.end,
        text: `MATCH (${column}) AGAINST (${term} IN BOOLEAN MODE)`,
      },
    ]),
    ddl: [
      `ALTER TABLE ${table} ADD FULLTEXT INDEX ${name} (${quoteName(found.column.name, 'mysql')})${isMysql ? ' WITH PARSER ngram' : ''}`,
    ],
    isEquivalent: false,
    caveats: [
      isMysql
        ? 'It finds rows with the two-letter parts of the searched words, in their order: put the value in double quotes to search for it as one phrase. Words shorter than ngram_token_size are not found.'
        : 'It finds whole words, and with `word*` their prefixes, but nothing within a word. Stop words, and words with fewer than innodb_ft_min_token_size letters, are not found.',
      'In boolean mode + - > < ( ) ~ * " @ have a meaning: take them out of what people type.',
      'The value is bound without the wildcards of LIKE.',
    ],
  }
}

/** The searched string, without the wildcards around it. */
function searched(value: ValueTerm | undefined): string | undefined {
  if (value?.kind === 'parameter' || value?.kind === 'pattern') return '?'
  const text = value?.kind === 'literal' ? /^'[%]+([^%_'\\]+)%*'$/.exec(value.text)?.[1] : undefined
  return text === undefined ? undefined : `'${text}'`
}

function isAtLeast({ versionParts }: DatabaseSnapshot, major: number, minor: number): boolean {
  return versionParts[0] > major || (versionParts[0] === major && versionParts[1] >= minor)
}
