import type { CatalogTable, SchemaCatalog, TableId } from '@sluice/core/adapter'
import type { Database } from './databases.ts'

/**
 * One row that changed, by the strings of its primary key; `undefined` if it did not exist. Keys are empty in
 * tables without one.
 */
export interface RowChange {
  readonly table: TableId
  readonly before: readonly string[] | undefined
  readonly after: readonly string[] | undefined
}

/** Reports which rows of a database really changed, including cascades. */
export interface ChangeLog {
  /** The changes since the last call, in order if the database reports it. */
  drain(): Promise<readonly RowChange[]>
}

/** Uses AFTER triggers, which fire for cascades too; on MySQL, where they do not, compares the rows. */
export async function createChangeLog(database: Database, catalog: SchemaCatalog): Promise<ChangeLog> {
  const tables = [...catalog.tables.values()]
  if (database.dialect === 'mysql') return compareRows(database, tables)
  const script = database.dialect === 'sqlite' ? sqliteTriggers(tables) : postgresTriggers(tables)
  await database.exec(script)
  return {
    async drain() {
      const rows = await database.query('SELECT touched, was, became FROM sluice_log ORDER BY at')
      if (rows.length > 0) await database.exec('DELETE FROM sluice_log')
      return rows.map(({ touched, was, became }) => ({
        table: String(touched),
        before: keyOf(was),
        after: keyOf(became),
      }))
    },
  }
}

function keyOf(json: unknown): readonly string[] | undefined {
  return typeof json === 'string' ? (JSON.parse(json) as string[]) : undefined
}

function sqliteTriggers(tables: readonly CatalogTable[]): string {
  const keyOfRow = (row: string, { primaryKey }: CatalogTable) =>
    `json_array(${primaryKey.map((column) => `CAST(${row}."${column}" AS TEXT)`).join()})`
  const triggers = tables.flatMap((table) =>
    ['INSERT', 'UPDATE', 'DELETE'].map((event) => {
      const was = event === 'INSERT' ? 'NULL' : keyOfRow('OLD', table)
      const became = event === 'DELETE' ? 'NULL' : keyOfRow('NEW', table)
      const log = `INSERT INTO sluice_log (touched, was, became) VALUES ('${table.id}', ${was}, ${became})`
      return `CREATE TRIGGER "log ${event} ${table.name}" AFTER ${event} ON "${table.name}" BEGIN ${log}; END;`
    }),
  )
  return [
    'CREATE TABLE sluice_log (at INTEGER PRIMARY KEY, touched TEXT, was TEXT, became TEXT);',
    ...triggers,
  ].join('\n')
}

function postgresTriggers(tables: readonly CatalogTable[]): string {
  const keyOfRow = (row: string) =>
    `(SELECT coalesce(jsonb_agg(to_jsonb(${row}) ->> k ORDER BY n), '[]')::text FROM unnest(TG_ARGV) WITH ORDINALITY AS u (k, n) WHERE n > 1)`
  const body = `BEGIN
    INSERT INTO sluice_log (touched, was, became) VALUES (
      TG_ARGV[0],
      CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE ${keyOfRow('OLD')} END,
      CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE ${keyOfRow('NEW')} END
    );
    RETURN NULL;
  END`
  const triggers = tables.map(({ id, name, primaryKey }) => {
    const args = [id, ...primaryKey].map((arg) => `'${arg}'`).join()
    return `CREATE TRIGGER log AFTER INSERT OR UPDATE OR DELETE ON "${name}" FOR EACH ROW EXECUTE FUNCTION sluice_log_it(${args});`
  })
  return [
    'CREATE TABLE sluice_log (at serial PRIMARY KEY, touched text, was text, became text);',
    `CREATE FUNCTION sluice_log_it() RETURNS trigger LANGUAGE plpgsql AS $$ ${body} $$;`,
    ...triggers,
  ].join('\n')
}

/** Rows by their keys, or by all their values if there is none. */
type Rows = ReadonlyMap<string, { readonly key: readonly string[]; readonly text: string }>

async function compareRows(database: Database, tables: readonly CatalogTable[]): Promise<ChangeLog> {
  const read = async ({ name, primaryKey }: CatalogTable): Promise<Rows> => {
    const rows = await database.query(`SELECT * FROM \`${name}\``)
    return new Map(
      rows.map((row) => {
        const text = JSON.stringify(row)
        const key = primaryKey.map((column) => String(row[column]))
        return [key.length === 0 ? text : JSON.stringify(key), { key, text }]
      }),
    )
  }
  const known = new Map<TableId, Rows>()
  for (const table of tables) known.set(table.id, await read(table))
  return {
    async drain() {
      const changes: RowChange[] = []
      for (const table of tables) {
        const before = known.get(table.id) ?? new Map()
        const after = await read(table)
        known.set(table.id, after)
        for (const [name, { key, text }] of before) {
          const now = after.get(name)
          if (now?.text !== text) changes.push({ table: table.id, before: key, after: now?.key })
        }
        for (const [name, { key }] of after)
          if (!before.has(name)) changes.push({ table: table.id, before: undefined, after: key })
      }
      return changes
    },
  }
}
