import type { CatalogTable, SchemaCatalog, TableId } from '@sluice/core'
import type { Database } from './databases.ts'

/** Tells which tables of a database really changed, cascades included. */
export interface ChangeLog {
  /** The tables changed since the last call. */
  drain(): Promise<ReadonlySet<TableId>>
}

/** By AFTER triggers, which fire for cascades too; on MySQL, where they do not, by comparing the rows. */
export async function createChangeLog(database: Database, catalog: SchemaCatalog): Promise<ChangeLog> {
  const tables = [...catalog.tables.values()]
  if (database.dialect === 'mysql') return compareRows(database, tables)
  const script = database.dialect === 'sqlite' ? sqliteTriggers(tables) : postgresTriggers(tables)
  await database.exec(script)
  return {
    async drain() {
      const rows = await database.query('SELECT DISTINCT touched FROM sluice_log')
      if (rows.length > 0) await database.exec('DELETE FROM sluice_log')
      return new Set(rows.map(({ touched }) => String(touched)))
    },
  }
}

function sqliteTriggers(tables: readonly CatalogTable[]): string {
  const triggers = tables.flatMap(({ id, name }) =>
    ['INSERT', 'UPDATE', 'DELETE'].map(
      (event) => `CREATE TRIGGER "log ${event} ${name}" AFTER ${event} ON "${name}" BEGIN INSERT INTO sluice_log VALUES ('${id}'); END;`,
    ),
  )
  return ['CREATE TABLE sluice_log (touched TEXT);', ...triggers].join('\n')
}

function postgresTriggers(tables: readonly CatalogTable[]): string {
  const body = 'BEGIN INSERT INTO sluice_log VALUES (TG_ARGV[0]); RETURN NULL; END'
  const triggers = tables.map(
    ({ id, name }) =>
      `CREATE TRIGGER log AFTER INSERT OR UPDATE OR DELETE ON "${name}" FOR EACH ROW EXECUTE FUNCTION sluice_log_it('${id}');`,
  )
  return [
    'CREATE TABLE sluice_log (touched TEXT);',
    `CREATE FUNCTION sluice_log_it() RETURNS trigger LANGUAGE plpgsql AS $$ ${body} $$;`,
    ...triggers,
  ].join('\n')
}

async function compareRows(database: Database, tables: readonly CatalogTable[]): Promise<ChangeLog> {
  const read = async ({ name }: CatalogTable) =>
    JSON.stringify(await database.query(`SELECT * FROM \`${name}\``))
      .split('},{')
      .sort()
      .join()
  const known = new Map<TableId, string>()
  for (const table of tables) known.set(table.id, await read(table))
  return {
    async drain() {
      const changed = new Set<TableId>()
      for (const table of tables) {
        const rows = await read(table)
        if (rows !== known.get(table.id)) changed.add(table.id)
        known.set(table.id, rows)
      }
      return changed
    },
  }
}
