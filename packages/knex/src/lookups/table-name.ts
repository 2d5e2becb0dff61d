/** A table as Knex reads its text: `name`, `schema.name`, `name as alias`. */
export interface TableName {
  readonly parts: readonly string[]
  /** How columns name it. */
  readonly calledAs: string
}

/** `undefined` where the text is more than a name. */
export function tableName(table: string, schema: string | undefined): TableName | undefined {
  const [name = '', as, alias, ...rest] = table.trim().split(/\s+/)
  if (name === '' || rest.length > 0 || (as !== undefined && (as.toLowerCase() !== 'as' || alias === undefined))) return undefined
  const parts = name.split('.')
  return { parts: schema === undefined ? parts : [schema, ...parts.slice(-1)], calledAs: alias ?? parts.at(-1) ?? name }
}
