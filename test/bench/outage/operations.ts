import type { Random } from '../../support/random.ts'
import type { Clients } from '../query/clients.ts'

export type Kind = 'read' | 'write'

/** The work of one request: a read or a write, with one of the ORMs. */
export interface Operation {
  readonly kind: Kind
  readonly name: string
  run(clients: Pick<Clients, 'prisma' | 'db'>): Promise<unknown>
}

const WRITE_SHARE = 0.1
/** Few enough for each to be requested every other second. */
const IDS = 30

type Make = (id: number, value: number) => Operation

/**
 * Rows that are written occasionally, lists that are never written, and lists that are written too often to
 * stay cached.
 */
const READS: readonly Make[] = [
  (id) => read('Prisma, a row', ({ prisma }) => prisma.product.findUnique({ where: { id } })),
  (id) => read('Knex, a row', ({ db }) => db('products').where({ id }).first()),
  (id) => read('Prisma, a list', ({ prisma }) => prisma.city.findMany({ where: { districtId: id } })),
  (id) => read('Knex, a list', ({ db }) => db('cities').where({ district_id: id })),
  (id) =>
    read('Prisma, a list that changes', ({ prisma }) => prisma.review.findMany({ where: { productId: id } })),
  (id) => read('Knex, a list that changes', ({ db }) => db('reviews').where({ product_id: id })),
]

const WRITES: readonly Make[] = [
  (id, rating) =>
    write('Prisma, a write', ({ prisma }) => prisma.review.update({ where: { id }, data: { rating } })),
  (id, rating) => write('Knex, a write', ({ db }) => db('reviews').where({ id }).update({ rating })),
  (id, value) =>
    write('Prisma, a transaction', ({ prisma }) =>
      prisma.$transaction(async (tx) =>
        tx.product.update({ where: { id }, data: { name: `Product ${id}, ${value}` } }),
      ),
    ),
  (id, value) =>
    write('Knex, a transaction', ({ db }) =>
      db.transaction(async (trx) =>
        trx('products')
          .where({ id })
          .update({ name: `Product ${id}, ${value}` }),
      ),
    ),
]

export function pickOperation(random: Random): Operation {
  const make = random.pick(random.chance(WRITE_SHARE) ? WRITES : READS)
  return make(1 + random.below(IDS), random.below(6))
}

function read(name: string, run: Operation['run']): Operation {
  return { kind: 'read', name, run }
}

function write(name: string, run: Operation['run']): Operation {
  return { kind: 'write', name, run }
}
