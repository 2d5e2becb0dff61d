import type { Shape } from '@sluice/core'
import type { PrismaShape } from './prisma-shape.ts'
import type { PrismaModel, PrismaRelation } from './schema/prisma-model.ts'

/** How to ask once what a shape asks again and again, as Prisma code. */
export function fixFor(shape: PrismaShape, parent: Shape | undefined): string | undefined {
  const keys = shape.keyColumns ?? []
  if (keys.length === 0 || shape.kind !== 'read') return undefined
  const listing = parent as PrismaShape | undefined
  const relation = listing?.model === undefined || shape.model === undefined ? undefined : relationTo(listing.model, shape.model, keys)
  if (listing !== undefined && relation !== undefined) {
    const where = `in ${clientName(listing.modelName)}.${listing.operation}`
    if (shape.operation === 'count') return `include: { _count: { select: { ${relation.field}: true } } }  ${where}`
    return `include: { ${relation.field}: ${nestedArgs(shape)} }  ${where}`
  }
  if (keys.length > 1) return undefined
  const [key] = keys
  const delegate = `prisma.${clientName(shape.modelName)}`
  if (shape.operation === 'count') return `${delegate}.groupBy({ by: ['${key}'], where: { ${key}: { in: keys } }, _count: true })`
  return `${delegate}.findMany({ where: { ${key}: { in: keys } } })`
}

/** Whether a shape asks along a relation of the listing's model. */
export function follows(shape: PrismaShape, listing: Shape): boolean {
  const { model } = listing as PrismaShape
  return model !== undefined && shape.model !== undefined && relationTo(model, shape.model, shape.keyColumns ?? []) !== undefined
}

/** The relation of the listing's model along which the shape asks: to-one by its key, or to-many by its foreign key. */
function relationTo(from: PrismaModel, to: PrismaModel, keys: readonly string[]): PrismaRelation | undefined {
  return [...from.relations.values()].find(
    ({ target, toFields }) => target.name === to.name && toFields.length === keys.length && toFields.every((field) => keys.includes(field)),
  )
}

function nestedArgs(shape: PrismaShape): string {
  const kept = Object.entries(shape.rest).filter(([, value]) => value !== undefined)
  return kept.length === 0 ? 'true' : `{ ${kept.map(([name, value]) => `${name}: ${literal(value)}`).join(', ')} }`
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([name, inner]) => `${name}: ${literal(inner)}`)
      .join(', ')} }`
  }
  return typeof value === 'string' ? `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'` : String(value)
}

function clientName(model: string): string {
  return `${model.slice(0, 1).toLowerCase()}${model.slice(1)}`
}
