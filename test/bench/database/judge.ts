import type { Dialect } from '@sluice/core'
import { type Advice, type IndexAdvice, indexLabel, type WorkloadEntry } from '@sluice/core/database'
import type { ShopAdvisor } from './advise-shop.ts'
import { answerOf, indexesOfNeed, isForeseen } from './answers.ts'
import { type Asked, type AskedShape, entryOf } from './shop-workload.ts'

/** The advice for one shape alone. */
export interface ShapeVerdict {
  readonly asked: AskedShape
  readonly isRight: boolean
  /** Needs that no index meets. */
  readonly missing: readonly string[]
  /** Indexes that are not among the answers. */
  readonly needless: readonly IndexAdvice[]
  readonly advice: Advice
}

/** The advice for the whole query workload of the shop. */
export interface WorkloadVerdict {
  readonly advice: Advice
  readonly needs: number
  readonly misses: readonly { readonly id: string; readonly need: string }[]
  /** Advised indexes that are an answer to some shape, and those that are not. */
  readonly foreseen: readonly IndexAdvice[]
  readonly unforeseen: readonly IndexAdvice[]
}

export interface ShopAsked {
  readonly shapes: readonly AskedShape[]
  readonly writes: readonly Asked[]
  /** Milliseconds of one call, by id. */
  readonly ms: ReadonlyMap<string, number>
}

/** The assumed duration of a write: the mean of all. */
const WRITE_MS = 0.05

function entries(asked: readonly Asked[], dialect: Dialect, { ms }: Pick<ShopAsked, 'ms'>): WorkloadEntry[] {
  return asked.map((one) => entryOf(one, dialect, ms.get(one.id) ?? WRITE_MS))
}

export async function judgeWorkload(advisor: ShopAdvisor, all: ShopAsked): Promise<WorkloadVerdict> {
  const { dialect } = advisor.database
  const advice = await advisor.advise(entries([...all.shapes, ...all.writes], dialect, all))
  const needs = all.shapes.flatMap(({ id, shape }) => answerOf(shape, dialect).map((need) => ({ id, need })))
  const isOfSome = ({ definition }: IndexAdvice) =>
    all.shapes.some(({ shape }) => isForeseen(definition, shape, dialect))
  return {
    advice,
    needs: needs.length,
    misses: needs.filter(({ need }) => indexesOfNeed(need, advice.indexes) === undefined),
    foreseen: advice.indexes.filter(isOfSome),
    unforeseen: advice.indexes.filter((index) => !isOfSome(index)),
  }
}

export async function judgeShape(
  advisor: ShopAdvisor,
  asked: AskedShape,
  all: ShopAsked,
  measures = true,
): Promise<ShapeVerdict> {
  const { dialect } = advisor.database
  const { shape } = asked
  const beside = all.writes.filter(({ id }) => shape.beside?.includes(id))
  const advice = await advisor.advise(
    entries([asked, ...beside], dialect, all),
    measures && shape.isEndlessOnSqlite !== true,
  )
  const missing = answerOf(shape, dialect).filter((need) => indexesOfNeed(need, advice.indexes) === undefined)
  const needless = advice.indexes.filter(({ definition }) => !isForeseen(definition, shape, dialect))
  return { asked, isRight: missing.length === 0 && needless.length === 0, missing, needless, advice }
}

/** An index in the notation of the answers: without the schema. */
export function labelOf({ definition }: Pick<IndexAdvice, 'definition'>): string {
  return indexLabel(definition)
    .replace(/^\w+\./, '')
    .replaceAll('"', '')
}
