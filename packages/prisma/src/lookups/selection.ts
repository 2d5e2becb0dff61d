import { isPlainObject } from '../plain-object.ts'

type Args = Readonly<Record<string, unknown>>

/** Fields that a client leaves out of every row of a model (`new PrismaClient({ omit })`), by name. */
export type OmittedFields = Readonly<Record<string, unknown>>

/** Whether the rows that the arguments ask for have a scalar field. */
export function hasField(args: Args, field: string, omitted: OmittedFields | undefined): boolean {
  const { select, omit } = args
  if (isPlainObject(select)) return select[field] === true
  const own = isPlainObject(omit) ? omit[field] : undefined
  return (own ?? omitted?.[field]) !== true
}

/** Whether the arguments ask for no field at all: Prisma refuses such a call, and would not with a field more. */
export function selectsNothing(args: Args, fields: readonly string[], omitted: OmittedFields | undefined): boolean {
  const { select } = args
  if (isPlainObject(select)) return Object.values(select).every((asked) => asked === undefined || asked === false)
  return fields.every((field) => !hasField(args, field, omitted))
}

/** Arguments whose rows hold all of the fields, and those of them that the caller did not ask for. */
export function withFields(
  args: Args,
  fields: readonly string[],
  omitted: OmittedFields | undefined,
): { readonly args: Args; readonly added: readonly string[] } {
  const added = fields.filter((field) => !hasField(args, field, omitted))
  if (added.length === 0) return { args, added }
  const { select, omit } = args
  const all = (isIn: boolean) => Object.fromEntries(added.map((field) => [field, isIn]))
  if (isPlainObject(select)) return { args: { ...args, select: { ...select, ...all(true) } }, added }
  return { args: { ...args, omit: { ...(isPlainObject(omit) ? omit : {}), ...all(false) } }, added }
}
